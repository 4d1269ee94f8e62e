"""spark-submit jobs/score.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the score stage.

It takes all that `lakehouse-nlp score` takes: with `--follow --for 8h` it keeps scoring what comes to gold.
"""

from lakehouse_nlp.cli import main

main("score")
