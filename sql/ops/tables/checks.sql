-- What every check counted, one row a check and silver step.
CREATE TABLE {table} (
  project STRING NOT NULL COMMENT 'project',
  run_id STRING NOT NULL COMMENT 'run',
  rule STRING NOT NULL COMMENT 'name of the rule',
  action STRING NOT NULL COMMENT 'warn, quarantine, fail, or mask (counted, nothing set aside)',
  fingerprint STRING NOT NULL COMMENT 'hash of the rule as it was then',
  read BIGINT NOT NULL COMMENT 'rows that it looked at: for a rule over the values of a column, those that have one',
  broken BIGINT NOT NULL COMMENT 'rows that broke it; for figures that are no share of rows, how many of them did; for a mask, rows in which something was masked',
  share DOUBLE COMMENT 'broken by read; null for figures that are no share of rows',
  tolerance DOUBLE NOT NULL COMMENT 'share of the rows, or of a bound, by which it may be broken',
  outcome STRING NOT NULL COMMENT 'passed, tolerated, failed, skipped for too few rows, or masked',
  found STRING NOT NULL COMMENT 'its figures, and their bounds',
  recorded_at TIMESTAMP NOT NULL COMMENT 'when this row was written, UTC'
) USING DELTA {location}
COMMENT 'Counts of every check';
