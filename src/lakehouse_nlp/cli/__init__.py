"""The command line. Heavy things are imported inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import sys

from lakehouse_nlp.core.errors import LakehouseError, UsageError
from lakehouse_nlp.core.stop import STOPS, exit_code


def main(*before: str) -> None:
    """Runs the command line, with `before` put in front of its arguments.

    Exits with 0 done, 1 the data or a gate said no, 2 usage or settings, 3 a fault of ours, 75 a fault that can
    pass and is tried again by the caller, 124 a step ran out of time, 130 Ctrl-C, 143 SIGTERM.
    """
    from lakehouse_nlp.cli.app import app

    try:
        app([*before, *sys.argv[1:]], prog_name="lakehouse-nlp")
    except LakehouseError as error:
        sys.exit(_told(error))
    except STOPS as stop:
        sys.stderr.write("\nstopped; run the same command again to go on\n")
        sys.exit(exit_code(stop))
    except OSError as error:
        sys.exit(_told(UsageError(str(error), hint="is the place there, writable, and not full?")))
    except Exception:
        import traceback

        traceback.print_exc()
        sys.stderr.write("error: a fault of ours; the lines above say where\n")
        sys.exit(3)


def _told(error: LakehouseError) -> int:
    sys.stderr.write(f"error: {error}\n")
    return error.exit_code
