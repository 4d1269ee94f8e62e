"""spark-submit jobs/ingest.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the ingest stage."""

from lakehouse_nlp.cli import main

main("run", "ingest")
