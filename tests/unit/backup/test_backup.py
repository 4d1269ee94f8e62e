"""Backups of a small lake, and what is brought back from them; by delta-rs and MLflow, without Spark."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from lakehouse_nlp.backup import backup, ledgers, registry, restore, take
from lakehouse_nlp.backup.manifest import Manifest
from lakehouse_nlp.backup.store import Store, hashed
from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.registry import Registry
from lakehouse_nlp.core.tables import Stamp, direct

restoring = importlib.import_module("lakehouse_nlp.backup.restore")
pytestmark = pytest.mark.unit
TINY = {"columns": {"id": "string", "body": "string"}, "key": "id", "text": ["body"], "label": "nullif(id, '')"}
WHEN = datetime(2024, 5, 1, tzinfo=timezone.utc)
MONITORED = Stamp("run-2", "monitor", "0.1", "tiny", {"predictions": 7})


def _commit(path: Path, rows: list[dict[str, Any]], stamp: Stamp, mode: Any = "append", **apps: int) -> None:
    signed = CommitProperties(
        custom_metadata={"userMetadata": stamp.to_json()},
        app_transactions=[Transaction(name.replace("_", "."), at) for name, at in apps.items()],
    )
    write_deltalake(path, pa.Table.from_pylist(rows), mode=mode, commit_properties=signed)


def _gold(ctx: Context, *texts: str, mode: Any = "append") -> None:
    rows = [{"key": text, "clean_text": f"a {text} ü", "n_tokens": len(text)} for text in texts]
    _commit(ctx.tables.path("gold"), rows, Stamp("run-1", "gold", "0.1", "r", {"silver": 1}), mode)


def _home(home: Path, *projects: str) -> Path:
    for project in projects:
        conf = home / "conf" / "projects" / f"{project}.yml"
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.write_text(yaml.safe_dump({**TINY, "project": project}), encoding="utf-8")
    return home


def _metrics(ctx: Context, project: str, value: float, stamp: Stamp, **apps: int) -> None:
    row = {"project": project, "metric": "rows", "value": value, "recorded_at": WHEN}
    _commit(ctx.root / "ops" / "tables" / "metrics", [row], stamp, **apps)


def _model(ctx: Context, text: str) -> str:
    """A registered version that is champion; its run's id."""
    client = Registry(ctx).client
    run = client.create_run(Registry(ctx).experiment(), run_name="r")
    client.log_param(run.info.run_id, "seed", "7")
    for step in range(3):
        client.log_metric(run.info.run_id, "loss", 1 / (step + 1), step=step)
    client.log_text(run.info.run_id, text, "model/model.txt")
    client.set_terminated(run.info.run_id)
    name = Registry(ctx).name
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    source = f"{run.info.artifact_uri}/model"
    made = client.create_model_version(name, source, run.info.run_id, tags={"recipe": "r", "gold_version": "0"})
    client.set_registered_model_alias(name, "champion", made.version)
    return str(run.info.run_id)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of two projects: tables of several versions, shared rows of ops, a model each, files that wait."""
    home = _home(tmp_path_factory.mktemp("made"), "tiny", "other")
    ctx, other = Context.open(home, "tiny"), Context.open(home, "other")
    _gold(ctx, "one", "two")
    _gold(ctx, "three")
    _gold(ctx, "four", "five", mode="overwrite")
    DeltaTable(ctx.tables.path("gold")).alter.add_constraint({"has_tokens": "n_tokens > 0"})
    _metrics(ctx, "tiny", 1.0, Stamp("run-1", "monitor", "0.1", "tiny", {"predictions": 3}), tiny_monitor=4)
    _metrics(ctx, "other", 5.0, Stamp("run-9", "monitor", "0.1", "other", {"predictions": 9}), other_monitor=8)
    _metrics(ctx, "tiny", 2.0, MONITORED, tiny_monitor=5)
    DeltaTable(ctx.root / "ops/tables/metrics").alter.add_constraint({"is_counted": "value > 0"})
    DeltaTable(ctx.root / "ops/tables/metrics").create_checkpoint()
    _metrics(ctx, "other", 6.0, Stamp("run-9", "monitor", "0.1", "other", {"predictions": 10}), other_monitor=9)
    _model(ctx, "trees of tiny")
    _model(other, "trees of other")
    waits = ctx.folder / "raw" / "train" / "new file.csv"
    for path, text in {waits: "id,title\n", ctx.folder / "models/v1.0/card.md": "# card\n"}.items():
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    (ctx.folder / "models/current").symlink_to("v1.0")
    (ctx.folder / "processed").mkdir()
    (ctx.folder / "processed" / "old.csv").write_text("left out")
    return home


@pytest.fixture(scope="module")
def kept(made: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A place with one backup of it, which nobody changes."""
    place = tmp_path_factory.mktemp("kept")
    backup(Context.open(made, "tiny"), str(place))
    return str(place)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """The same to be changed: tables and settings; its models are those of the first, which nobody changes."""
    shutil.copytree(made, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def _rows(home: Path, query: str, version: int | None = None) -> list[tuple[Any, ...]]:
    scan = duck.scan(home / "lake/tiny/tables/gold", version)
    return [tuple(row.values()) for row in duck.rows(home / "lake", query.format(gold=scan), only=["ops.metrics"])]


KEYS = "SELECT key FROM {gold} ORDER BY key"
FIGURES = "SELECT project, value FROM ops.metrics ORDER BY value"
MINE, OTHERS = [("tiny", 1.0), ("tiny", 2.0)], [("other", 5.0), ("other", 6.0)]


def test_a_restored_project_is_what_it_was(made: Path, tmp_path: Path) -> None:
    found = backup(Context.open(made, "tiny"), str(tmp_path / "kept"))
    assert (len(found.known), {file.part for file in found.copied}) == (
        0, {"tables", "lake", "ops", "registry", "artifacts", "conf"},
    )  # fmt: skip
    assert not any("processed" in file.path or "other" in file.path for file in found.copied)

    home = tmp_path / "elsewhere"
    back = restore(home, str(tmp_path / "kept"))
    assert (back.project, back.id, back.lost, len(back.known)) == ("tiny", found.id, (), 0)
    ctx, was = Context.open(home, "tiny"), Context.open(made, "tiny")
    ctx.ready()
    assert (_rows(home, KEYS), _rows(home, KEYS, 1)) == ([("five",), ("four",)], [("one",), ("three",), ("two",)])
    gold, then = ctx.tables.log("gold"), was.tables.log("gold")
    assert gold.constraints() == then.constraints() == {"has_tokens": "n_tokens > 0"}
    assert list(gold.commits()) == list(then.commits())
    assert _rows(home, FIGURES) == MINE
    ops = ctx.tables.log("ops.metrics")
    assert ops.last("monitor", "tiny") == MONITORED
    assert ops.transactions() == {"tiny.monitor": 5}
    assert ops.constraints() == {"is_counted": "value > 0"}
    with pytest.raises(Exception, match="1 rows failed validation check"):
        direct.write(ops, [("tiny", "rows", -1.0)], MONITORED, WHEN)
    assert (ctx.folder / "models/current/card.md").read_text() == "# card\n"
    assert (ctx.folder / "raw/train/new file.csv").read_text() == "id,title\n"

    (version,), (first,) = Registry(ctx).versions(), Registry(was).versions()
    assert (version.run_id, version.tags, version.made_at) == (first.run_id, first.tags, first.made_at)
    assert Registry(ctx).alias("champion") == version
    client = Registry(ctx).client
    run = client.get_run(version.run_id)
    assert (run.data.params, len(client.get_metric_history(version.run_id, "loss"))) == ({"seed": "7"}, 3)
    assert run.info.artifact_uri.startswith((home / "mlflow/artifacts/tiny").as_uri())
    assert client.get_model_version("tiny", "1").source.startswith(home.as_uri())
    assert Registry(ctx).text(version, "model/model.txt") == "trees of tiny"
    assert [model.name for model in client.search_registered_models()] == ["tiny"]


def test_the_next_backup_copies_what_is_new_and_old_ones_go(home: Path, tmp_path: Path) -> None:
    ctx, place = Context.open(home, "tiny"), str(tmp_path / "kept")
    first = backup(ctx, place)
    assert backup(Context.open(home, "tiny"), place).copied == ()
    _gold(ctx, "six")
    foreseen = backup(Context.open(home, "tiny"), place, dry_run=True)
    assert len([file for file in foreseen.copied if file.part == "tables"]) == 2
    assert len(Store(place, "tiny").ids()) == 2
    third = backup(Context.open(home, "tiny"), place)
    assert sorted(Path(file.path).suffix for file in third.copied) == [".json", ".parquet"]

    _gold(ctx, "seven", mode="overwrite")
    DeltaTable(ctx.tables.path("gold")).vacuum(0, dry_run=False, enforce_retention_duration=False)
    again = backup(Context.open(home, "tiny"), place, keep=1)
    assert Store(place, "tiny").ids() == [again.id]
    assert again.freed[0] == 4  # a file for each append; the settings, ops and models are as they were
    restore(tmp_path / "elsewhere", place)
    assert _rows(tmp_path / "elsewhere", KEYS) == [("seven",)]
    with pytest.raises(UsageError, match=f"holds no backup {first.id} of tiny; there are: {again.id}"):
        restore(tmp_path / "third", place, at=first.id)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3 server on loopback."""
    from moto.server import ThreadedMotoServer
    from pyarrow.fs import FileSystem

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    own = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in {**own, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    FileSystem.from_uri("s3://kept?allow_bucket_creation=true")[0].create_dir("kept")
    yield "kept"
    server.stop()


def test_a_bucket_is_a_place_for_backups(made: Path, tmp_path: Path, bucket: str) -> None:
    place = f"s3://{bucket}/lake"
    first = backup(Context.open(made, "tiny"), place)
    assert len(first.copied) > 10
    assert backup(Context.open(made, "tiny"), place, keep=1).copied == ()
    assert len(Store(place, "tiny").ids()) == 1
    assert restore(tmp_path / "elsewhere", place).lost == ()
    assert _rows(tmp_path / "elsewhere", KEYS) == [("five",), ("four",)]
    with pytest.raises(OSError, match="nosuch"):
        backup(Context.open(made, "tiny"), "s3://nosuch/lake")


def _killed(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, place: int) -> None:
    """In the n-th call of it the process dies, with half a file in its place where it would have written one."""
    real, calls = getattr(owner, name), iter(range(1, 1000))

    def dies(*args: Any, **named: Any) -> Any:
        if next(calls) == place:
            _half_written(name, *args)
            raise KeyboardInterrupt
        return real(*args, **named)

    monkeypatch.setattr(owner, name, dies)


def _half_written(name: str, *args: Any) -> None:
    if name == "put":
        store, source, file = args
        half, whole = Path(store._place(file.sha256)), source.read_bytes()
    elif name == "get":
        _, _, target = args
        half, whole = target.with_name(f".{target.name}.part"), b"half of it"
    else:
        return
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(("what", "at"), [("put", 4), ("finish", 1)])
def test_a_backup_that_was_killed_is_refused_and_the_next_does_the_rest(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, at: int
) -> None:
    place = str(tmp_path / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(take, "AT_ONCE", 1)
        _killed(patch, Store, what, at)
        with pytest.raises(KeyboardInterrupt):
            backup(
                Context.open(
                    made,
                    "tiny",
                ),
                place,
            )
    with pytest.raises(UsageError, match=r"holds no whole backup of tiny: .* was begun and not finished"):
        restore(tmp_path / "elsewhere", place, "tiny")
    assert not (tmp_path / "elsewhere").exists()
    found = backup(Context.open(made, "tiny"), place)
    assert (what == "finish") == (not found.copied)
    assert Store(place, "tiny").begun() == []
    restore(tmp_path / "elsewhere", place)
    assert _rows(tmp_path / "elsewhere", KEYS) == [("five",), ("four",)]


@pytest.mark.parametrize(
    ("owner", "what", "at"),
    [(Store, "get", 9), (ledgers, "bring", 1), (registry, "_insert", 1), (restoring, "_compare", 1)],
)
def test_a_restore_that_was_killed_lets_no_run_begin_and_the_same_again_does_the_rest(
    kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, what: str, at: int
) -> None:
    place, home = kept, tmp_path / "elsewhere"
    (made_id,) = Store(place, "tiny").ids()
    with monkeypatch.context() as patch:
        _killed(patch, owner, what, at)
        with pytest.raises(KeyboardInterrupt):
            restore(home, place)
    if (home / "conf").exists():
        with pytest.raises(UsageError, match=f"tiny was not restored to the end: .*{made_id}"):
            Context.open(home, "tiny").ready()
    restore(home, place)
    Context.open(home, "tiny").ready()
    assert (_rows(home, KEYS), _rows(home, FIGURES)) == ([("five",), ("four",)], MINE)
    assert [version.number for version in Registry(Context.open(home, "tiny")).versions()] == [1]
    assert not list(home.rglob("*.part"))


def test_a_project_that_is_there_gives_way_only_where_that_is_asked_for_and_others_stay(kept: str, home: Path) -> None:
    place, ctx = kept, Context.open(home, "tiny")
    _gold(ctx, "newer")
    _metrics(ctx, "tiny", 3.0, Stamp("run-3", "monitor", "0.1", "tiny", {"predictions": 11}), tiny_monitor=6)
    _model(ctx, "newer trees")
    (ctx.folder / "models/v1.1").mkdir()
    (ctx.folder / "models/v1.1/card.md").write_text("newer")
    (home / "conf/projects/tiny.yml").write_text(yaml.safe_dump({**TINY, "project": "tiny", "nulls": ["-"]}))
    before = _rows(home, KEYS)
    with pytest.raises(UsageError) as refused:
        restore(home, place)
    for lost in (
        "tiny.yml, which differs",
        "tiny.gold: 3 rows, version 4",
        "3 rows of ops.metrics",
        "2 versions, 2 runs",
    ):
        assert lost in str(refused.value)
    assert len(restore(home, place, dry_run=True).lost) == 4
    assert _rows(home, KEYS) == before

    assert len(restore(home, place, replace=True).lost) == 4
    assert _rows(home, KEYS) == [("five",), ("four",)]
    assert _rows(home, FIGURES) == MINE + OTHERS
    assert ctx.tables.log("ops.metrics").last("monitor", "tiny") == MONITORED
    assert ctx.tables.log("ops.metrics").last("monitor", "other").upto == {"predictions": 10}  # type: ignore[union-attr]
    assert ctx.tables.log("ops.metrics").transactions() == {"tiny.monitor": 5, "other.monitor": 9}
    _metrics(ctx, "tiny", 3.0, Stamp("run-3", "monitor", "0.1", "tiny", {"predictions": 11}), tiny_monitor=6)
    assert len(_rows(home, FIGURES)) == len(MINE + OTHERS) + 1, "what was written since the backup is written again"
    assert Context.open(home, "tiny").settings.nulls == ()
    assert not (ctx.folder / "models/v1.1/card.md").exists()
    assert [version.number for version in Registry(ctx).versions()] == [1]
    other = Context.open(home, "other")
    (theirs,) = Registry(other).versions()
    assert Registry(other).text(theirs, "model/model.txt") == "trees of other"


def test_models_come_beside_others_of_the_same_number(kept: str, tmp_path: Path) -> None:
    place, home = kept, _home(tmp_path / "elsewhere", "third")
    third = Context.open(home, "third")
    _model(third, "trees of third")  # its experiment has the number that tiny's had
    restore(home, place)
    tiny = Context.open(home, "tiny")
    experiments = {e.name: e.experiment_id for e in Registry(tiny).client.search_experiments()}
    assert experiments["tiny"] != experiments["third"]
    for ctx, text in ((tiny, "trees of tiny"), (third, "trees of third")):
        (version,) = Registry(ctx).versions()
        assert Registry(ctx).text(version, "model/model.txt") == text
        assert Registry(ctx).client.get_run(version.run_id).info.experiment_id == experiments[ctx.settings.project]


def test_what_is_cut_off_damaged_or_answers_otherwise_is_refused(made: Path, kept: str, tmp_path: Path) -> None:
    place, home = tmp_path / "kept", tmp_path / "elsewhere"
    shutil.copytree(kept, place)
    manifest = next(place.glob("backups/tiny/*.json"))
    told = json.loads(manifest.read_text())

    other = {**told, "answers": {**told["answers"], "tiny.gold": [2, "17"]}}
    manifest.write_text(json.dumps(other))
    with pytest.raises(DataError, match=r"tiny.gold: 2 rows whose cells sum up to 17, and now 2 rows whose"):
        restore(home, str(place))
    with pytest.raises(UsageError, match="not restored to the end"):
        Context.open(home, "tiny").ready()
    manifest.write_text(json.dumps({**told, "format": 2}))
    with pytest.raises(UsageError, match="has format 2, and this release reads 1"):
        restore(home, str(place))
    manifest.write_text(json.dumps(told))

    file = next(file for file in Manifest.from_json(manifest.read_text()).files if file.path.endswith(".parquet"))
    stored = place / "files" / file.sha256[:2] / file.sha256
    whole = stored.read_bytes()
    assert hashed(stored) == file.sha256
    stored.write_bytes(whole[:-1] + b"?")
    with pytest.raises(DataError, match=f"{file.path} is damaged"):
        restore(tmp_path / "third", str(place))
    stored.write_bytes(whole[:-1])
    with pytest.raises(UsageError, match=rf"is not whole: 1 of \d+ files are missing or cut off: {file.path}"):
        restore(tmp_path / "fourth", str(place))
    backup(Context.open(made, "tiny"), str(place))  # copies it again
    assert restore(home, str(place), replace=True).answers == len(told["answers"])


def test_files_that_go_meanwhile_are_told_or_left_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    ctx = Context.open(home, "tiny")
    ctx.say = said.append
    real: Callable[..., Any] = take._stored

    def gone(pattern: str) -> Callable[..., Any]:
        def stored(*args: Any) -> Any:
            next(ctx.folder.glob(pattern)).unlink()
            return real(*args)

        return stored

    monkeypatch.setattr(take, "_stored", gone("raw/train/*"))
    backup(ctx, str(tmp_path / "kept"))
    assert said == ["backup: lake/raw/train/new file.csv is still being written, or went; it is left out"]
    monkeypatch.setattr(take, "_stored", gone("tables/gold/*.parquet"))
    with pytest.raises(DataError, match=r"tables/gold/.*parquet was changed or deleted while it was backed up"):
        backup(Context.open(home, "tiny"), str(tmp_path / "kept"))


def test_what_is_no_backup_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"which project\? .* holds backups of none"):
        restore(tmp_path / "home", str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="is no place for backups"):
        restore(tmp_path / "home", "nosuch://place")
    with pytest.raises(UsageError, match="tiny has no tables"):
        backup(Context.open(_home(tmp_path / "empty", "tiny"), "tiny"), str(tmp_path / "kept"))
