-- What monitoring judged, one row a subject, method and comparison: of windows of predictions, of data and of runs.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that judged',
  model STRING COMMENT 'name/version of the model; null for data and runs',
  window_id STRING NOT NULL COMMENT 'run that scored the rows, or their day; of data and runs the run itself',
  since BIGINT NOT NULL COMMENT 'version of predictions after which was judged; -1: from the beginning',
  kind STRING NOT NULL COMMENT 'inputs, outputs, labels, performance, data or runs',
  subject STRING NOT NULL COMMENT 'a column, terms, an output, a figure, a stage',
  method STRING NOT NULL COMMENT 'psi, jensen_shannon, kolmogorov_smirnov, chi_squared, centroid, drop (of a figure), history or limit',
  against STRING NOT NULL COMMENT 'what it was held against: training, the last windows or runs, or the settings',
  rows BIGINT COMMENT 'rows of the window',
  value DOUBLE COMMENT 'how far it is away; null where it was not judged',
  bound DOUBLE COMMENT 'what it may be away, given the rows of both sides',
  beyond BOOLEAN NOT NULL COMMENT 'whether it is further',
  times BIGINT NOT NULL COMMENT 'in how many of the last windows it was, this one included',
  state STRING NOT NULL COMMENT 'not judged, stable, moved (this window alone) or drifted (in enough of the last ones)',
  severity STRING NOT NULL COMMENT 'info, warning or critical',
  action STRING NOT NULL COMMENT 'what the settings ask for: none, note, alert, block_scoring, rerun or retrain',
  found STRING NOT NULL COMMENT 'a sentence for people',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Verdicts of monitoring';

ALTER TABLE {table} ADD CONSTRAINT state_is_known CHECK (state IN ('not judged', 'stable', 'moved', 'drifted'));
ALTER TABLE {table} ADD CONSTRAINT action_is_known CHECK (action IN ('none', 'note', 'alert', 'block_scoring', 'rerun', 'retrain'));
