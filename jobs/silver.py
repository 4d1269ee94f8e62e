"""spark-submit jobs/silver.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the silver stage."""

from lakehouse_nlp.cli import main

main("run", "silver")
