-- What do a million rows cost, stage by stage?
SELECT stage, count(*) AS runs, sum(read) AS rows_read, sum(cpu_seconds) AS cpu_seconds, max(peak_bytes) AS peak_bytes,
       sum(price) AS price, 1000000 * sum(price) / nullif(sum(read), 0) AS price_per_million
FROM ops.steps
WHERE project = '{project}' AND state = 'done'
GROUP BY stage
ORDER BY cpu_seconds DESC, stage
