"""spark-submit jobs/monitor.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the monitor stage."""

from lakehouse_nlp.cli import main

main("run", "monitor")
