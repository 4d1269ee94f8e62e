-- What somebody was to be told, and what became of telling it.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that had to tell it',
  severity STRING NOT NULL COMMENT 'note, warning, error or critical',
  reason STRING NOT NULL COMMENT 'what happened',
  next STRING NOT NULL COMMENT 'command to begin with',
  contact STRING NOT NULL COMMENT 'who is told: operators or security',
  key STRING NOT NULL COMMENT 'alerts of one key are the same, and sent once in a while',
  outcome STRING NOT NULL COMMENT 'sent, repeated (told not long ago, so kept back), failed (the next run tries again) or unsent (nobody to send to)',
  error STRING COMMENT 'why it could not be sent',
  raised_at TIMESTAMP NOT NULL COMMENT 'when it happened, UTC',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Alerts';

ALTER TABLE {table} ADD CONSTRAINT severity_is_known CHECK (severity IN ('note', 'warning', 'error', 'critical'));

ALTER TABLE {table} ADD CONSTRAINT outcome_is_known CHECK (outcome IN ('sent', 'repeated', 'failed', 'unsent'));
