-- What is furthest from where it was, at the last look?
SELECT kind, subject, method, against, value, bound, value / nullif(bound, 0) AS times_bound, state, action, found
FROM ops.drift
WHERE project = '{project}' AND value IS NOT NULL
  AND run_id = (SELECT max(run_id) FROM ops.drift WHERE project = '{project}')
ORDER BY times_bound DESC, kind, subject
