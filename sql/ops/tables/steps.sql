-- One row for each try of a stage, well ended or not.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project that was run',
  run_id STRING NOT NULL COMMENT 'run that the step belongs to',
  stage STRING NOT NULL COMMENT 'name of the stage',
  state STRING NOT NULL COMMENT 'done, idle (nothing to do), failed, timed_out or cancelled',
  started_at TIMESTAMP NOT NULL COMMENT 'UTC',
  ended_at TIMESTAMP NOT NULL COMMENT 'UTC',
  read BIGINT COMMENT 'rows read',
  written BIGINT COMMENT 'rows written',
  rejected BIGINT COMMENT 'rows, or files, set aside',
  versions STRING NOT NULL COMMENT 'table -> version after the step, as a JSON object',
  note STRING COMMENT 'one line on what happened',
  error STRING COMMENT 'what went wrong, and what to do next',
  cpu_seconds DOUBLE COMMENT 'CPU time of the driver and all processes below it',
  peak_bytes BIGINT COMMENT 'most resident memory of them at once',
  bytes_read BIGINT COMMENT 'bytes that they read, files and pipes alike',
  bytes_written BIGINT COMMENT 'bytes that they wrote',
  price DOUBLE COMMENT 'what that cost, by the prices in cost:; null where there are none',
  tries INT COMMENT 'tries of the stage in this run, this one among them: faults that can pass are tried again',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Steps of runs, one row for each try of a stage';
