-- The predictions of the version that scored last: what an analyst wants unless they compare versions.
SELECT * FROM {project}.predictions
WHERE version = (SELECT max_by(version, scored_at) FROM {project}.predictions)
