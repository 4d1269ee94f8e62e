"""Jobs of `bench.py` that make the home's gold and champion, and score by it: our stage, the limit, pyfunc alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import local
from typing import Any

import numpy as np
import pyarrow as pa
import reviews
from bench_home import champion, opened, timed
from deltalake import DeltaTable, write_deltalake

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.registry import Version

TARGET = "predictions"
# What models read of gold, and what predictions keep of it.
READ, KEPT = ["clean_text", "category"], ["key", "purpose", "split", "label", "nlp_hash", "row_hash"]
# What must be the same in all ways: a map's classes in the same order, too.
SAID = ["key", "prediction", "probability", "probabilities", "value"]
BATCH = 10_000
# Spark's own parent of Python workers in the place of ours, which has imported what models need.
BARE = "spark.conf={spark.python.daemon.module: pyspark.daemon}"

Answer = Callable[[pa.RecordBatch], tuple[Any, Any]]


def prepared(home: Path, lake: str) -> dict[str, Any]:
    """Writes gold from the Parquet file of that name."""
    return reviews.prepared(opened(home, lake), home / f"{lake}.parquet")


def trained(home: Path, lake: str) -> dict[str, Any]:
    """Trains a model and makes it champion, whatever it reaches."""
    from lakehouse_nlp import register, train

    ctx = opened(home, lake, "register.mode=off")
    for stage in (train, register):
        ctx.sign(stage.__name__.rpartition(".")[2])
        stage.run(ctx)
    return {"rows": int(champion(ctx).tags["train_rows"])}


def score(home: Path, lake: str) -> dict[str, Any]:
    """Our stage over all of gold, in a session that has done the same once; the first time tells as `cold`. Tells the
    size of the model's files, too.
    """
    from mlflow.pyfunc import load_model

    from lakehouse_nlp.model.stored import size_mb

    ctx = opened(home, lake)
    cold, told = _scored(ctx), _scored(ctx)
    model = load_model(champion(ctx).uri).get_raw_model()
    told |= {"cold_rows_per_s": cold["rows_per_s"], "cold_seconds": cold["seconds"]}
    return {**told, "digest": digest(ctx.tables.path(TARGET)), "model_mb": size_mb(model)}


def nothing_new(home: Path, lake: str) -> dict[str, Any]:
    """`run score` once all is scored, over a table of half as many predictions again; a whole pass beside it."""
    from pyspark.sql import functions as F

    from lakehouse_nlp import flow

    ctx = opened(home, lake)
    told = _scored(ctx)
    more = ctx.tables.read(TARGET).limit(told["rows"] // 2).withColumn("key", F.concat("key", F.lit("-again")))
    more.writeTo(ctx.tables.name(TARGET)).append()
    again = timed(lambda: _idle(flow.run(ctx, ["score"])), 1)
    return {**told, "again": again["seconds"]}


def further(home: Path, lake: str) -> dict[str, Any]:
    """Our stage over all of gold beside the predictions of another version, as after each new champion."""
    from pyspark.sql import functions as F

    ctx = opened(home, lake)
    _scored(ctx)
    other, before = ctx.tables.read(TARGET).withColumn("version", F.col("version") + 1), home / lake / "before"
    other.write.mode("overwrite").parquet(str(before))
    shutil.rmtree(ctx.tables.path(TARGET))
    ctx.tables.ensure(TARGET, {"value": "double"})
    ctx.spark.read.parquet(str(before)).writeTo(ctx.tables.name(TARGET)).append()
    told = _timed(ctx)
    return {**told, "digest": digest(ctx.tables.path(TARGET), champion(ctx).number)}


def first_row(home: Path, lake: str, *sets: str) -> dict[str, Any]:
    """To the first scored row in a session that has come to one before, by a worker that is new: Spark ends those of a
    query that wants no more rows. The first time tells as `cold`.
    """
    from lakehouse_nlp.score import predicted

    ctx = opened(home, lake, *sets)
    version = champion(ctx)
    cold, told = (
        timed(lambda: predicted(ctx, ctx.tables.read("gold"), version).select("_p").first(), 1) for _ in range(2)
    )
    return {**told, "cold_seconds": cold["seconds"]}


def limit(home: Path, lake: str) -> dict[str, Any]:
    """The limit: our vectoriser and the booster on all cores of one process, from Arrow to Arrow, without Spark."""
    return _alone(home, lake, "limit", _by_model, len(os.sched_getaffinity(0)), times=2)


def pyfunc(home: Path, lake: str) -> dict[str, Any]:
    """The model as MLflow loads it, on one thread: what every other way has to say, too."""
    return _alone(home, lake, "pyfunc", lambda model: partial(_by_pyfunc, model), 1)


def digest(path: Path, version: int | None = None) -> str:
    """Of keys, predictions and the probabilities of all classes, to the last bit, rows in any order: all, or those of a
    version.
    """
    import duckdb
    import pyarrow.compute as pc

    only = None if version is None else pc.field("version") == version
    rows = DeltaTable(str(path)).to_pyarrow_dataset().scanner(SAID, filter=only).to_reader()
    query = f"SELECT count(*), sum(hash({', '.join(SAID)})::HUGEINT) FROM rows"
    with duckdb.connect() as connection:
        return "-".join(map(str, connection.register("rows", rows).execute(query).fetchall()[0]))


def _scored(ctx: Context) -> dict[str, Any]:
    shutil.rmtree(ctx.tables.path(TARGET), ignore_errors=True)
    return _timed(ctx)


def _timed(ctx: Context) -> dict[str, Any]:
    from lakehouse_nlp import score as stage

    stage.due(ctx)  # which a run asks before it starts a session; it finds the champion
    ctx.sign("score")
    return timed(lambda: stage.run(ctx), _rows(ctx))


def _rows(ctx: Context) -> int:
    return ctx.tables.log("gold").rows()


def _idle(report: Any) -> None:
    if report.state != "idle":
        raise SystemExit(f"nothing was new, and the run is {report.state}")


def _alone(
    home: Path, lake: str, name: str, answering: Callable[[Any], Answer], threads: int, times: int = 1
) -> dict[str, Any]:
    """Scores gold without Spark into the table `name`, from reading gold to the commit; the model is loaded before. Of
    several times the last one tells.
    """
    from mlflow.pyfunc import load_model

    ctx = Context.open(home, reviews.PROJECT, sets=[f"lake.root={lake}"])
    version, target = champion(ctx), home / lake / name
    answer = answering(load_model(version.uri))

    def job() -> None:
        shutil.rmtree(target, ignore_errors=True)
        gold = DeltaTable(str(ctx.tables.path("gold"))).to_pyarrow_dataset()
        batches = gold.to_batches(columns=[*READ, *KEPT], batch_size=BATCH)
        with ThreadPoolExecutor(threads) as pool:
            scored = pool.map(lambda batch: _predictions(batch, answer, ctx, version), batches)
            first = next(scored)
            reader = pa.RecordBatchReader.from_batches(first.schema, _after(first, scored))
            write_deltalake(str(target), reader, partition_by=["version"])

    *_, told = (timed(job, _rows(ctx)) for _ in range(times))
    return {**told, "digest": digest(target)}


def _by_model(loaded: Any) -> Answer:
    """The stacked model's own arrays; a booster for each thread, for XGBoost guards one against two callers."""
    from lakehouse_nlp.model.rows import Rows

    model, own = loaded.get_raw_model(), local()

    def answer(batch: pa.RecordBatch) -> tuple[Any, Any]:
        if not hasattr(own, "model"):
            own.model = replace(model, booster=copy(model.booster))
        text, category = batch["clean_text"], batch["category"].to_numpy(zero_copy_only=False)
        counts = model.spec.vectoriser.counts(text)
        said = own.model.outputs(Rows(counts, np.empty((len(batch), 0)), category.astype(object)[:, None]))
        return model.predictions(said), said

    return answer


