"""What README and docs tell people to type works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import lake
import pytest
import typer

from lakehouse_nlp.cli.app import app

pytestmark = pytest.mark.contracts

README = lake.ROOT / "README.md"
DOCS = [README, lake.ROOT / "CONTRIBUTING.md", *sorted((lake.ROOT / "docs").glob("*.md"))]
MARKED = re.compile(r"^<!-- test: ([\w-]+) -->\n```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```(?:bash|sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:\.venv/bin/)?lakehouse-nlp [^`]+)`")
BLOCKS = dict(MARKED.findall(README.read_text(encoding="utf-8")))


def test_the_readme_has_a_block_for_one_s_own_data() -> None:
    assert "own-data" in BLOCKS
    assert len([line for line in BLOCKS["own-data"].splitlines() if line]) <= 10


@pytest.mark.parametrize("name", BLOCKS or ["(the README has no block that is marked as tested)"])
def test_a_block_of_the_readme_runs(name: str, tmp_path: Path) -> None:
    ended = lake.call("bash", "-c", "set -euo pipefail\n" + BLOCKS[name], cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def commands(text: str) -> list[list[str]]:
    """The words of every call of `lakehouse-nlp` in fenced blocks and in inline code."""
    lines = [line for block in FENCED.findall(text) for line in joined(block)]
    found = []
    for line in [*lines, *INLINE.findall(text)]:
        words = words_of(line.removeprefix("$ "))
        starts = [place for place, word in enumerate(words) if word.rpartition("/")[2] == "lakehouse-nlp"]
        for start, end in zip(starts, [*starts[1:], len(words)], strict=False):
            found.append(words[start + 1 : end])
    return found


def joined(block: str) -> list[str]:
    """The lines of a block, those that end in a backslash with the next; what is quoted may run over lines."""
    lines: list[str] = []
    for line in block.replace("\\\n", " ").splitlines():
        if lines and lines[-1].count('"') % 2:
            lines[-1] += " " + line
        else:
            lines.append(line)
    return lines


def words_of(line: str) -> list[str]:
    """The words of a line of shell, up to a comment, a pipe or another command."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters = "#"
        words = list(lexer)
    except ValueError:
        words = line.split()
    ends = [place for place, word in enumerate(words) if word in ("|", "||", "&&", ";", ">", "&")]
    return words[: ends[0]] if ends and "lakehouse-nlp" in " ".join(words[: ends[0]]) else words


SHOWN = [
    (path.relative_to(lake.ROOT).as_posix(), words) for path in DOCS for words in commands(path.read_text("utf-8"))
]


def test_the_readme_shows_commands() -> None:
    assert {words[0] for path, words in SHOWN if path == "README.md"} >= {"init", "run", "plan", "status", "sql", "add"}


@pytest.mark.parametrize(("path", "words"), SHOWN, ids=lambda value: value if isinstance(value, str) else value[0])
def test_every_command_and_option_that_is_shown_is_there(path: str, words: list[str]) -> None:
    root = typer.main.get_command(app)
    known = root.commands  # type: ignore[attr-defined]
    if words[0].startswith("-"):
        command, rest = root, words
    else:
        assert words[0] in known, words
        command, rest = known[words[0]], words[1:]
        while rest and rest[0] in getattr(command, "commands", {}):  # `runs show`
            command, rest = command.commands[rest[0]], rest[1:]
    there = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help"}
    shown = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert shown - there == set(), f"{path}: lakehouse-nlp {' '.join(words)}"


def test_help_lists_every_command_with_a_line_about_it() -> None:
    ended = lake.call(lake.BIN / "lakehouse-nlp", "--help")
    assert ended.returncode == 0
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert re.search(rf"\b{name}\s+\w+", ended.stdout), name


def test_every_file_that_the_readme_links_to_is_there() -> None:
    for path in DOCS:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"
