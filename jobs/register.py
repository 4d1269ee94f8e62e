"""spark-submit jobs/register.py --project PROJECT [--env ENV] [--home FOLDER] [--set KEY=VALUE]: the register stage."""

from lakehouse_nlp.cli import main

main("run", "register")
