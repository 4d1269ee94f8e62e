from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scored import registered

from lakehouse_nlp import score
from lakehouse_nlp.core import dealing, duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.settings.models import Nlp, Split
from lakehouse_nlp.core.tables import Tables
from lakehouse_nlp.gold import columns, pipeline, stage, stems
from lakehouse_nlp.gold.stage import split_of

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

TEXT = "The Quick brown foxes weren't jumping; 2 cats' café, naïve 😀!"
SILVER = "id string, title string, body string, stars double, day date, price double, _key string, _purpose string, "
SILVER += "_label string, _row_hash bigint"
MakeContext = Callable[..., Context]
MADE: dict[str, Any] = {
    "lookups": {"zone": {"file": "zones.csv", "by": "body"}},
    "dates": {"day": ["month", "weekday"]},
    "derived": {"twice": "2 * price", "kind": "title || ' in ' || zone"},
    "numeric": ["twice"],
    "categorical": ["kind", "zone"],
}

TOKENS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({}, TEXT, ["the", "quick", "brown", "foxes", "weren't", "jumping", "2", "cats'", "café", "naïve"]),
    ({}, "", []),
    ({}, " . ! 😀", []),
    ({}, "日本語 текст", ["日本語", "текст"]),
    ({"lowercase": False}, "The Fox", ["The", "Fox"]),
    ({"pattern": r"\s+"}, "a-b c.", ["a-b", "c."]),
    ({"stop_words": ("the", "Brown")}, "The quick BROWN fox", ["quick", "fox"]),
    ({"stop_words": "english"}, "this is not the best of all worlds", ["best", "worlds"]),
    ({"stop_words": "german"}, "das ist nicht die beste Welt", ["beste", "welt"]),
    ({"stem": True}, "running foxes happily jumped", ["run", "foxe", "happili", "jump"]),
    ({"stop_words": ["the"], "stem": True}, "the cats", ["cat"]),
    ({"lemmas": "lemmas.txt"}, "mice ran far", ["mouse", "run", "far"]),
    ({"lemmas": "lemmas.txt", "stem": True}, "mice running", ["mous", "run"]),
    ({"tokenizer": "rules", "lowercase": False}, "Hello, world. It's 5pm", ["Hello", ",", "world", ".", "It's", "5pm"]),
    ({"tokenizer": "rules"}, "Hello, WORLD!", ["hello", "world"]),
    ({"tokenizer": "rules", "normalizer": True, "lowercase": False}, "Hello, WORLD!", ["Hello", "WORLD"]),
]


@pytest.fixture
def lemmas(home: Path) -> Path:
    path = home / "lemmas.txt"
    path.write_text("mouse->mice\tmouse\nrun->ran\trunning\n", encoding="utf-8")
    return path


def _silver(spark: SparkSession, *rows: tuple[str, str | None, str | None]) -> DataFrame:
    full = [(key, title, body, 5.0, None, 1.5, key, "train", "good", n) for n, (key, title, body) in enumerate(rows)]
    return spark.createDataFrame(full, SILVER).coalesce(1)


@pytest.mark.usefixtures("lemmas")
def test_tokens(spark: SparkSession, home: Path) -> None:
    texts: dict[Nlp, dict[str, list[str]]] = {}
    for settings, text, wanted in TOKENS:
        for annotators in ("needed", "all"):
            texts.setdefault(Nlp.model_validate({**settings, "annotators": annotators}), {})[text] = wanted
    wrong = []
    for nlp, cases in texts.items():
        frame = spark.createDataFrame([(text,) for text in cases], f"{pipeline.TEXT} string")
        for text, found in pipeline.tokenised(frame, nlp, home, home / "nlp").collect():
            if found != cases[text]:
                wrong.append((nlp, text, found))
    assert wrong == []


def test_rows_of_gold(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, features={"numeric": ["price"], "categorical": ["title"]})
    rows = _silver(
        spark, ("1", "Good", "Very GOOD fox"), ("2", None, "only body"), ("3", "😀", None), ("4", None, None)
    )
    found = [row.asDict() for row in stage.gold_rows(ctx, rows).orderBy("key").collect()]
    assert [(row["clean_text"], row["tokens"], row["n_chars"], row["n_tokens"]) for row in found] == [
        ("good very good fox", ["good", "very", "good", "fox"], 18, 4),
        ("only body", ["only", "body"], 9, 2),
        ("", [], 1, 0),
        ("", [], 0, 0),
    ]
    assert {row["nlp_hash"] for row in found} == {pipeline.nlp_hash(ctx.settings.gold.nlp, home)}
    assert [(row["key"], row["price"], row["title"], row["label"]) for row in found][:2] == [
        ("1", 1.5, "Good", "good"),
        ("2", 1.5, None, "good"),
    ]


