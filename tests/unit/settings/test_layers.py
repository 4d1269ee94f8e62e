"""Merging and YAML, by their laws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.core.settings.layers import Layer, Origin, dotted, from_file, merge, merged
from lakehouse_nlp.core.settings.yaml_lines import Loc, read

pytestmark = pytest.mark.unit

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "no", "007", "1e3", "2024-01-01"])
keys = st.sampled_from("abc")
mappings = st.dictionaries(
    keys,
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3)),
    max_size=3,
)


def places(value: Any, loc: Loc = ()) -> list[Loc]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, child in pairs for place in [(*loc, key), *places(child, (*loc, key))]]


def layer(values: dict[str, Any], name: str) -> Layer:
    return Layer(values, {loc: Origin(0, 0, name) for loc in places(values)})


def at(values: Any, loc: Loc) -> Any:
    for part in loc:
        values = values[part]
    return values


@given(mappings)
def test_nothing_is_the_neutral_layer(values: dict[str, Any]) -> None:
    assert merged(values, {}) == values
    assert merged({}, values) == values
    assert merged(values, values) == values


@given(mappings, mappings)
def test_every_value_comes_from_the_layer_its_origin_names(under: dict[str, Any], over: dict[str, Any]) -> None:
    both = merge(layer(under, "under"), layer(over, "over"))
    sources = {"under": under, "over": over}
    for loc in places(both.values):
        value = at(both.values, loc)
        if not isinstance(value, dict):
            assert at(sources[both.origin(loc).place], loc) == value
    assert set(places(both.values)) == set(both.origins)


@given(mappings, mappings)
def test_merging_changes_neither_layer(under: dict[str, Any], over: dict[str, Any]) -> None:
    before = repr((under, over))
    merged(under, over)
    assert repr((under, over)) == before


@given(mappings)
def test_yaml_written_by_others_reads_back(values: dict[str, Any]) -> None:
    document = read(yaml.safe_dump(values))
    assert document.value == values
    assert set(document.lines) >= {(), *places(values)}


@given(st.integers(0, 9), st.floats(0.01, 10), st.sampled_from(["roc_auc", "f1_macro"]), st.lists(keys, min_size=1))
@settings(max_examples=30)
def test_settings_survive_a_round_trip(seed: int, c: float, metric: str, names: list[str]) -> None:
    first = Settings.model_validate(
        {
            "project": "x",
            "columns": dict.fromkeys(names, "string"),
            "key": names[0],
            "label": names[0],
            "train": {"seed": seed, "linear_c": c},
            "register": {"metric": metric},
            "checks": [{"rule": "not_null", "column": names[0]}],
        }
    )
    again = read(yaml.safe_dump(first.model_dump(mode="json"))).value
    assert Settings.model_validate(again) == first


def test_lines_are_those_of_keys_and_items(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("a:\n  b: |\n    two\n    lines\n  c:\n    - 1\n    - {d: 2}\n")
    read_layer = from_file(file, "a.yml", 0)

    lines = {dotted(loc): origin.line for loc, origin in read_layer.origins.items()}
    assert lines == {"a": 1, "a.b": 2, "a.c": 5, "a.c[0]": 6, "a.c[1]": 7, "a.c[1].d": 7}
    assert str(read_layer.origin(("a", "c", 1, "e"))) == "a.yml:7"


def test_a_file_that_cannot_be_opened_is_a_fault(tmp_path: Path) -> None:
    found = from_file(tmp_path, "conf/base.yml", 0)
    assert [str(fault) for fault in found.faults] == ["conf/base.yml: cannot be read: Is a directory"]
    assert found.unread
