-- What came in each window, one row a feature: counts over the bins of the model's reference, in no order of rows.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that counted',
  model STRING NOT NULL COMMENT 'name/version of the model whose bins these are',
  window_id STRING NOT NULL COMMENT 'run that scored the rows',
  scored_at TIMESTAMP NOT NULL COMMENT 'when that run began to score, UTC',
  since BIGINT NOT NULL COMMENT 'version of predictions after which was counted; -1: from the beginning',
  subject STRING NOT NULL COMMENT 'a column, terms, new_terms, vectors, score, prediction, confidence, label or outcomes',
  rows BIGINT NOT NULL COMMENT 'rows that were counted',
  counts STRING NOT NULL COMMENT 'counts by bin, as a JSON array; of outcomes and vectors a JSON object of their sums',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Histograms of what was scored';
