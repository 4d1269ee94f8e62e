"""spark-submit jobs/run_all.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the whole path."""

from lakehouse_nlp.cli import main

main("run")
