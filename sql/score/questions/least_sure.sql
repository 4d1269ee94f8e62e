-- Which new rows should a person look at first?
SELECT p.key, p.prediction, round(p.probability, 3) AS probability, g.clean_text
FROM {project}.current_predictions AS p JOIN {project}.gold AS g ON g.key = p.key
WHERE p.purpose = 'inference'
ORDER BY p.probability, p.key
LIMIT 10
