-- The rows that were set aside, with the first reason in columns of its own.
SELECT _file AS file, _row AS row_in_file, _batch AS batch, reasons[{first}].rule AS rule,
       reasons[{first}].message AS message, raw, run_id, quarantined_at
FROM {project}.quarantine
