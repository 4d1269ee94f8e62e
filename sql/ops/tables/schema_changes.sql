-- Every change of a table's columns, by the settings or by a file: one row a change, not one a run.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that met it first',
  table_name STRING NOT NULL COMMENT 'short name of the table',
  column_name STRING NOT NULL COMMENT 'column; one that nobody declared by its name in the file',
  type STRING NOT NULL COMMENT 'its type in the table, or as declared',
  change STRING NOT NULL COMMENT 'added, rescued (kept in _rescued), dropped, missing (declared, and not in the file), refused (the file went to errors/) or type_changed (refused)',
  file STRING COMMENT 'first file that brought it; null where the settings did',
  found STRING COMMENT 'what was found, in a few words',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Changes of columns';

ALTER TABLE {table} ADD CONSTRAINT change_is_known CHECK (change IN ('added', 'rescued', 'dropped', 'missing', 'refused', 'type_changed'));
