"""Every way to get the settings wrong, and the line that says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import load

pytestmark = pytest.mark.unit
Write = Callable[..., Path]
X = "conf/projects/x.yml"


def faults(home: Path, sets: list[str] | None = None) -> list[str]:
    with pytest.raises(UsageError) as refused:
        load(home, "x", sets=sets or [])
    assert refused.value.exit_code == 2
    assert refused.value.hint == "mend that, then: lakehouse-nlp validate --project x"
    return [line.strip() for line in refused.value.message.splitlines()[1:]]


# The project itself is 8 lines long, so what is added starts at line 9.
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("train:\n  sed: 1", f"{X}:10: train.sed: unknown key; did you mean 'seed'?"),
        ("trian: {}", f"{X}:9: trian: unknown key; did you mean 'train'?"),
        ("zzz: {}", f"{X}:9: zzz: unknown key"),
        ("gold:\n  nlp:\n    stemm: true", f"{X}:11: gold.nlp.stemm: unknown key; did you mean 'stem'?"),
        ("train: {seed: a}", f"{X}:9: train.seed: must be a whole number, not 'a'"),
        ("train: {seed: 1.5}", f"{X}:9: train.seed: must be a whole number, not 1.5"),
        (
            "train: {engine: spark}",
            f"{X}:9: train.engine: must be 'auto', 'memory', 'batches' or 'cluster', not 'spark'",
        ),
        ("train: {batch_rows: 10}", f"{X}:9: train.batch_rows: must be at least 100, not 10"),
        (
            "train:\n  engine: batches\n  num_workers: 2",
            f"{X}:11: train.num_workers: is for train.engine cluster, and this one is batches: one process trains",
        ),
        (
            "train:\n  engine: cluster\n  warm_start: true",
            f"{X}:11: train.warm_start: xgboost.spark cannot go on from trees exactly; take train.engine batches",
        ),
        ("train: {folds: 1}", f"{X}:9: train.folds: must be at least 2, not 1"),
        ("train: {linear_c: 0}", f"{X}:9: train.linear_c: must be above 0, not 0"),
        ("train: {linear_c: inf}", f"{X}:9: train.linear_c: must be a finite number, not 'inf'"),
        (
            "score: {models: [champ]}",
            f"{X}:9: score.models[0]: must be 'champion', 'challenger' or 'previous' or a whole number, not 'champ'; "
            "did you mean 'champion'?",
        ),
        (
            "score: {window: {by: dya, since: 2024-01-01}}",
            f"{X}:9: score.window.by: no such column 'dya'; did you mean 'day'?",
        ),
        (
            "score: {window: {by: stars, since: 2024-01-01}}",
            f"{X}:9: score.window.by: must be a date or timestamp column, and 'stars' is double",
        ),
        ("score: {window: {by: day}}", f"{X}:9: score.window: by 'day' needs since or until"),
        (
            "score: {window: {since: 2024-02-01, until: 2024-01-01}}",
            f"{X}:9: score.window: since must be before until, and is 2024-02-01T00:00:00",
        ),
        ("score: {models: []}", f"{X}:9: score: models must not be empty"),
        ("score: {models: [champion, 3, 3]}", f"{X}:9: score: models holds 3 twice"),
        (
            "score: {canary: 0.1}",
            f"{X}:9: score: canary is 0.1, and models names no second model: [champion, challenger]",
        ),
        ("score: {models: [1, 2], canary: 1}", f"{X}:9: score.canary: must be under 1, not 1"),
        ("train: 5", f"{X}:9: train: must be a mapping, not 5"),
        ("silver: {html: maybe}", f"{X}:9: silver.html: must be true or false, not 'maybe'"),
        ("features: {numeric: stars}", f"{X}:9: features.numeric: must be a list, not 'stars'"),
        ("description: [a]", f'{X}:9: description: must be text, not ["a"]'),
        ("gold: {split: {test: 2}}", f"{X}:9: gold.split.test: must be at most 1, not 2"),
        (
            "gold: {split: {test: 0.95}}",
            f"{X}:9: gold.split: validation + test must leave rows to train on: their sum must be under 1",
        ),
        (
            "gold: {nlp: {tokenizer: rule}}",
            f"{X}:9: gold.nlp.tokenizer: must be 'regex' or 'rules', not 'rule'; did you mean 'rules'?",
        ),
        ("gold: {nlp: {stop_words: {a: 1}}}", f'{X}:9: gold.nlp.stop_words: must be text or a list, not {{"a": 1}}'),
        (
            "gold: {nlp: {stop_words: englich}}",
            f"{X}:9: gold.nlp.stop_words: no stop words for 'englich'; did you mean 'english'?",
        ),
        (
            "silver: {mask: {email: true, columns: [titel]}}",
            f"{X}:9: silver.mask.columns[0]: no such column 'titel'; did you mean 'title'?",
        ),
        (
            "silver: {mask: {columns: [stars]}}",
            f"{X}:9: silver.mask.columns[0]: must be a string column, and 'stars' is double",
        ),
        (
            "silver: {mask: {phone: true, columns: [title, id]}}",
            f"{X}:9: silver.mask.columns[1]: 'id' is part of the key, and masked keys would be mixed up; "
            "list silver.mask.columns",
        ),
        ("silver: {mask: {mail: true}}", f"{X}:9: silver.mask.mail: unknown key; did you mean 'email'?"),
        (
            "silver: {mask: {style: hash}}",
            f"{X}:9: silver.mask: style hash needs a salt, or numbers can be found by trying: "
            "LAKEHOUSE_NLP_SILVER__MASK__SALT",
        ),
        ("ingest: {delimiter: ab}", f"{X}:9: ingest.delimiter: must be of at most 1 characters, not 'ab'"),
        ("key: id", f"{X}:9: key: given twice"),
        ("train: {seed: 1, seed: 2}", f"{X}:9: train.seed: given twice"),
        ("register: {min: {acuracy: 1}}", f"{X}:9: register.min.acuracy: no such metric; did you mean 'accuracy'?"),
        (
            "train: {retrain: {floor: {acuracy: 1}}}",
            f"{X}:9: train.retrain.floor.acuracy: no such metric; did you mean 'accuracy'?",
        ),
        ("train: {retrain: {every: 30}}", f"{X}:9: train.retrain.every: must be text, not 30"),
        ("train: {retrain: {every: 1w}}", f"{X}:9: train.retrain.every: must be of the form ^[1-9]\\d*[hd]$, not '1w'"),
        ("runs: {retries: {tries: 0}}", f"{X}:9: runs.retries.tries: must be at least 1, not 0"),
        ("runs: {retries: {wait: soon}}", f"{X}:9: runs.retries.wait: must be of the form ^\\d+[smhd]$, not 'soon'"),
        ("runs: {retries: {trys: 2}}", f"{X}:9: runs.retries.trys: unknown key; did you mean 'tries'?"),
        (
            "runs: {retries: {timeouts: true}}",
            f"{X}:9: runs: retries.timeouts asks to try again what ran out of time, and there is no timeout",
        ),
        ("runs: {timeout: 0s}", f"{X}:9: runs: a step cannot end within 0s; null is no limit"),
        ("runs: {deadline: 0h}", f"{X}:9: runs: a run cannot end within 0h; null is no deadline"),
        ("runs: {timeout: 90}", f"{X}:9: runs.timeout: must be text, not 90"),
        (
            "runs: {timeouts: {trian: 1h}}",
            f"{X}:9: runs.timeouts.trian: must be 'ingest', 'silver', 'gold', 'train', 'register', 'score' or 'monitor'"
            ", not 'trian'; did you mean 'train'?",
        ),
        ("runs: {breaker: {after: 0}}", f"{X}:9: runs.breaker.after: must be at least 1, not 0"),
        (
            "runs: {schedule: {cron: 0 25 * * *}}",
            f"{X}:9: runs.schedule.cron: no cron expression: '0 25 * * *' (Bad hour); 0 6 * * 1-5 is six on workdays",
        ),
        (
            "alerts: {operators: ['slck://secret']}",
            f"{X}:9: alerts.operators: no address that Apprise knows: slck://…; mailto://, slack://, json:// are some",
        ),
        (
            "alerts: {run_url: 'https://x/{run}'}",
            f"{X}:9: alerts.run_url: only {{project}} and {{run_id}} can be filled in, not 'run'",
        ),
        (
            "alerts: {severity: eror}",
            f"{X}:9: alerts.severity: must be 'note', 'warning', 'error' or 'critical', "
            "not 'eror'; did you mean 'error'?",
        ),
        ("runs: {schedule: {every: 0s}}", f"{X}:9: runs.schedule.every: must be at least 1s"),
        ("project: y", f"{X}:9: project: the file's name says 'x', and this says 'y'; leave it out"),
        ("newest_by: dya", f"{X}:9: newest_by: no such column 'dya'; did you mean 'day'?"),
        ("gold: {split: {by: ID}}", f"{X}:9: gold.split.by: no such column 'ID'; did you mean 'id'?"),
        (
            "features:\n  numeric:\n    - stars\n    - title",
            f"{X}:12: features.numeric[1]: must be a number column, and 'title' is string",
        ),
        (
            "features: {categorical: [zone]}",
            f"{X}:9: features.categorical[0]: no such column 'zone'",
        ),
    ],
)
def test_one_fault_one_line(write: Write, more: str, expected: str) -> None:
    assert faults(write(more + "\n")) == [expected]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{rule: not_nul, column: id}", "checks[0]: there is no rule 'not_nul'; did you mean 'not_null'?"),
        ("{column: id}", "checks[0]: has no rule"),
        ("7", "checks[0]: must be a mapping, not 7"),
        ("{rule: not_null}", "checks[0].column: missing"),
        ("{rule: not_null, column: titel}", "checks[0].column: no such column 'titel'; did you mean 'title'?"),
        ("{rule: not_null, colum: id, column: id}", "checks[0].colum: unknown key; did you mean 'column'?"),
        (
            "{rule: not_null, column: id, action: wran}",
            "checks[0].action: must be 'warn', 'quarantine' or 'fail', not 'wran'; did you mean 'warn'?",
        ),
        ("{rule: in_set, column: id, values: []}", "checks[0].values: must not be empty"),
        ("{rule: range, column: stars}", "checks[0]: needs min, max or both"),
        ("{rule: range, column: stars, min: 2, max: 1}", "checks[0]: min 2 is above max 1: no row can pass"),
        ("{rule: range, column: id, min: 2}", "checks[0].column: must be a number column, and 'id' is string"),
        ("{rule: length, column: stars, min: 2}", "checks[0].column: must be a string column, and 'stars' is double"),
        ("{rule: length, column: id, min: -1}", "checks[0].min: must be at least 0, not -1"),
        (
            "{rule: regex, column: id, pattern: '[a'}",
            "checks[0].pattern: no regular expression: unterminated character set in '[a'",
        ),
        ("{rule: range, column: stars, max: 2, tolerance: 2}", "checks[0].tolerance: must be at most 1, not 2"),
        ("{rule: unique, column: titel}", "checks[0].column: no such column 'titel'; did you mean 'title'?"),
        ("{rule: unique, columns: 5}", "checks[0].columns: must be a list, not 5"),
        ("{rule: unique, columns: [id, x]}", "checks[0].columns[1]: no such column 'x'"),
        (
            "{rule: unique, column: id, action: quarantine}",
            "checks[0].action: must be 'warn' or 'fail', not 'quarantine'",
        ),
        ("{rule: row_count}", "checks[0]: needs min, max or both"),
        ("{rule: null_share, column: id}", "checks[0].max: missing"),
        (
            "{rule: freshness, column: day, max_age: soon}",
            "checks[0].max_age: must read as '36 hours' or '7 days', not 'soon'",
        ),
        (
            "{rule: freshness, column: id, max_age: 1 day}",
            "checks[0].column: must be a date or timestamp column, and 'id' is string",
        ),
        (
            "{rule: referential, column: id, in: silver.id}",
            "checks[0].in: must read as project.table.column, not 'silver.id'",
        ),
        (
            "{rule: language, column: title, languages: [englich]}",
            "checks[0].languages[0]: cannot be told: 'englich'; did you mean 'english'?",
        ),
        ("{rule: distribution, column: stars}", "checks[0]: needs mean, std, quantiles or expected"),
        ("{rule: distribution, column: stars, mean: [null, null]}", "checks[0].mean: needs min, max or both"),
        (
            "{rule: distribution, column: stars, quantiles: {0.5: [2, 1]}}",
            "checks[0].quantiles.0.5: min 2 is above max 1: no row can pass",
        ),
        (
            "{rule: distribution, column: id, mean: [1, 2]}",
            "checks[0].column: must be a number column, and 'id' is string",
        ),
        (
            "{rule: distribution, column: id, expected: {a: 0.5}}",
            "checks[0]: the expected shares add up to 0.5, and must to 1",
        ),
        (
            "{rule: distribution, column: stars, quantiles: {2: [1, 2]}}",
            "checks[0].quantiles: a quantile is a number from 0 to 1, not '2'",
        ),
        ("{rule: sql, where: 'star > 1'}", "checks[0].where: no such column 'star'; did you mean 'stars'?"),
        ("{rule: sql, where: '1 > 0'}", "checks[0].where: names no column: '1 > 0'"),
        (
            "{rule: sql, where: 'max(stars) > 1'}",
            "checks[0].where: must be computed from one row alone, without MAX(stars)",
        ),
    ],
)
def test_checks(write: Write, check: str, expected: str) -> None:
    assert faults(write(f"checks:\n  - {check}\n")) == [f"{X}:10: {expected}"]


def test_two_checks_of_one_name(write: Write) -> None:
    checks = "checks:\n  - {rule: range, column: stars, min: 1}\n  - {rule: range, column: stars, max: 5}\n"
    told = "checks[1]: goes by the name 'range(stars)', as checks[0] does; give it a `name:`"
    assert faults(write(checks)) == [f"{X}:11: {told}"]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Stars > 3", "no such column 'Stars'; did you mean 'stars'?"),
        ("stars >", "not Spark SQL at column 7, near '>': Required keyword: 'expression' missing"),
        ("case when stars > 3 then 'a'", "not Spark SQL at column 26, near \"'a'\": Expected END after CASE"),
        ("stars = 'a", "not Spark SQL: a quote or a comment is not closed"),
        ("stars, id", "must be one SQL expression, as between `select` and `from`"),
        ("stars from t", "must be one SQL expression, as between `select` and `from`"),
        ("stars; drop table x", "must be one SQL expression, as between `select` and `from`"),
        ("", "must be one SQL expression, as between `select` and `from`"),
    ],
)
def test_labels(write: Write, label: str, expected: str) -> None:
    assert faults(write(), [f"label='{label.replace(chr(39), chr(39) * 2)}'"])[0].endswith(f": label: {expected}")


@pytest.mark.parametrize(
    "label",
    [
        "stars > 3 -- a comment",
        "`stars` > 3 and title rlike '^No such column'",
        "exists(split(title, ' '), word -> word = 'bad')",
        "if(day > date '2020-01-01', 'new', cast(null as string))",
    ],
)
def test_labels_that_are_right(write: Write, label: str) -> None:
    quoted = label.replace("'", "''")
    assert load(write(), "x", sets=[f"label='{quoted}'"]).label == label


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("{id: dubble}", "columns.id: 'dubble' is no column type; did you mean 'double'?"),
        ("{id: {typ: string}}", "columns.id.typ: unknown key; did you mean 'type'?"),
        ("{id: {type: strin}}", "columns.id.type: 'strin' is no column type; did you mean 'string'?"),
        ("{id: 5}", "columns.id: must be a mapping, not 5"),
        ("{id: {type: int, format: d}}", "columns.id.format: is for date and timestamp columns, and this one is int"),
        ("{id: {type: date, decimal: ','}}", "columns.id.decimal: is for number columns, and this one is date"),
        ("{id: {type: int, grouping: x}}", "columns.id.grouping: must be ',', '.', ' ', \"'\" or '_', not 'x'"),
        ("{id: {type: int, grouping: .}}", "columns.id: decimal and grouping are both '.': no number could be read"),
        ("{id: {type: date, format: [1]}}", "columns.id.format[0]: must be text, not 1"),
        ("{id: {type: int, nulls: NA}}", "columns.id.nulls: must be a list, not 'NA'"),
        ("{id: string, _a: string}", "columns._a: names that start with '_' are ours; take another, with `source:` "),
        ("{id: string, a b: string}", "columns.a b: a table's column has no blank and none of ,;{}()=.` in its name; "),
        ("{id: string, ID: string}", "columns.ID: Spark takes it for 'id': letter case does not count"),
        ("{id: string, a: {type: int, source: id}}", "columns.a: reads the file's column 'id', as 'id' does"),
        ("{}", "columns: must not be empty"),
        ("[id]", 'columns: must be a mapping, not ["id"]'),
    ],
)
def test_columns(write: Write, columns: str, expected: str) -> None:
    found = faults(write(project=f"columns: {columns}\nkey: id\nlabel: id\nfeatures: {{categorical: [id]}}\n"))
    assert any(line.startswith(f"{X}:1: {expected}") for line in found), found


def test_what_is_missing_is_missing_in_the_project(write: Write) -> None:
    assert faults(write(project="description: none\n")) == [
        f"{X}: columns: missing",
        f"{X}: key: missing",
        f"{X}: label: missing",
    ]


def test_nothing_to_learn_from(write: Write) -> None:
    assert faults(write("text: []\n", project="columns: {id: string}\nkey: id\nlabel: id\n")) == [
        f"{X}: nothing to learn from: name columns in text, features.numeric or features.categorical"
    ]


def test_all_faults_of_all_layers_at_once_in_their_order(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    home = write("train:\n  sed: 1\nnewest_by: nope\n")
    (home / "conf" / "base.yml").write_text("lake: {rot: x}\n")
    monkeypatch.setenv("LAKEHOUSE_NLP_TRIAN__SEED", "7")

    assert faults(home, ["train.seed=x", "nonsense", "score..version=1"]) == [
        "conf/base.yml:1: lake.rot: unknown key; did you mean 'root'?",
        f"{X}:10: train.sed: unknown key; did you mean 'seed'?",
        f"{X}:11: newest_by: no such column 'nope'",
        "environment variable LAKEHOUSE_NLP_TRIAN__SEED: trian: unknown key; did you mean 'train'?",
        "--set train.seed=x: train.seed: must be a whole number, not 'x'",
        "--set nonsense: must read section.key=value",
        "--set score..version=1: must read section.key=value",
    ]


def test_a_list_from_a_later_layer_is_told_where_that_layer_is(write: Write) -> None:
    home = write("checks:\n  - {rule: not_null, column: id}\n")
    assert faults(home, ["checks=[{rule: not_null}]"]) == ["--set checks=[{rule: not_null}]: checks[0].column: missing"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"key: id\nlabel: a: b\n", f"{X}:2: not YAML: mapping values are not allowed here"),
        (b"key: [id\n", f"{X}:2: not YAML: expected ',' or ']', but got '<stream end>'"),
        (b"- a\n- b\n", f'{X}:1: must be a mapping of settings, not ["a", "b"]'),
        (b"label: \xff\n", f"{X}: not UTF-8: byte 7 is 0xff"),
        (b"key: !!python/name:os.system\n", f"{X}:1: not YAML: could not determine a constructor for the tag "),
        (b"? [a]\n: b\n", f"{X}:1: not YAML: a key must be plain text"),
        (b"a: 1\n---\nb: 2\n", f"{X}:2: not YAML: but found another document"),
        (b"a: &a [*a]\n", f"{X}: not YAML: nested too deeply"),
    ],
)
def test_files_that_are_no_settings(write: Write, content: bytes, expected: str) -> None:
    home = write()
    (home / X).write_bytes(content)
    found = faults(home, ["train.sed=1"])
    assert found[0].startswith(expected)
    assert found[1:] == ["--set train.sed=1: train.sed: unknown key; did you mean 'seed'?"]


def test_one_is_a_fault_and_two_are_faults(write: Write) -> None:
    with pytest.raises(UsageError, match=r"^1 fault in the settings of project x:\n"):
        load(write("a: 1\n"), "x")
    with pytest.raises(UsageError, match=r"^2 faults in the settings of project x:\n"):
        load(write("a: 1\nb: 1\n"), "x")


def test_a_project_is_not_called_as_the_lakes_own_schema(write: Write) -> None:
    home = write(name="ops")
    with pytest.raises(UsageError, match="project: 'ops' is the lake's own schema; give the file another name"):
        load(home, "ops")


@pytest.mark.parametrize("pattern", [r"\p{L}+(?<year>\d{4})", r"a++b*+", r"\Q(\E", r"[a-z&&[^b]]", r"\h\R\z", r"(?i)x"])
def test_java_patterns_pass(write: Write, pattern: str) -> None:
    assert load(write(f"gold: {{nlp: {{pattern: '{pattern}'}}}}\n"), "x").gold.nlp.pattern == pattern
