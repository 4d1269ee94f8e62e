-- Rows that did not become silver, each with every reason. A row that passes later is released, and its history stays.
CREATE TABLE {table} (
  raw STRING NOT NULL COMMENT 'the row as it came: its fields as a JSON object, or its text if it had none; masked where the project masks',
  reasons ARRAY<STRUCT<rule: STRING, message: STRING, run_id: STRING, fingerprint: STRING>> NOT NULL COMMENT 'each rule that the row broke when it was last set aside, with the value found, and the run that found it; fingerprint = hash of the rule as it was then',
  state STRING NOT NULL COMMENT 'open, or released: it passed later rules and went to silver',
  _purpose STRING NOT NULL COMMENT 'train or inference',
  _file STRING NOT NULL COMMENT 'file that the row came in',
  _file_hash STRING NOT NULL COMMENT 'SHA-256 of that file',
  _line BIGINT COMMENT 'line of the file in which the row begins, from 1; null where the format has no lines',
  _row BIGINT NOT NULL COMMENT 'order of the row in its file',
  _batch BIGINT NOT NULL COMMENT 'batch that the row came in',
  run_id STRING NOT NULL COMMENT 'run that set it aside last',
  first_seen TIMESTAMP NOT NULL COMMENT 'when it was first set aside, UTC',
  last_seen TIMESTAMP NOT NULL COMMENT 'when it was last judged and set aside, UTC',
  released_at TIMESTAMP COMMENT 'when it last passed, UTC; null: never',
  released_by STRING COMMENT 'run in which it last passed'
) USING DELTA {location}
COMMENT 'Rows set aside, with reasons'
TBLPROPERTIES (delta.enableChangeDataFeed = true, delta.logRetentionDuration = 'interval 365 days');

ALTER TABLE {table} ADD CONSTRAINT has_a_reason CHECK (size(reasons) > 0);

ALTER TABLE {table} ADD CONSTRAINT state_is_known CHECK (state IN ('open', 'released'));
