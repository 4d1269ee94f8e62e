"""Libraries that talk a lot: people see the gravest of it, the log of a run the warnings, too."""

from __future__ import annotations

import logging

LOG = "lakehouse-nlp log"  # the name of the handler that writes the log of a run


class ToPeople(logging.Handler):
    """Hands on to whatever shows log lines to people: the root logger's handlers, or Python's last resort."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hands a line on, where it is grave enough for those who show it."""
        shown = [handler for handler in logging.getLogger().handlers if handler.get_name() != LOG]
        for handler in shown or [handler for handler in [logging.lastResort] if handler]:
            if record.levelno >= handler.level:
                handler.handle(record)


def hush(*names: str, level: int = logging.ERROR) -> None:
    """Shows people only what is as grave as `level` of these loggers and those below them; may be called again."""
    logs = [handler for handler in logging.getLogger().handlers if handler.get_name() == LOG]
    for name in names:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        if logger.propagate:
            logger.propagate = False
            logger.addHandler(ToPeople())
        for handler in logger.handlers:
            if handler.get_name() != LOG:
                handler.setLevel(level)
        for handler in logs:  # of the runs that are on
            logger.addHandler(handler)
