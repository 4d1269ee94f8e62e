"""The questions of a report: each over one `{table}`, of `$project` up to `$run`, with an end to its rows."""

from __future__ import annotations

FILES_SHOWN, EXAMPLES_SHOWN, CUT = 50, 24, 500

VERSIONS = """
SELECT versions FROM {table} WHERE project = $project AND run_id <= $run AND versions <> '{{}}'
ORDER BY run_id DESC, started_at DESC LIMIT 500
"""
FILES = """
SELECT name, purpose, state, bytes, rows, set_aside, late, reader, failed, found, wanted FROM {table}
WHERE project = $project AND run_id = $run AND state <> 'claimed'
QUALIFY row_number() OVER (PARTITION BY file_hash, name, purpose ORDER BY recorded_at DESC) = 1
ORDER BY state = 'loaded', name LIMIT 10000
"""
CHECKS = """
SELECT rule, action, read, broken, share, tolerance, outcome, found FROM {table}
WHERE project = $project AND run_id = $run
QUALIFY row_number() OVER (PARTITION BY rule ORDER BY recorded_at DESC) = 1
ORDER BY list_position(['failed', 'tolerated', 'masked', 'skipped', 'passed'], outcome), share DESC NULLS LAST, rule
LIMIT 500
"""
BROKEN = """
SELECT reasons[1].rule AS rule, count(*) FILTER (run_id = $run) AS here, count(*) AS open FROM {table}
WHERE state = 'open' GROUP BY 1 ORDER BY here DESC, open DESC, rule LIMIT 100
"""
EXAMPLES = f"""
SELECT reasons[1].rule AS rule, left(reasons[1].message, {CUT}) AS message, _file AS file, _line AS line,
       left(raw, {CUT}) AS raw, length(raw) AS length, len(reasons) AS reasons
FROM {{table}} WHERE state = 'open' AND run_id = $run
QUALIFY row_number() OVER (PARTITION BY reasons[1].rule ORDER BY _file, _row) <= 3
ORDER BY count(*) OVER (PARTITION BY reasons[1].rule) DESC, 1, _file, _row LIMIT {EXAMPLES_SHOWN}
"""
CHANGES = """
SELECT table_name AS "table", column_name AS "column", type, change, file, found FROM {table}
WHERE project = $project AND run_id = $run ORDER BY recorded_at, column_name LIMIT 100
"""
EVENTS = """
SELECT run_id, model, version, event, alias, reasons, metrics, who FROM {table}
WHERE project = $project AND run_id <= $run ORDER BY recorded_at DESC LIMIT 1000
"""
# Of a window that was judged twice the newest verdict stands; only the last windows are drawn.
DRIFT = """
SELECT kind, subject, method, against, window_id, value, bound, state, found, rows FROM (
    SELECT *, row_number() OVER (PARTITION BY kind, subject, against ORDER BY newest DESC, window_id DESC) AS place
    FROM (
        SELECT *, recorded_at AS newest FROM {table}
        WHERE project = $project AND run_id <= $run AND model = $model
        QUALIFY row_number() OVER (PARTITION BY kind, subject, against, window_id ORDER BY recorded_at DESC) = 1
    )
) WHERE place <= 20 ORDER BY kind, subject, method, against, newest, window_id
"""
HISTORY = """
SELECT kind, subject, method, against, window_id, value, bound, state, found, rows FROM {table}
WHERE project = $project AND run_id = $run AND model IS NULL
QUALIFY row_number() OVER (PARTITION BY kind, subject ORDER BY recorded_at DESC) = 1
ORDER BY kind, subject, method, against LIMIT 500
"""
PAST = """
SELECT run_id AS id, state, started_at, epoch(ended_at - started_at) AS seconds FROM {table}
WHERE project = $project AND run_id <= $run ORDER BY id DESC LIMIT 30
"""
# All columns: some are missing in lakes of earlier releases.
STEPS = """
SELECT * FROM {table} WHERE project = $project AND run_id BETWEEN $first AND $run ORDER BY run_id DESC LIMIT 5000
"""
ALERTS = """
SELECT severity, reason, next, outcome FROM {table} WHERE project = $project AND run_id = $run
QUALIFY row_number() OVER (PARTITION BY key, contact, raised_at ORDER BY recorded_at DESC) = 1
ORDER BY raised_at LIMIT 50
"""
