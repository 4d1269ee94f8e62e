-- How are the predictions spread, and how sure is the model?
SELECT prediction, count(*) AS predictions, round(100 * count(*) / sum(count(*)) OVER (), 1) AS percent,
       round(avg(probability), 3) AS mean_probability
FROM {project}.current_predictions
GROUP BY prediction
ORDER BY predictions DESC