# -- splits ----------------------------------------------------------------------------------------------------------


def _splits(spark: SparkSession, split: Split, rows: int = 20_000) -> list[str]:
    frame = spark.range(rows).select(split_of(F.col("id").cast("string"), split).alias("split"), "id")
    return [row["split"] for row in frame.orderBy("id").collect()]


@pytest.mark.parametrize(("validation", "test"), [(0.1, 0.1), (0.0, 0.3), (0.25, 0.0), (0.0, 0.0)])
def test_splits_have_the_shares_asked_for(spark: SparkSession, validation: float, test: float) -> None:
    found = _splits(spark, Split(validation=validation, test=test))
    shares = {name: found.count(name) / len(found) for name in ("train", "validation", "test")}
    wanted = {"train": 1 - validation - test, "validation": validation, "test": test}
    assert all(abs(shares[name] - wanted[name]) < 0.01 for name in wanted), shares
    assert all(shares[name] == 0 for name in wanted if wanted[name] == 0)


def test_a_split_is_always_the_same_and_moves_with_the_seed(spark: SparkSession) -> None:
    first = _splits(spark, Split(), 5000)
    assert _splits(spark, Split(), 5000) == first
    moved = _splits(spark, Split(seed=1), 5000)
    assert 0.2 < sum(a != b for a, b in zip(first, moved, strict=True)) / 5000 < 0.5
    frame = spark.createDataFrame([(None,)], "by string").select(split_of(F.col("by"), Split()))
    assert frame.first()[0] in ("train", "validation", "test")  # type: ignore[index]


def test_rows_of_one_value_stay_together(spark: SparkSession, home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, gold={"split": {"by": "title", "test": 0.3, "validation": 0.3}})
    rows = _silver(spark, *((str(n), f"group {n % 20}", f"text {n}") for n in range(200)))
    found = stage.gold_rows(ctx, rows).select("key", "split").collect()
    groups: dict[int, set[str]] = {}
    for row in found:
        groups.setdefault(int(row["key"]) % 20, set()).add(row["split"])
    assert all(len(splits) == 1 for splits in groups.values())
    assert {split for splits in groups.values() for split in splits} == {"train", "validation", "test"}


# -- the saved pipeline ----------------------------------------------------------------------------------------------


def test_a_pipeline_is_saved_once_under_its_hash_and_loaded_after(
    spark: SparkSession, home: Path, lemmas: Path
) -> None:
    folder, nlp = home / "nlp", Nlp(stop_words=("the",), lemmas=lemmas.name)
    digest = pipeline.nlp_hash(nlp, home)
    frame = spark.createDataFrame([("The mice",)], f"{pipeline.TEXT} string")

    def tokens() -> list[str]:
        return list(pipeline.tokenised(frame, nlp, home, folder).collect()[0]["tokens"])

    assert tokens() == ["mouse"]
    assert [path.name for path in folder.iterdir()] == [digest]
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    (folder / ".half-done").mkdir()
    assert tokens() == ["mouse"]
    assert {path: path.stat().st_mtime_ns for path in (folder / digest).rglob("*")}.items() <= made.items()


def test_a_pipeline_is_kept_here_where_spark_s_paths_are_of_another_file_system(
    spark: SparkSession, home: Path, lemmas: Path, elsewhere: Path
) -> None:
    nlp = Nlp(lemmas=lemmas.name)
    frame = spark.createDataFrame([("The mice",)], f"{pipeline.TEXT} string")
    for _ in ("made", "loaded"):
        assert pipeline.tokenised(frame, nlp, home, home / "nlp").collect()[0]["tokens"] == ["the", "mouse"]
    assert [path.name for path in (home / "nlp").iterdir()] == [pipeline.nlp_hash(nlp, home)]
    assert list(elsewhere.iterdir()) == []


def test_the_hash_is_of_all_that_the_tokens_depend_on(home: Path, lemmas: Path) -> None:
    variants: list[dict[str, Any]] = [
        {}, {"stem": True}, {"lowercase": False}, {"pattern": r"\s+"}, {"stop_words": "english"},
        {"stop_words": ["the"]},
        {"tokenizer": "rules"}, {"normalizer": True}, {"lemmas": lemmas.name},
    ]  # fmt: skip
    hashes = [pipeline.nlp_hash(Nlp(**variant), home) for variant in variants]
    assert len(set(hashes)) == len(variants)
    assert [len(digest) for digest in hashes] == [16] * len(variants)
    assert [pipeline.nlp_hash(Nlp(**variant), home) for variant in variants] == hashes
    assert pipeline.nlp_hash(Nlp(annotators="all"), home) == hashes[0]
    lemmas.write_text("mouse->mice\n", encoding="utf-8")
    assert pipeline.nlp_hash(Nlp(lemmas=lemmas.name), home) != hashes[-1]


