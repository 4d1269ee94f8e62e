-- Model inputs, one row a key: tokens made by one Spark NLP pipeline, whose hash every row carries. Its log is kept for good:
-- registered models name versions of it.
CREATE TABLE {table} (
  key STRING NOT NULL COMMENT 'as in silver',
  purpose STRING NOT NULL COMMENT 'train or inference',
  label STRING COMMENT 'class or number to learn: the newest in the table labels, else that of the label expression; null = not for training',
  split STRING NOT NULL COMMENT 'train, validation or test, by a hash of the split column',
  {columns}
  clean_text STRING NOT NULL COMMENT 'the tokens, joined by one blank: what models read',
  tokens ARRAY<STRING> NOT NULL COMMENT 'output of the Spark NLP pipeline',
  n_chars INT NOT NULL COMMENT 'characters of the normalised text',
  n_tokens INT NOT NULL COMMENT 'number of tokens',
  nlp_hash STRING NOT NULL COMMENT 'hash of the Spark NLP pipeline that made the tokens',
  row_hash BIGINT NOT NULL COMMENT 'changes with the content of the row: of that in silver, of a label that was given, and of what gold makes'
) USING DELTA {location}
PARTITIONED BY (split)
COMMENT 'Model inputs, one row a key'
TBLPROPERTIES (delta.enableChangeDataFeed = true, delta.autoOptimize.optimizeWrite = true,
  delta.logRetentionDuration = 'interval 36500 days');

ALTER TABLE {table} ADD CONSTRAINT split_is_known CHECK (split IN ('train', 'validation', 'test'));
