-- The rows that are set aside now, with the first reason in columns of its own.
SELECT _file AS file, _line AS line, _row AS row_in_file, _batch AS batch, reasons[{first}].rule AS rule,
       reasons[{first}].message AS message, raw, run_id, first_seen, last_seen
FROM {project}.quarantine
WHERE state = 'open'
