-- How far does each other version agree with the one that is shown, and which is right more often?
SELECT other_version, count(*) AS n, round(avg(CAST(agree AS INT)), 4) AS share_agreed,
       round(avg(abs(difference)), 4) AS mean_difference,
       round(avg(CASE WHEN split = 'test' THEN CAST(prediction = label AS INT) END), 4) AS right_on_test_rows,
       round(avg(CASE WHEN split = 'test' THEN CAST(other_prediction = label AS INT) END), 4) AS other_right
FROM {project}.compared_predictions
GROUP BY other_version
ORDER BY other_version
