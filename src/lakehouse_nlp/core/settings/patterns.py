"""Java regular expressions, judged by Python's: only what is wrong in both is told."""

from __future__ import annotations

import re

# What Java has and Python has not, each with something harmless in its place.
_JAVA_ONLY = (
    (re.compile(r"\\Q.*?(?:\\E|$)", re.DOTALL), "q"),
    (re.compile(r"\\[pP](?:\{[^}]*\}|\w)"), r"\\w"),
    (re.compile(r"\\x\{[0-9a-fA-F]+\}|\\[hHvVRXGzZ]"), r"\\w"),
    (re.compile(r"\(\?<(?=[A-Za-z])"), "(?P<"),
)
_CERTAIN = ("unterminated", "missing ), unterminated", "unbalanced parenthesis", "nothing to repeat", "bad escape (end")


def pattern_fault(pattern: str) -> str | None:
    """What is surely wrong with a Java regular expression, in Python's words; None if nothing is, or no one knows."""
    for java, python in _JAVA_ONLY:
        pattern = java.sub(python, pattern)
    try:
        re.compile(pattern)
    except re.error as error:
        return error.msg if error.msg.startswith(_CERTAIN) else None
    return None
