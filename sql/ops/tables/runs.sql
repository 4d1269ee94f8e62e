-- One row a run.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project that was run',
  run_id STRING NOT NULL COMMENT 'begins with the time of its start, so that it sorts',
  state STRING NOT NULL COMMENT 'running, done, rejected (done, but files or a model were refused), failed, timed_out, cancelled (by a person or a signal) or lost (killed)',
  env STRING NOT NULL COMMENT 'settings of which environment',
  stages STRING NOT NULL COMMENT 'stages asked for, in order',
  code STRING NOT NULL COMMENT 'version of this package',
  started_at TIMESTAMP NOT NULL COMMENT 'UTC',
  ended_at TIMESTAMP COMMENT 'UTC; null while it runs, and of a lost one',
  error STRING COMMENT 'what went wrong, and what to do next',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Runs, one row each';

ALTER TABLE {table} ADD CONSTRAINT state_is_known CHECK (state IN ('running', 'done', 'rejected', 'failed', 'timed_out', 'cancelled', 'lost'));
