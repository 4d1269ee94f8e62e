"""When a session maps Java's loaded classes, and in which environment it is started then."""

import os
from pathlib import Path

import pytest

from lakehouse_nlp.core import sharing

CONF = {"spark.jars": "/jars/a.jar,/jars/b.jar", "spark.driver.extraJavaOptions": "-Dx=y"}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that has the file, and Spark's own configuration as `doctor --fix` writes it."""
    file, conf = tmp_path / "classes.jsa", tmp_path / "conf of spark"
    file.touch()
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text("spark.a b\n")
    (conf / "spark-env.sh").write_text('export JAVA_HOME="/java"\n')
    monkeypatch.setattr(sharing, "file", lambda: file)
    monkeypatch.setattr(sharing, "_conf", lambda: conf)
    monkeypatch.setattr(sharing, "possible", lambda: True)
    for name in ("SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS"):
        monkeypatch.delenv(name, raising=False)
    return conf


def test_the_jars_come_to_the_class_path_and_the_options_that_were_asked_for_stay(made: Path) -> None:
    found = sharing.options(CONF)
    assert found["spark.driver.extraClassPath"] == "/jars/a.jar:/jars/b.jar"
    asked, mapped, *_ = found["spark.driver.extraJavaOptions"].split()
    assert (asked, mapped) == ("-Dx=y", f'"-XX:SharedArchiveFile={made.with_name("classes.jsa")}"')


@pytest.mark.parametrize(
    "conf",
    [
        {"spark.jars.packages": "io.delta:delta", "spark.driver.extraJavaOptions": ""},
        {**CONF, "spark.driver.extraClassPath": "/mine"},
    ],
)
def test_jars_without_a_place_and_a_class_path_of_somebodys_own_are_left_alone(
    made: Path, conf: dict[str, str]
) -> None:
    assert sharing.options(conf) == {}


def test_so_is_a_spark_that_somebody_configured(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made / "spark-env.sh").write_text('export JAVA_HOME="/java"\nexport HADOOP_CONF_DIR=/etc/hadoop\n')
    assert sharing.options(CONF) == {}
    (made / "spark-env.sh").unlink()
    assert sharing.options(CONF) != {}
    (made / "core-site.xml").touch()
    assert sharing.options(CONF) == {}
    (made / "core-site.xml").unlink()
    monkeypatch.setenv("SPARK_CONF_DIR", "/etc/spark")
    assert sharing.options(CONF) == {}


def test_without_the_file_or_with_an_old_java_nothing_is_asked(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "possible", lambda: False)
    assert sharing.options(CONF) == {}
    monkeypatch.setattr(sharing, "possible", lambda: True)
    sharing.file().unlink()
    assert sharing.options(CONF) == {}


def test_spark_finds_an_empty_folder_and_is_told_of_its_defaults_by_name(made: Path) -> None:
    with sharing.apart():
        assert list(Path(os.environ["SPARK_CONF_DIR"]).iterdir()) == []
        assert os.environ["PYSPARK_SUBMIT_ARGS"] == f"--properties-file '{made}/spark-defaults.conf' pyspark-shell"
    assert "SPARK_CONF_DIR" not in os.environ
    assert "PYSPARK_SUBMIT_ARGS" not in os.environ
