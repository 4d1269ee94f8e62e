-- Figures that monitoring took, one row a figure. How far it has come stands in the commits, which are kept as long as
-- those of predictions.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that took it',
  metric STRING NOT NULL COMMENT 'what was measured: rows, share, mean_probability, seconds …',
  subject STRING NOT NULL COMMENT 'of what: a table, a stage, a class',
  model STRING COMMENT 'name/version of the model, for figures of predictions',
  value DOUBLE NOT NULL COMMENT 'the figure; shares are 0 to 1, times are seconds',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Monitoring figures'
TBLPROPERTIES (delta.logRetentionDuration = 'interval 365 days');
