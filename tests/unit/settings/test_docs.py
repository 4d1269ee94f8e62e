"""The examples of docs/checks.md are settings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from lakehouse_nlp.core.settings import Settings, crosschecks
from lakehouse_nlp.core.settings.checks import RowRule, TableRule
from lakehouse_nlp.core.settings.suites import TRANSLATIONS, translated
from lakehouse_nlp.core.settings.yaml_lines import read

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).parents[3] / "docs/checks.md").read_text(encoding="utf-8")
BLOCKS = [read(block).value for block in re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)]
EXAMPLES = [read(example).value for example in re.findall(r"`(\{rule: .*?\})`", TEXT)]
PROJECT = {"project": "orders", **BLOCKS[0]}


def _faults(checks: list[Any]) -> list[Any]:
    tree = {**PROJECT, "checks": checks}
    assert len(Settings.model_validate(tree).checks) == len(checks)
    return crosschecks.problems(tree)


def test_every_example_is_valid() -> None:
    assert _faults(EXAMPLES) == []
    assert _faults(BLOCKS[1]["checks"]) == []


def test_every_rule_has_an_example() -> None:
    rules = {get_args(kind.model_fields["rule"].annotation)[0] for kind in get_args(RowRule | TableRule)}
    assert {example["rule"] for example in EXAMPLES} == rules
    assert {name for name in rules if f"| `{name}` |" not in TEXT} == set()


def test_the_suite_is_read_and_every_expectation_is_named() -> None:
    suite = json.loads(re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)[0])
    assert _faults([translated(expectation) for expectation in suite["expectations"]]) == []
    missing = [name for name in TRANSLATIONS if not any(part in TEXT for part in (name, *_ends(name)))]
    assert missing == []


def _ends(name: str) -> list[str]:
    """How a name is shown where several share their start."""
    values, column = name.removeprefix("expect_column_values_to_"), name.removeprefix("expect_column_")
    return [f"`{values}`", f"`{column.removesuffix('_to_be_between')}`"]
