-- How did each window fare?
SELECT model, window_id, kind, state, count(*) AS verdicts
FROM ops.drift
WHERE project = '{project}'
GROUP BY model, window_id, kind, state
ORDER BY window_id DESC, kind, state
