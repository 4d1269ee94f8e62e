-- What became of every model version: the gate's word, every move of an alias, and what current_predictions shows.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run that decided',
  model STRING NOT NULL COMMENT 'registered name',
  version INT NOT NULL COMMENT 'version spoken of',
  event STRING NOT NULL COMMENT 'promoted, refused, passed (a dry run), promoted by hand, rolled back; shown (by current_predictions from now on), held back (it failed the checks before that)',
  alias STRING NOT NULL COMMENT 'alias that the version got: champion or challenger; of shown and held back: current',
  previous INT COMMENT 'version that was champion, or shown, before',
  reasons STRING NOT NULL COMMENT 'why: what the gate compared, one sentence a test, or the words of a person, as a JSON array',
  metrics STRING NOT NULL COMMENT 'figures on the test split, as a JSON object',
  who STRING COMMENT 'user who ran it',
  canary INT COMMENT 'of shown: version that answers a share of the keys in current_predictions',
  share DOUBLE COMMENT 'of shown: the share of keys that the canary answers, 0 to 1',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Decisions over model versions';
