"""`python -m lakehouse_nlp.cli`: the command line, where its program is not on the PATH."""

from lakehouse_nlp.cli import main

main()
