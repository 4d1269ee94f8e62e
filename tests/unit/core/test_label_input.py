"""What people may say that rows are, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.labels import Given, give, read_labels

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]


def _tables(ctx: Context, labels: Sequence[str | None]) -> None:
    """Silver and gold of the keys k0, k1 … with these labels."""
    keys = [f"k{n}" for n in range(len(labels))]
    for table, columns in (("silver", {"_key": keys}), ("gold", {"key": keys, "label": labels})):
        ctx.tables.path(table).mkdir(parents=True)
        fields = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        write_deltalake(ctx.tables.path(table), pa.table(fields))


@pytest.mark.parametrize(
    ("given", "says", "hint"),
    [
        ([("k0", "god")], "'god' is none of 'bad', 'good'; did you mean 'good'?", "--new-class"),
        ([("k9", "good")], "no row has the key 'k9'", "--ahead"),
        ([("k0", "good"), ("k0", "bad")], "'k0' is 'bad', and was 'good' before", "leave one of them"),
        ([(f"x{n}", "good") for n in range(9)], "and 4 more", "--ahead"),
    ],
)
def test_labels_that_do_not_fit_are_refused_and_nothing_is_written(
    home: Path, make_context: MakeContext, given: list[tuple[str, str]], says: str, hint: str
) -> None:
    ctx = make_context(home)
    _tables(ctx, [*["good", "bad", None] * 3])
    with pytest.raises(DataError) as refused:
        give(ctx, [Given(*each) for each in given])
    assert says in refused.value.message
    assert hint in refused.value.hint
    assert not ctx.tables.log("labels").exists
    assert not ctx.tables.touched


def test_labels_of_a_quantity_are_numbers(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    _tables(ctx, [str(n / 2) for n in range(30)])
    with pytest.raises(DataError, match="'much' is no number"):
        give(ctx, [Given("k0", "much")])
    with pytest.raises(DataError, match="'nan' is no number"):
        give(ctx, [Given("k0", "nan")])


def test_two_classes_that_are_called_by_numbers_are_classes(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home)
    _tables(ctx, ["0", "1"] * 30)
    with pytest.raises(DataError, match="'2' is none of '0', '1'"):
        give(ctx, [Given("k0", "2")])


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("id,value\n1,good\n", DataError, "has no column 'label'; it has 'id', 'value'"),
        ("row,label\n1,good\n", DataError, "has no column 'id'; it has 'row', 'label'"),
        ("key,label\n1,good\n,bad\n", DataError, r"labels.csv:3: the key is empty"),
        (b"key,label\n1,\xff\n", DataError, "is no CSV file in UTF-8"),
        (None, UsageError, "cannot be read: No such file"),
    ],
)
def test_a_file_of_labels_that_is_none_says_why(
    home: Path, make_context: MakeContext, text: str | bytes | None, error: type[Exception], says: str
) -> None:
    path = home / "labels.csv"
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(error, match=says):
        read_labels(make_context(home), path)


def test_a_file_of_labels_goes_by_key_or_by_the_projects_own_key_columns(home: Path, make_context: MakeContext) -> None:
    path = home / "labels.csv"
    path.write_text("\ufeffid,label,why\n1,good,seen\n2,,\n", encoding="utf-8")
    assert read_labels(make_context(home), path, "audit") == [
        Given("1", "good", "seen", f"{path}:2: "),
        Given("2", "", "audit", f"{path}:3: "),
    ]
    path.write_text("id,title,label\n1,a/ü,good\n", encoding="utf-8")
    (found,) = read_labels(make_context(home, key=["id", "title"]), path)
    assert found.key == '["1","a/ü"]'
    path.write_text("key,label\n1,good\n", encoding="utf-8")
    assert [each.key for each in read_labels(make_context(home), path)] == ["1"]


def test_a_label_needs_a_key_or_a_file(home: Path) -> None:
    from lakehouse_nlp.cli.app import app

    for arguments in (["--key", "1"], ["--label", "good"], ["--from", "x.csv", "--key", "1"], []):
        ended = CliRunner().invoke(app, ["label", *arguments, "--home", str(home)])
        assert isinstance(ended.exception, UsageError), arguments
        assert "a label needs --key and --label, or --from" in ended.exception.message
    assert json.dumps(ended.stdout) == '""'
