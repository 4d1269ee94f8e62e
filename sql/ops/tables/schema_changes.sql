-- Every change of a table's columns, made because the settings changed.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that made the change',
  table_name STRING NOT NULL COMMENT 'short name of the table',
  column_name STRING NOT NULL COMMENT 'column',
  type STRING NOT NULL COMMENT 'its type now',
  change STRING NOT NULL COMMENT 'added',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Changes of columns';
