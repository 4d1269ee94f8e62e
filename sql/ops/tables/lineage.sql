-- Which version came from which: a row for each thing that a version of a table, or of a model, was made of.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING COMMENT 'run that wrote the version; null where somebody else did',
  stage STRING COMMENT 'its stage: ingest … monitor, replay or label; null where somebody else wrote the version',
  output_kind STRING NOT NULL COMMENT 'table or model',
  output STRING NOT NULL COMMENT 'the table by its name in SQL, or the registered model',
  output_id STRING NOT NULL COMMENT 'of the table in Delta, or of the run in MLflow: one that is dropped and made anew has another',
  output_version BIGINT NOT NULL COMMENT 'version that was written',
  rows BIGINT COMMENT 'rows that came or changed with it; null of a model',
  anew BOOLEAN NOT NULL COMMENT 'whether nothing of the version before has stayed',
  input_kind STRING COMMENT 'table, model or files; null where nothing was read, as where people gave labels',
  input STRING COMMENT 'what was read: a table, a model, or the files of <project>.raw',
  input_version BIGINT COMMENT 'up to which version; of files their batch in ops.files, null of earlier releases',
  committed_at TIMESTAMP NOT NULL COMMENT 'when the version was written, UTC',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Lineage of tables and models';

ALTER TABLE {table} ADD CONSTRAINT kinds_are_known CHECK (output_kind IN ('table', 'model') AND (input_kind IS NULL OR input_kind IN ('table', 'model', 'files')));
