"""spark-submit jobs/gold.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the gold stage."""

from lakehouse_nlp.cli import main

main("run", "gold")
