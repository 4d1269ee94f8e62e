-- What people say that rows are: the newest label of a key stands in the place of what the label expression gives.
CREATE TABLE {table} (
  key STRING NOT NULL COMMENT 'as in silver and gold',
  label STRING COMMENT 'class or number to learn; null = not for training, whatever the expression gives',
  why STRING COMMENT 'the reason that was given',
  who STRING NOT NULL COMMENT 'user who gave it',
  source STRING COMMENT 'file that it came in; null where it was given by hand',
  run_id STRING NOT NULL COMMENT 'command that wrote it',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC; of several labels of a key the newest stands'
) USING DELTA {location}
COMMENT 'Labels given by people, every one that was given'
TBLPROPERTIES (delta.enableChangeDataFeed = true, delta.appendOnly = true,
  delta.logRetentionDuration = 'interval 365 days');
