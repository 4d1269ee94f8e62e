-- Rows that did not become silver, each with every reason. Append-only.
CREATE TABLE {table} (
  raw STRING NOT NULL COMMENT 'the row as it came: its fields as a JSON object, or its text if it had none',
  reasons ARRAY<STRUCT<rule: STRING, message: STRING, run_id: STRING, fingerprint: STRING>> NOT NULL COMMENT 'each rule that the row broke, with the value found, and the run that found it; fingerprint = hash of the rule as it was then',
  _purpose STRING NOT NULL COMMENT 'train or inference',
  _file STRING NOT NULL COMMENT 'file that the row came in',
  _file_hash STRING NOT NULL COMMENT 'SHA-256 of that file',
  _row BIGINT NOT NULL COMMENT 'order of the row in its file',
  _batch BIGINT NOT NULL COMMENT 'batch that the row came in',
  run_id STRING NOT NULL COMMENT 'run that set it aside',
  quarantined_at TIMESTAMP NOT NULL COMMENT 'when, UTC'
) USING DELTA {location}
COMMENT 'Rows set aside, with reasons'
TBLPROPERTIES (delta.enableChangeDataFeed = true, delta.logRetentionDuration = 'interval 365 days');

ALTER TABLE {table} ADD CONSTRAINT has_a_reason CHECK (size(reasons) > 0);
