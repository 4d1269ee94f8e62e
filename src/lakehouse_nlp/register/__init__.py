"""The candidate passes the gate and becomes champion, or is refused; either way with its reasons."""

from lakehouse_nlp.register.stage import due, run, size

__all__ = ["due", "run", "size"]
