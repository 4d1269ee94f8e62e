-- How good is the model, window by window, on rows whose labels came?
SELECT model, window_id, subject, rows, value AS worse_by, bound, state, found
FROM ops.drift
WHERE project = '{project}' AND kind = 'performance'
ORDER BY window_id DESC, subject
