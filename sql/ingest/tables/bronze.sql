-- Every row of every file that was taken in, as text, exactly once. Append-only.
CREATE TABLE {table} (
  {columns}
  _rescued STRING COMMENT 'fields that no column was declared for, as a JSON object',
  _corrupt STRING COMMENT 'the whole row as text, where it could not be split into fields',
  _fault STRING COMMENT 'why the row could not be split into fields; null for a good row',
  _line BIGINT COMMENT 'line of the file in which the row begins, from 1; null where the format has no lines',
  _purpose STRING NOT NULL COMMENT 'train or inference: the folder that the file came to',
  _file STRING NOT NULL COMMENT 'name of the file as it came',
  _file_hash STRING NOT NULL COMMENT 'SHA-256 of the bytes of the file: files are known by content',
  _row BIGINT NOT NULL COMMENT 'place of the row in its file, from 1',
  _batch BIGINT NOT NULL COMMENT 'number of the batch of files that was written in one commit',
  _ingested_at TIMESTAMP NOT NULL COMMENT 'when the batch was written, UTC'
) USING DELTA {location}
COMMENT 'Raw rows as text, one for each row of each file'
TBLPROPERTIES (delta.enableChangeDataFeed = true, delta.appendOnly = true,
  delta.dataSkippingStatsColumns = '_batch,_file_hash', delta.logRetentionDuration = 'interval 365 days');

ALTER TABLE {table} ADD CONSTRAINT purpose_is_known CHECK (_purpose IN ('train', 'inference'));
