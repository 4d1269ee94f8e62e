-- Why were rows set aside?
SELECT rule, count(*) AS n, min(message) AS example
FROM {project}.rejected_rows
GROUP BY rule
ORDER BY n DESC, rule
