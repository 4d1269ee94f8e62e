"""A project made from a file, and files added to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.settings import load
from lakehouse_nlp.init import add_files, files, init_project

pytestmark = pytest.mark.unit
TEXT = "a fine thing that does what it should and then some more"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "reviews.csv"
    rows = (f"r{i},{TEXT} {i},{'pos' if i % 2 else 'neg'}\n" for i in range(40))
    file.write_text("id,text,label\n" + "".join(rows))
    return file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def below(home: Path) -> list[str]:
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())


CONF = ["conf/base.yml", "conf/envs/databricks.yml", "conf/envs/emr.yml", "conf/envs/local.yml"]


def test_a_project_from_a_file(home: Path, source: Path) -> None:
    made = init_project(home, "reviews", source)

    expected = [*CONF, "conf/projects/reviews.yml", "lake/reviews/raw/train/reviews.csv"]
    assert [path.relative_to(home).as_posix() for path in made] == expected
    assert below(home) == expected
    settings = load(home, "reviews")
    assert (settings.key, settings.text, settings.label) == (("id",), ("text",), "label")
    assert (home / expected[-1]).read_bytes() == source.read_bytes()


def test_a_second_project_leaves_conf_alone(home: Path, source: Path) -> None:
    init_project(home, "one", source)
    (home / "conf" / "base.yml").write_text("train: {seed: 5}\n")

    made = init_project(home, "two", source)

    assert [path.name for path in made] == ["two.yml", "reviews.csv"]
    assert load(home, "two").train.seed == 5


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        (
            "My Reviews",
            "no project name: 'My Reviews'; small letters, digits and _, ",
            "lakehouse-nlp init my_reviews --from FILE",
        ),
        ("1st", "no project name: '1st'; small letters", "lakehouse-nlp init st --from FILE"),
        ("", "no project name: ''; small letters", "lakehouse-nlp init reviews --from FILE"),
        ("../x", "no project name: '../x'; small letters", "lakehouse-nlp init x --from FILE"),
        ("ops", "no project name: 'ops' is the lake's own schema", "lakehouse-nlp init ops_data --from FILE"),
    ],
)
def test_names(home: Path, source: Path, name: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        init_project(home, name, source)
    assert refused.value.message.startswith(message)
    assert refused.value.hint == hint
    assert not home.exists()


def test_a_project_that_exists_is_left(home: Path, source: Path) -> None:
    init_project(home, "x", source)
    before = (home / "conf/projects/x.yml").read_text()

    with pytest.raises(UsageError, match=r"project 'x' exists: .*/conf/projects/x\.yml"):
        init_project(home, "x", source, label="text")

    assert (home / "conf/projects/x.yml").read_text() == before


def test_nothing_is_left_of_what_was_refused(home: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--label"):
        init_project(home, "x", source, label="lable")
    assert not home.exists()

    monkeypatch.setenv("LAKEHOUSE_NLP_TRIAN__SEED", "1")
    with pytest.raises(UsageError, match="LAKEHOUSE_NLP_TRIAN__SEED"):
        init_project(home, "x", source)
    assert below(home) == CONF


def test_a_project_without_its_data_is_not_kept(home: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.shutil, "copyfileobj", full)
    monkeypatch.setattr("lakehouse_nlp.init.project._defaults", lambda home: [])
    with pytest.raises(OSError, match="No space left"):
        init_project(home, "x", source)
    assert below(home) == []


def test_a_file_without_rows(home: Path, source: Path) -> None:
    source.write_text("id,text,label\n")
    with pytest.raises(DataError, match="no rows: "):
        init_project(home, "x", source)


def test_files_are_added_once_by_content(home: Path, source: Path, tmp_path: Path) -> None:
    init_project(home, "x", source)
    settings, other = load(home, "x"), tmp_path / "other" / "reviews.csv"
    other.parent.mkdir()
    other.write_text("id,text,label\n1,b,pos\n")
    raw = home / "lake/x/raw"

    assert add_files(home, settings, [source]) == [raw / "train/reviews.csv"]
    assert add_files(home, settings, [other, source]) == [raw / "train/reviews-2.csv", raw / "train/reviews.csv"]
    assert add_files(home, settings, [other]) == [raw / "train/reviews-2.csv"]
    assert add_files(home, settings, [other], inference=True) == [raw / "inference/reviews.csv"]
    assert sorted(path.name for path in (raw / "train").iterdir()) == ["reviews-2.csv", "reviews.csv"]


def test_the_number_goes_before_both_endings(home: Path, source: Path, tmp_path: Path) -> None:
    init_project(home, "x", source)
    for i in (1, 2):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "v1.2.jsonl.gz").write_bytes(bytes([i]))
    placed = add_files(home, load(home, "x"), [tmp_path / "1" / "v1.2.jsonl.gz", tmp_path / "2" / "v1.2.jsonl.gz"])
    assert [path.name for path in placed] == ["v1.2.jsonl.gz", "v1.2-2.jsonl.gz"]


def test_no_file_is_copied_if_one_is_refused(home: Path, source: Path, tmp_path: Path) -> None:
    init_project(home, "x", source)
    with pytest.raises(UsageError, match="no such file"):
        add_files(home, load(home, "x"), [source, tmp_path / "gone.csv"], inference=True)
    assert not (home / "lake/x/raw/inference").exists()


def test_every_file_that_ingest_may_take_is_copied(home: Path, source: Path, tmp_path: Path) -> None:
    init_project(home, "x", source)
    names = ["a.orc", "b.avro", "c.csv.bz2", "d.CSV.ZST", "e.zip", "f.txt", "g"]
    for folder in ("1", "2"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / folder / name).write_text(folder)
        add_files(home, load(home, "x"), [tmp_path / folder / name for name in names])
    found = {path.name for path in (home / "lake/x/raw/train").iterdir()}
    again = ["a-2.orc", "b-2.avro", "c-2.csv.bz2", "d-2.CSV.ZST", "e-2.zip", "f-2.txt", "g-2"]
    assert found - {source.name} == {*names, *again}
