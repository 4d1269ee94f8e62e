-- One row a key: typed, checked, its text normalised. The newest row of a key is the one that stands.
CREATE TABLE {table} (
  {columns}
  _key STRING NOT NULL COMMENT 'the key column; where there are several, their values as a JSON array',
  _label STRING COMMENT 'value of the label expression; null = not for training',
  _purpose STRING NOT NULL COMMENT 'train or inference',
  _file STRING NOT NULL COMMENT 'file that the row came in',
  _row BIGINT NOT NULL COMMENT 'order of the row in its file',
  _batch BIGINT NOT NULL COMMENT 'batch that the row came in',
  _ingested_at TIMESTAMP NOT NULL COMMENT 'when the row was written to bronze, UTC',
  _row_hash BIGINT NOT NULL COMMENT 'xxhash64 of the declared columns, label and purpose: tells changed rows from those that came again'
) USING DELTA {location}
COMMENT 'Valid rows, one a key, typed and with normalised text'
TBLPROPERTIES (delta.enableChangeDataFeed = true, delta.logRetentionDuration = 'interval 365 days');

ALTER TABLE {table} ADD CONSTRAINT purpose_is_known CHECK (_purpose IN ('train', 'inference'));