def test_the_hash_is_that_of_lakes_made_before_steps_could_be_done_otherwise(home: Path) -> None:
    then = {
        "tokenizer": "regex", "pattern": r"[^\p{L}\p{N}']+", "lowercase": True, "normalizer": False, "stop_words": None,
        "stem": False, "lemmas": None,
    }  # fmt: skip
    settings = json.dumps(then, separators=(",", ":")).encode()
    parts = (settings, hashlib.sha256(b"").digest(), version("spark-nlp").encode())
    assert pipeline.nlp_hash(Nlp(), home) == hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


# -- made columns ----------------------------------------------------------------------------------------------------


def test_gold_makes_lookups_date_parts_and_derived_columns(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    (home / "zones.csv").write_text("body,description\n1,North\n2,NULL\n", encoding="utf-8")
    ctx = make_context(home, features=MADE)
    silver = _silver(spark, ("1", "a", "1"), ("2", "b", "2"), ("3", "c", "3"), ("4", "d", None))
    silver = silver.withColumn(
        "day", F.when(F.col("id") != "4", F.date_add(F.lit("2024-02-28"), F.col("id").cast("int")))
    )
    silver = silver.withColumn("price", F.when(F.col("id") != "1", F.col("price")))
    rows = stage.gold_rows(ctx, silver).orderBy("key")
    found = rows.select("zone", "day_month", "day_weekday", "twice", "kind").collect()
    assert [tuple(row) for row in found] == [
        ("North", 2, 3, None, "a in North"),
        (None, 3, 4, 3.0, None),
        (None, 3, 5, 3.0, None),
        (None, None, None, 3.0, None),
    ]
    types = columns.carried(ctx.settings)
    assert types == {"twice": "double", "day_month": "int", "day_weekday": "int", "kind": "string", "zone": "string"}
    made = {field.name: field.dataType.simpleString() for field in rows.schema.fields if field.name in types}
    assert made == types


def test_another_lookup_table_makes_gold_anew(home: Path, make_context: MakeContext) -> None:
    ctx = make_context(home, features=MADE)
    recipes = []
    for text in ("North", "North", "South"):
        (home / "zones.csv").write_text(f"body,description\n1,{text}\n", encoding="utf-8")
        recipes.append(stage._recipe(ctx))
    assert recipes[0] == recipes[1] != recipes[2]


# -- the stage -------------------------------------------------------------------------------------------------------


def _into_silver(ctx: Context, spark: SparkSession, *rows: tuple[str, str | None, str | None]) -> None:
    ctx.sign("silver")
    ctx.tables.ensure("silver", {name: column.type for name, column in ctx.settings.columns.items()})
    about = {
        "_file": F.lit("f"),
        "_row": F.lit(1).cast("bigint"),
        "_batch": F.lit(1).cast("bigint"),
        "_ingested_at": F.current_timestamp(),
    }
    found = _silver(spark, *rows).withColumns(about)
    kept = found.drop(*({"day", "price"} - set(ctx.settings.columns)))
    ctx.tables.merge_once("silver", kept, on=["_key"], upto={"bronze": 1})


def test_gold_is_due_again_when_the_lemma_dictionary_changes(
    spark: SparkSession, home: Path, lemmas: Path, make_context: MakeContext
) -> None:
    ctx = make_context(home, gold={"nlp": {"lemmas": lemmas.name}})
    _into_silver(ctx, spark, ("1", "mice", "ran"))
    result = stage.run(ctx)
    assert (result.read, result.written) == (1, 1)
    assert [row["tokens"] for row in ctx.tables.read("gold").collect()] == [["mouse", "run"]]
    assert stage.due(ctx) is None
    lemmas.write_text("mouse->mice\n", encoding="utf-8")
    assert stage.due(ctx) is not None


def test_what_gold_says_otherwise_is_scored_again_and_the_rest_is_left_alone(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    zones = home / "zones.csv"
    settings: dict[str, Any] = {
        "columns": {"id": "string", "title": "string", "body": "string", "stars": "double"},
        "features": {
            "lookups": {"zone": {"file": zones.name, "by": "body"}},
            "derived": {"price": "cast(zone AS double)"},
            "numeric": ["price"],
        },
    }

    def scored(run_id: str, south: int) -> list[tuple[Any, ...]]:
        """Key, price, whether that is the row that was scored, what is predicted, and the run that wrote it."""
        zones.write_text(f"body,description\nn,1\ns,{south}\n", encoding="utf-8")
        ctx = make_context(home, run_id, **settings)
        if run_id == "run-1":
            _into_silver(ctx, spark, ("1", "one", "n"), ("2", "two", "s"), ("3", "three", "s"), ("4", "four", "n"))
            registered(ctx, nlp=pipeline.nlp_hash(ctx.settings.gold.nlp, home))
        stage.run(ctx)
        score.run(ctx)
        query = """SELECT key, price, g.row_hash = p.row_hash, prediction, run_id
                   FROM tiny.gold AS g JOIN tiny.predictions AS p USING (key) ORDER BY key"""
        return [tuple(row.values()) for row in duck.rows(ctx.root, query)]

    cheap, dear, mended = (1.0, True, "bad", "run-1"), (7.0, True, "good", "run-1"), (2.0, True, "bad", "run-2")
    assert scored("run-1", 7) == [("1", *cheap), ("2", *dear), ("3", *dear), ("4", *cheap)]
    assert scored("run-2", 2) == [("1", *cheap), ("2", *mended), ("3", *mended), ("4", *cheap)]
    assert scored("run-3", 2) == [("1", *cheap), ("2", *mended), ("3", *mended), ("4", *cheap)]


def test_a_row_of_gold_has_another_hash_where_it_says_anything_else(
    spark: SparkSession, home: Path, make_context: MakeContext
) -> None:
    silver = _silver(spark, ("1", "one", "two"), ("2", "one", None), ("3", None, None))
    same: dict[str, Any] = {"numeric": ["price"], "categorical": ["title"]}
    others: list[dict[str, Any]] = [
        {"features": same},
        {"features": {**same, "derived": {"more": "price + 1"}, "numeric": ["price", "more"]}},
        {"features": {**same, "derived": {"more": "price + 2"}, "numeric": ["price", "more"]}},
        {"features": same, "text": ["title"]},
        {"features": same, "gold": {"nlp": {"stop_words": ["one"]}}},
    ]

    def hashes(**settings: Any) -> list[int]:
        rows = stage.gold_rows(make_context(home, **settings), silver).orderBy("key").collect()
        return [row["row_hash"] for row in rows]

    first, more, other, title, stopped = (hashes(**settings) for settings in others)
    assert hashes(**others[0]) == first
    assert len(set(first)) == 3
    assert [[a == b for a, b in zip(first, found, strict=True)] for found in (more, title, stopped)] == [
        [False] * 3, [False, True, True], [False, False, True]
    ]  # fmt: skip
    assert not set(more) & set(other)


def test_a_file_of_silver_that_would_keep_all_waiting_is_dealt_out_and_gold_has_no_more_files_for_it(
    spark: SparkSession, home: Path, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[tuple[str, int]] = []
    shuffled: list[bool] = []
    dictionary, real = stems._dictionary, {name: getattr(Tables, name) for name in ("replace_window", "merge_once")}

    def writes(name: str) -> Callable[..., Any]:
        def write(self: Tables, table: str, rows: DataFrame, *args: Any, **named: Any) -> Any:
            tasks.append((table, rows.rdd.getNumPartitions()))
            return real[name](self, table, rows, *args, **named)

        return write

    def looked_at(rows: DataFrame) -> Any:
        shuffled.append("RepartitionByExpression" in rows._jdf.queryExecution().logical().toString())
        return dictionary(rows)

    def tokens() -> dict[str, list[str]]:
        return {row["key"]: row["tokens"] for row in ctx.tables.read("gold").collect()}

    ctx = make_context(home, gold={"nlp": {"stem": True}})
    _into_silver(ctx, spark, *((str(n), f"running {n}", None) for n in range(400)))
    assert len(ctx.tables.log("silver").sizes()) == 1
    monkeypatch.setattr(stems, "_dictionary", looked_at)
    for name in real:
        monkeypatch.setattr(Tables, name, writes(name))
    stage.run(ctx)
    assert tasks == [("gold", 1)]  # so few bytes are not worth it
    wanted = {str(n): ["run", str(n)] for n in range(400)}
    assert tokens() == wanted

    monkeypatch.setattr(dealing, "SMALL", 0)
    ctx = make_context(home, gold={"nlp": {"stem": True}}, train={"slices": ["title"]})
    stage.run(ctx)
    dealt = dealing.TASKS * spark.sparkContext.defaultParallelism
    assert tasks[1:] == [("gold", dealt)]
    assert not any(shuffled)  # what words are common is asked of rows as they lie
    assert tokens() == wanted
    assert len(ctx.tables.log("gold").sizes()) == 3  # one a split, as before

    _into_silver(ctx, spark, ("new", "running on", None))
    stage.run(ctx)
    assert tasks[-1][0] == "gold"
    assert tasks[-1][1] < dealt
    assert tokens() == {**wanted, "new": ["run", "on"]}
