"""spark-submit jobs/score.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the score stage."""

from lakehouse_nlp.cli import main

main("run", "score")
