"""What `load` gives, and in which order layers win."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.packaged import packaged
from lakehouse_nlp.core.settings import Home, Settings, load, settings_hash
from lakehouse_nlp.core.settings.yaml_lines import read

pytestmark = pytest.mark.unit
Write = Callable[..., Path]


def test_base_yml_spells_out_the_defaults_of_the_models() -> None:
    needed = {"project": "x", "columns": {"id": "string"}, "key": "id", "label": "id"}
    base = read((packaged("conf") / "base.yml").read_text(encoding="utf-8")).value
    defaults = Settings.model_validate(needed)

    assert Settings.model_validate({**base, **needed}) == defaults
    told = {name: value for name, value in defaults.model_dump(mode="json").items() if name not in needed}
    assert {**base} == told, "every default is there, with its value"


@pytest.mark.parametrize("env", ["local", "databricks", "emr"])
def test_the_packaged_project_loads_everywhere(env: str) -> None:
    settings = load(packaged("conf").parent, "amazon_reviews", env)

    assert settings.key == ("ReviewID",)
    assert settings.text == ("Title", "Content")
    assert (settings.spark.master is not None) == (env == "local")


def test_short_forms_and_types_are_as_declared(write: Write) -> None:
    settings = load(write(), "x")

    assert settings.project == "x"
    assert (settings.key, settings.text) == (("id",), ("title",))
    assert settings.columns["stars"].type == "double"
    assert settings.columns["day"].format == ("MMMM d, yyyy",)
    assert settings.required("train") == ("id", "title", "stars")
    assert settings.required("inference") == ("id", "title")


def test_later_layers_win(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    home = write("train: {seed: 2, folds: 4}\n")
    (home / "conf" / "envs").mkdir()
    (home / "conf" / "base.yml").write_text("train: {seed: 1, folds: 9, linear_c: 2}\n")
    assert load(home, "x").train.model_dump(include={"seed", "folds", "linear_c"}) == {
        "seed": 2,
        "folds": 4,
        "linear_c": 2,
    }

    (home / "conf" / "envs" / "mine.yml").write_text("train: {seed: 3}\n")
    assert load(home, "x", "mine").train.seed == 3

    monkeypatch.setenv("LAKEHOUSE_NLP_TRAIN__SEED", "4")
    assert load(home, "x", "mine").train.seed == 4
    assert load(home, "x", "mine", ["train.seed=5"]).train.seed == 5
    assert load(home, "x", "mine", ["train.seed=5", "train.seed=6"]).train.seed == 6
    assert load(home, "x", "mine", ["train={seed: 7}"]).train.folds == 4


def test_empty_sections_keep_what_is_below(write: Write) -> None:
    home = write("features:\n  # numeric: [stars]\nspark:\n")

    settings = load(home, "x", sets=["train="])

    assert settings.spark.master == "local[*]"
    assert settings.train.folds == 3
    (home / "conf" / "base.yml").write_text("")
    assert load(home, "x").features.numeric == ()


@pytest.mark.parametrize(
    ("name", "value", "place", "expected"),
    [
        ("TRAIN__BOOSTER__MAX_DEPTH", "6", "train.booster.max_depth", 6),
        ("train__seed", "8", "train.seed", 8),
        ("KEY", "[id, title]", "key", ("id", "title")),
        ("GOLD__NLP__STOP_WORDS", "english", "gold.nlp.stop_words", "english"),
        ("SPARK__CONF", "{spark.x: 1}", "spark.conf", {"spark.x": 1}),
        ("REGISTER__MIN__f1.good", "0.5", "register.min", {"accuracy": 0.6, "f1.good": 0.5}),
    ],
)
def test_environment_variables(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, value: str, place: str, expected: object
) -> None:
    monkeypatch.setenv(f"LAKEHOUSE_NLP_{name}", value)
    monkeypatch.setenv("LAKEHOUSE_NLP_HOME", "/elsewhere")
    monkeypatch.setenv("LAKEHOUSE_NLP_MODEL_THREADS", "2")
    home = write()
    (home / "conf" / "envs").mkdir()
    (home / "conf" / "envs" / "bare.yml").write_text("")

    found: object = load(home, "x", "bare")
    for part in place.split("."):
        found = getattr(found, part)
    assert found == expected


def test_column_names_in_variables_keep_their_case(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_NLP_COLUMNS__Price", "decimal(8,2)")
    assert load(write(), "x").columns["Price"].type == "decimal(8,2)"


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("spark.conf.spark.sql.shuffle.partitions=3", "spark.conf", 3),
        ("register.min.f1.good=0.5", "register.min", 0.5),
    ],
)
def test_keys_with_dots_in_sets(write: Write, text: str, place: str, expected: float) -> None:
    found: object = load(write(), "x", sets=[text])
    for part in place.split("."):
        found = getattr(found, part)
    key = text.partition("=")[0].removeprefix(f"{place}.")
    assert isinstance(found, dict)
    assert found[key] == expected


def test_words_of_old_yaml_stay_text(write: Write) -> None:
    checks = "checks: [{rule: in_set, column: title, values: [No, yes, 007, 12:30, 2024-05-01, 1]}]\n"
    settings = load(write(checks + "silver: {html: no}\n"), "x")

    assert settings.checks[0].model_dump()["values"] == ("No", "yes", "007", "12:30", "2024-05-01", 1)
    assert settings.silver.html is False


def test_missing_project_and_env(write: Write) -> None:
    home = write()
    with pytest.raises(UsageError) as refused:
        load(home, "y2")
    assert refused.value.message == f"no project 'y2': {home}/conf/projects/y2.yml does not exist; there are 'x'"
    assert refused.value.hint.removeprefix("lakehouse-nlp init y2 ") == "--from FILE"
    with pytest.raises(
        UsageError, match=r"no env 'lcal': .*/conf/envs/lcal.yml does not exist; did you mean 'local'\?"
    ):
        load(home, "x", "lcal")
    with pytest.raises(UsageError, match="there are no projects yet"):
        load(home / "nowhere", "x")


def test_settings_hash_changes_with_its_sections_only(write: Write) -> None:
    home = write()
    plain, other = load(home, "x"), load(home, "x", sets=["gold.nlp.stem=true"])

    assert settings_hash(plain, "train", "columns") == settings_hash(other, "train", "columns")
    assert settings_hash(plain, "gold.split") == settings_hash(other, "gold.split")
    assert settings_hash(plain, "gold") != settings_hash(other, "gold")
    assert settings_hash(plain) != settings_hash(other)
    assert settings_hash(plain, "train") != settings_hash(plain, "gold")
    assert len(settings_hash(plain)) == 16


def test_home_is_the_one_named_or_where_one_stands(write: Write, tmp_path: Path) -> None:
    home = write()

    assert Home.find(home, {}).path == home
    assert Home.find(home, {"LAKEHOUSE_NLP_HOME": str(tmp_path / "z")}).path == tmp_path / "z"
    assert Home(home).projects() == ["x"]
    assert Home(home).envs() == ["databricks", "emr", "local"]


@pytest.mark.parametrize(("root", "expected"), [("lake", "{home}/lake"), ("/a/b", "/a/b")])
def test_lake_root(write: Write, root: str, expected: str) -> None:
    home = write()
    assert Home(home).lake(load(home, "x", sets=[f"lake.root={root}"])) == Path(expected.format(home=home))


@pytest.mark.parametrize("root", ["s3://bucket/lake", "dbfs:/lake", "abfss://a@b.net/lake"])
def test_a_lake_that_no_folder_is_is_refused(write: Write, root: str) -> None:
    with pytest.raises(UsageError, match=f"lake.root: {root} is no folder; name one that"):
        load(write(), "x", sets=[f"lake.root={root}"])


def test_how_tokens_are_made_makes_nothing_anew(write: Write) -> None:
    home = write()
    needed, every = load(home, "x"), load(home, "x", sets=["gold.nlp.annotators=all"])

    assert settings_hash(every, "gold") == settings_hash(needed, "gold")
    assert settings_hash(every) == settings_hash(needed)
