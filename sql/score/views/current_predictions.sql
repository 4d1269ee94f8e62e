-- The predictions that are shown: of the first of score.models, once they are whole and checked; for a share of the keys,
-- by a hash that keeps each key on its side, of its canary. What an analyst wants unless they compare versions.
WITH shown AS (
  SELECT version, canary, lpad(hex(CAST(floor(share * 4294967296) AS BIGINT)), 8, '0') AS below
  FROM ops.model_events WHERE project = '{project}' AND event = 'shown' ORDER BY recorded_at DESC LIMIT 1
)
SELECT * FROM {project}.predictions
WHERE version IN ((SELECT version FROM shown), (SELECT canary FROM shown))
  AND version = CASE WHEN upper(substr(md5(key), 1, 8)) < (SELECT below FROM shown)
                     THEN (SELECT canary FROM shown) ELSE (SELECT version FROM shown) END
