-- What happened to every file: the newest row of a file (hash and purpose) is its state.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project that the file came to',
  run_id STRING NOT NULL COMMENT 'run that saw it',
  file_hash STRING NOT NULL COMMENT 'SHA-256 of its bytes',
  name STRING NOT NULL COMMENT 'its name in raw/',
  purpose STRING NOT NULL COMMENT 'train or inference',
  state STRING NOT NULL COMMENT 'claimed (its batch is being written), loaded, duplicate (same bytes as a loaded file) or rejected',
  batch BIGINT COMMENT 'number of the batch it is written with',
  reader STRING COMMENT 'how it was read: csv, tsv, json, jsonl or parquet',
  bytes BIGINT NOT NULL COMMENT 'its size',
  rows BIGINT COMMENT 'rows of it in bronze, once loaded',
  place STRING COMMENT 'where it lies now, below the folder of the project',
  failed STRING COMMENT 'the check that it failed',
  found STRING COMMENT 'the value found',
  wanted STRING COMMENT 'the value wanted',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'The ledger of files';

ALTER TABLE {table} ADD CONSTRAINT state_is_known CHECK (state IN ('claimed', 'loaded', 'duplicate', 'rejected'));
