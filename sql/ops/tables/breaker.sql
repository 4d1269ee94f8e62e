-- Projects that were blocked because their runs failed in a row, and who opened them again.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  number INT NOT NULL COMMENT 'of the event in the project, from 1; the last one counts',
  event STRING NOT NULL COMMENT 'blocked or unblocked',
  runs STRING NOT NULL COMMENT 'runs that failed, newest first, each with its state and error, as a JSON array; they count once',
  who STRING COMMENT 'user who opened it',
  why STRING COMMENT 'the words of that person',
  happened_at TIMESTAMP NOT NULL COMMENT 'UTC',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Blocked projects';

ALTER TABLE {table} ADD CONSTRAINT event_is_known CHECK (event IN ('blocked', 'unblocked'));
