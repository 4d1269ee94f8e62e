-- What the version that is shown says beside each other version, by key: nulls where no other has scored the same row.
WITH shown AS (
  SELECT version FROM ops.model_events
  WHERE project = '{project}' AND event = 'shown' ORDER BY recorded_at DESC LIMIT 1
)
SELECT a.key, a.purpose, a.split, a.label, a.version, a.prediction, a.probability, a.value,
       b.version AS other_version, b.prediction AS other_prediction, b.probability AS other_probability,
       b.value AS other_value, a.prediction = b.prediction AS agree,
       coalesce(b.value - a.value, b.probabilities[a.prediction] - a.probability) AS difference
FROM {project}.predictions AS a
LEFT JOIN {project}.predictions AS b
  ON b.key = a.key AND b.model = a.model AND b.row_hash = a.row_hash AND b.version <> a.version
WHERE a.version = (SELECT version FROM shown)
