-- What do a million rows cost, stage by stage, with the tries that failed? Rows of runs without a price are left out of that.
SELECT stage, count(*) AS tries, sum(CASE WHEN state = 'done' THEN read END) AS rows_read,
       sum(cpu_seconds) AS cpu_seconds, max(peak_bytes) AS peak_bytes, sum(price) AS price,
       1000000 * sum(price) / nullif(sum(CASE WHEN state = 'done' AND price IS NOT NULL THEN read END), 0)
         AS price_per_million
FROM ops.steps
WHERE project = '{project}' AND state <> 'idle'
GROUP BY stage
ORDER BY cpu_seconds DESC, stage