def _by_pyfunc(loaded: Any, batch: pa.RecordBatch) -> tuple[Any, Any]:
    said = loaded.predict(batch.select(READ).to_pandas())
    return said["prediction"].to_numpy(object), np.stack(said["probabilities"].to_list())


def _predictions(batch: pa.RecordBatch, answer: Answer, ctx: Context, version: Version) -> pa.RecordBatch:
    """The columns of the predictions table."""
    predictions, said = answer(batch)
    n, classes = said.shape
    names = ["negative", "positive"]
    cells = pa.array(np.tile(names, n), pa.string()), pa.array(said.ravel())
    one = {"model": version.name, "version": np.int32(version.number), "model_run_id": version.run_id}
    one |= {"run_id": ctx.run_id, "scored_at": ctx.clock(), "value": pa.scalar(None, pa.float64())}
    columns = {
        **{name: batch[name] for name in KEPT},
        "prediction": pa.array(predictions, pa.string()),
        "probability": pa.array(said[np.arange(n), np.searchsorted(names, predictions.astype(str))]),
        "probabilities": pa.MapArray.from_arrays(pa.array(np.arange(n + 1) * classes, pa.int32()), *cells),
        **{name: pa.repeat(value, n) for name, value in one.items()},
    }
    return pa.record_batch(columns)


def _after(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


JOBS = {
    "prepared": prepared,
    "trained": trained,
    "score": score,
    "nothing_new": nothing_new,
    "further": further,
    "first_row": first_row,
    "first_row_bare": lambda home, lake: first_row(home, lake, BARE),
    "limit": limit,
    "pyfunc": pyfunc,
}
