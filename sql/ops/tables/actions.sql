-- What was done about verdicts that block scoring: each refusal, and each clearance by a person.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that was refused, or command that cleared',
  action STRING NOT NULL COMMENT 'what the verdicts ask for: block_scoring',
  event STRING NOT NULL COMMENT 'refused (nothing was scored) or cleared (by a person: the verdicts until then count no more)',
  model STRING NOT NULL COMMENT 'name/version of the model that was to score',
  upto BIGINT COMMENT 'version of gold that was not scored; null where cleared',
  reasons STRING NOT NULL COMMENT 'the verdicts, as a JSON array of sentences',
  who STRING COMMENT 'user who cleared',
  why STRING COMMENT 'the reason that was given',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'What was done about verdicts';

ALTER TABLE {table} ADD CONSTRAINT event_is_known CHECK (event IN ('refused', 'cleared'));
