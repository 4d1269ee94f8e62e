"""spark-submit jobs/train.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the train stage."""

from lakehouse_nlp.cli import main

main("run", "train")
