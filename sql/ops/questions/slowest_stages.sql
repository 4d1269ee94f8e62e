-- Where does the time go?
SELECT stage, count(*) AS runs, max(written) AS most_rows,
       max(ended_at - started_at) AS longest
FROM ops.steps
WHERE project = '{project}' AND state = 'done'
GROUP BY stage
ORDER BY longest DESC, stage
