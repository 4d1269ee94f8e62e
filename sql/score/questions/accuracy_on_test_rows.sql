-- How often is each class right on rows that no training saw?
SELECT label, count(*) AS n, round(avg(CAST(prediction = label AS INT)), 4) AS share_right
FROM {project}.current_predictions
WHERE split = 'test' AND label IS NOT NULL
GROUP BY label
ORDER BY label
