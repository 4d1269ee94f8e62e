-- One row for each key and model version that scored it. Statistics are kept of what queries select rows by.
CREATE TABLE {table} (
  key STRING NOT NULL COMMENT 'as in gold',
  purpose STRING NOT NULL COMMENT 'train or inference',
  split STRING NOT NULL COMMENT 'as in gold: rows of the split train were seen in training',
  label STRING COMMENT 'the class known for the row, if any, when it was scored',
  prediction STRING NOT NULL COMMENT 'the predicted class; of a regression the number as text',
  probability DOUBLE COMMENT 'probability of the predicted class, 0 to 1; null for a regression',
  probabilities MAP<STRING, DOUBLE> NOT NULL COMMENT 'class -> probability; they add up to 1; empty for a regression',
  model STRING NOT NULL COMMENT 'registered name of the model',
  version INT NOT NULL COMMENT 'version of the model, resolved once a run',
  model_run_id STRING NOT NULL COMMENT 'MLflow run that trained the model',
  nlp_hash STRING NOT NULL COMMENT 'hash of the pipeline that made the features, of gold and model alike',
  row_hash BIGINT NOT NULL COMMENT 'content of the row that was scored',
  run_id STRING NOT NULL COMMENT 'run that scored the row',
  scored_at TIMESTAMP NOT NULL COMMENT 'when that run began to score, UTC',
  value DOUBLE COMMENT 'the predicted number of a regression; null for classes'
) USING DELTA {location}
PARTITIONED BY (version)
COMMENT 'Predictions, one row a key, model and version'
TBLPROPERTIES (delta.enableChangeDataFeed = true, delta.logRetentionDuration = 'interval 365 days',
  delta.dataSkippingStatsColumns = 'key,purpose,split,label,prediction,run_id,scored_at');

ALTER TABLE {table} ADD CONSTRAINT probability_is_a_share CHECK (probability IS NULL OR probability BETWEEN 0 AND 1);
