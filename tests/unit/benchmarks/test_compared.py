"""What `make bench` makes of its runs: medians, ratios, aims, the table, the JSON file, and whether answers agree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bench
import bench_home
import compared
import duckdb
import paired
import pyarrow as pa
import pytest
from compared import Comparison, Side, at_least, at_most
from deltalake import write_deltalake
from paired import Figures

pytestmark = pytest.mark.unit

TABLE = [
    "score_vs_limit", "score_vs_sparkxgb", "score_vs_sklearn", "first_row", "nlp", "nlp_stem", "nlp_vs_sql",
    "nlp_vs_duckdb", "growth", "further_version", "nothing_new", "worker_memory", "cold_vs_limit", "cold_vs_sparkxgb",
    "cold_vs_sklearn",
    "cold_first_row",
]  # fmt: skip


def _figures(*told: dict[str, Any]) -> Figures:
    return Figures([1.0] * len(told), [0] * len(told), list(told))


def _rates(*each: float) -> Figures:
    return _figures(*({"rate": rate} for rate in each))


def _outcome(ours: Figures, peer: Figures, aim: compared.Aim | None = None, name: str = "scored") -> compared.Outcome:
    comparison = Comparison(name, Side("a", "rate"), Side("b", "rate"), "rows/s", "the peer", aim or at_least(2))
    return comparison.outcome({"a": ours, "b": peer}, 1000, "4 cores")


def test_an_outcome_has_the_medians_their_ratio_and_the_extremes() -> None:
    outcome = _outcome(_rates(40, 10, 30), _rates(9, 10, 11))
    assert (outcome["ours"], outcome["peer"], outcome["ratio"]) == (30, 10, 3)
    assert (outcome["ours_range"], outcome["peer_range"]) == ([10, 40], [9, 11])
    assert (outcome["rows"], outcome["runs"]) == (1000, 3)


@pytest.mark.parametrize(
    ("aim", "ours", "met"),
    [(at_least(2), 20, True), (at_least(2), 19.9, False), (at_most(2), 20, True), (at_most(2), 20.1, False)],
)
def test_an_aim_is_met_up_to_its_bound(aim: compared.Aim, ours: float, met: bool) -> None:
    assert _outcome(_rates(ours), _rates(10), aim)["met"] is met


@pytest.mark.parametrize(
    ("name", "ours", "peer", "met"),
    [
        ("nothing_new", 3.0, 1.0, True),
        ("nothing_new", 3.1, 500.0, False),
        ("worker_memory", 330.0, 10.0, True),
        ("worker_memory", 331.0, 10.0, False),
        ("score_vs_limit", 70.0, 100.0, True),
        ("score_vs_limit", 69.0, 100.0, False),
        ("growth", 106.0, 10.0, False),
        ("first_row", 4.0, 10.0, True),
        ("nlp_vs_sql", 26.0, 10.0, False),
    ],
)
def test_the_aims_of_the_comparisons(name: str, ours: float, peer: float, met: bool) -> None:
    aim = next(comparison.aim for comparison in bench.COMPARISONS if comparison.name == name)
    assert aim is not None
    assert aim.met(ours, peer) is met


def test_the_comparisons_are_known_by_name_and_their_jobs_exist() -> None:
    from bench_jobs import JOBS

    assert list(bench.NAMES) == TABLE
    jobs = {job for comparison in bench.COMPARISONS for job in comparison.jobs} - {bench.TENTH}
    assert jobs | {*bench.REFERENCES, *bench.REFERENCES.values(), *bench.NEEDS, *bench.NEEDS.values()} <= set(JOBS)


def test_a_missed_aim_is_shown_as_missed() -> None:
    met, missed = _outcome(_rates(12_345.6), _rates(1.5)), _outcome(_rates(1, 2, 3), _rates(2), name="behind")
    lines = compared.markdown([met, missed]).splitlines()
    assert (
        lines[2]
        == "| `scored` | 12,346 rows/s (12,346-12,346) | the peer | 1.5 rows/s (1.5-1.5) | 8.23e+03 | ≥ 2× | yes |"
    )
    assert lines[3] == "| `behind` | 2 rows/s (1-3) | the peer | 2 rows/s (2-2) | 1 | ≥ 2× | **no** |"
    assert lines[-1] == "- 1,000 rows, medians of 3 runs (least-most); 4 cores"


def test_a_comparison_without_an_aim_is_neither_met_nor_missed() -> None:
    sides = Side("a", "rate"), Side("b", "rate")
    found = {"a": _rates(3), "b": _rates(2)}
    outcome = Comparison("known", *sides, "CPU s", "the peer", None).outcome(found, 1000, "4 cores")
    assert (outcome["aim"], outcome["met"]) == (None, None)
    line = compared.markdown([outcome]).splitlines()[2]
    assert line == "| `known` | 3 CPU s (3-3) | the peer | 2 CPU s (2-2) | 1.5 | none |  |"


def test_the_file_is_a_list_with_name_ours_peer_and_ratio(tmp_path: Path) -> None:
    compared.save(tmp_path / "results", [_outcome(_rates(4), _rates(2))])
    (written,) = json.loads((tmp_path / "results/latest.json").read_text(encoding="utf-8"))
    assert {name: written[name] for name in ("name", "ours", "peer", "ratio")} == {
        "name": "scored", "ours": 4, "peer": 2, "ratio": 2,
    }  # fmt: skip
    assert re.search(r"^\| `scored` ", (tmp_path / "results/latest.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_comparisons_that_were_left_out_stay(tmp_path: Path) -> None:
    first, second = (_outcome(_rates(rate), _rates(2), name=name) for rate, name in ((4, "first"), (6, "second")))
    compared.save(tmp_path, [first, second])
    anew = _outcome(_rates(8), _rates(2), name="second")
    assert compared.merged(tmp_path, [anew], ["first", "second"]) == [first, anew]
    assert compared.merged(tmp_path / "none", [anew], ["first", "second"]) == [anew]


def test_every_run_is_held_against_its_reference() -> None:
    found = {
        "slow": _figures({"digest": "x"}),
        "same": _figures({"digest": "x"}, {"digest": "x"}),
        "once": _figures({"digest": "x"}, {"digest": "y"}),
        "free": _figures({}),
    }
    assert compared.differing(found, {"same": "slow", "once": "slow"}) == ["once"]


def test_duckdb_splits_text_where_java_does() -> None:
    query = f"SELECT {bench_home.SPLIT} FROM (SELECT 'İf I' AS Title, 'DON''T, ÉTÉ 5' AS Content)"
    assert duckdb.sql(query).fetchall() == [(["i", "f", "i", "don't", "été", "5"],)]


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("key", "l"), ("prediction", "bad"), ("probability", 0.75 + 2**-53), ("value", 1.0),
        ("probabilities", {"bad": 0.25 + 2**-54, "good": 0.75}), ("probabilities", {"good": 0.75, "bad": 0.25}),
    ],
)  # fmt: skip
def test_answers_differ_by_any_bit_of_what_a_model_says(tmp_path: Path, column: str, other: object) -> None:
    from score_jobs import digest

    kinds = {"key": "string", "prediction": "string", "probability": "double", "value": "double"}
    schema = pa.schema([*kinds.items(), ("probabilities", pa.map_("string", "double"))])
    said: dict[str, Any] = {"key": "k", "prediction": "good", "probability": 0.75, "value": None}
    said["probabilities"] = {"bad": 0.25, "good": 0.75}
    digests = []
    for name, row in (("one", said), ("same", said), ("other", {**said, column: other})):
        row = {**row, "probabilities": list(row["probabilities"].items())}
        write_deltalake(str(tmp_path / name), pa.Table.from_pylist([row], schema))
        digests.append(digest(tmp_path / name))
    assert digests[0] == digests[1] != digests[2]


def test_the_time_of_children_that_have_ended_counts() -> None:
    before = paired.cpu_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)
    assert paired.cpu_seconds(os.getpid()) - before > 0.1


@pytest.mark.parametrize(("name", "seen"), [("some.daemon", True), ("some.other", False)])
def test_the_memory_of_a_worker_is_that_of_the_daemon_s_children(name: str, seen: bool) -> None:
    peak = paired.Peak(os.getpid(), every=0.02)
    held = "held = bytearray(b'x') * 80_000_000; print(len(held), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", held, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        peak.start()
        time.sleep(0.2)
        peak.stop()
        process.communicate("\n")
    assert peak.bytes > 80_000_000
    assert (peak.worker > 80_000_000) is seen
