-- What happened to every file: the newest row of a file (hash and purpose) is its state.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project that the file came to',
  run_id STRING NOT NULL COMMENT 'run that saw it',
  file_hash STRING NOT NULL COMMENT 'SHA-256 of its bytes',
  name STRING NOT NULL COMMENT 'its name in raw/',
  purpose STRING NOT NULL COMMENT 'train or inference',
  state STRING NOT NULL COMMENT 'claimed (its batch is being written), loaded, duplicate (same bytes as a loaded file) or rejected',
  bytes BIGINT NOT NULL COMMENT 'its size',
  modified_at TIMESTAMP COMMENT 'when it was written last, UTC',
  batch BIGINT COMMENT 'number of the batch it is written with',
  version BIGINT COMMENT 'how many contents came under this name, this one included',
  late BOOLEAN COMMENT 'whether it is older than the newest loaded file by more than ingest.late_after',
  reader STRING COMMENT 'what it is, and what read it: jsonl: from_json, csv: Arrow, parquet: Spark …',
  encoding STRING COMMENT 'of its text, as set or as found',
  dialect STRING COMMENT 'delimiter, quote, escape and header of delimited text, as a JSON object',
  chunks BIGINT COMMENT 'pieces that it was worked on in',
  records BIGINT COMMENT 'rows counted when it was verified',
  set_aside BIGINT COMMENT 'rows among them that could not be split into fields, as far as was seen then',
  rows BIGINT COMMENT 'rows of it in bronze, once loaded',
  line BIGINT COMMENT 'line of the first row that could not be split, or that the file was rejected for',
  place STRING COMMENT 'where it lies now, below the folder of the project',
  failed STRING COMMENT 'the check that it failed: format, readable, size, rows, columns or there',
  found STRING COMMENT 'the value found',
  wanted STRING COMMENT 'the value wanted',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'The ledger of files';

ALTER TABLE {table} ADD CONSTRAINT state_is_known CHECK (state IN ('claimed', 'loaded', 'duplicate', 'rejected'));
