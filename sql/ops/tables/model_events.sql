-- What became of every model version: the gate's word, and every move of an alias.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that decided',
  model STRING NOT NULL COMMENT 'registered name',
  version INT NOT NULL COMMENT 'version spoken of',
  event STRING NOT NULL COMMENT 'promoted, refused, passed (a dry run), promoted by hand, rolled back',
  alias STRING NOT NULL COMMENT 'alias that the version got: champion or challenger',
  previous INT COMMENT 'version that was champion before',
  reasons STRING NOT NULL COMMENT 'why: what the gate compared, one sentence a test, or the words of a person, as a JSON array',
  metrics STRING NOT NULL COMMENT 'figures on the test split, as a JSON object',
  who STRING COMMENT 'user who ran it',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Decisions over model versions';
