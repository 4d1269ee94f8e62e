-- What every check counted, one row a check and silver step.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run',
  rule STRING NOT NULL COMMENT 'name of the rule',
  action STRING NOT NULL COMMENT 'warn, quarantine, fail, or mask (counted, nothing set aside)',
  fingerprint STRING NOT NULL COMMENT 'hash of the rule as it was then',
  read BIGINT NOT NULL COMMENT 'rows looked at',
  broken BIGINT NOT NULL COMMENT 'rows that broke it, or had something masked',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Counts of every check';
