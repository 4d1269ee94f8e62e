"""The settings as frozen pydantic models: one section a stage, plus what the data set is and where things live.

An unknown key is an error in every section; `report.py` turns pydantic's report into file, line and "did you mean".
What needs two parts of the settings to judge is in `crosschecks.py`.
"""

from __future__ import annotations

import codecs
import hashlib
import warnings
from typing import Annotated, Any, Literal

from pydantic import Field, NaiveDatetime, SecretStr, field_serializer, field_validator, model_validator

from lakehouse_nlp.core.settings.alerts import Alerts
from lakehouse_nlp.core.settings.checks import Check
from lakehouse_nlp.core.settings.cost import Cost
from lakehouse_nlp.core.settings.disk import Disk, Retention
from lakehouse_nlp.core.settings.expressions import columns_of
from lakehouse_nlp.core.settings.learning import Features, Register, Train
from lakehouse_nlp.core.settings.lineage import Lineage
from lakehouse_nlp.core.settings.monitoring import Monitor
from lakehouse_nlp.core.settings.runs import Runs
from lakehouse_nlp.core.settings.section import Section, Share

Purpose = Literal["train", "inference"]
Policy = Literal["rescue", "evolve", "drop", "freeze"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]

NUMBER_TYPES = ("int", "bigint", "float", "double", "decimal(10,2)")
COLUMN_TYPES = ("string", *NUMBER_TYPES, "boolean", "date", "timestamp")
_TYPE = r"^(string|int|bigint|float|double|boolean|date|timestamp|decimal\(\d{1,2},\s*\d{1,2}\))$"


# The stage is called register, and so is its section; what it hides is ABCMeta.register, which nobody calls here.
warnings.filterwarnings("ignore", message='Field name "register" in "Settings"')


class Column(Section):
    """One declared column of the raw files: its type in silver, and how its values are written.

    `format`: a Spark datetime pattern (`MMMM d, yyyy`), or several, tried in order. `decimal`, `grouping`: the marks in
    numbers (`1.234,56` has "," and "."). `nulls`: texts that mean "missing" here, in place of the project's.
    A file without a `required` column goes to `errors/`. In YAML `Overall: double` is short for
    `Overall: {type: double}`.
    """

    type: str = Field(pattern=_TYPE)
    format: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    grouping: Literal[",", ".", " ", "'", "_"] | None = None
    nulls: tuple[str, ...] | None = None
    required: bool = False
    source: str | None = Field(None, description="its name in the files, where that is another")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        value = {"type": value} if isinstance(value, str) else value
        if isinstance(value, dict) and isinstance(value.get("format"), str | None):
            return {k: [v] if k == "format" else v for k, v in value.items() if (k, v) != ("format", None)}
        return value

    @model_validator(mode="after")
    def _marks_differ(self) -> Column:
        if self.decimal == self.grouping:
            raise ValueError(f"decimal and grouping are both {self.decimal!r}: no number could be read")
        return self


class Lake(Section):
    """Where the files and tables are, and the Unity Catalog or Glue catalog over them, if there is one."""

    root: str = "lake"
    catalog: str | None = None
    retain_days: float = Field(7, ge=0, description="for which `maintain` keeps files that no newest version has")


class Mlflow(Section):
    """The tracking store and registry. Relative paths count from the home folder."""

    tracking_uri: str = "sqlite:///mlflow/mlflow.db"
    artifacts: str = "mlflow/artifacts"


class Spark(Section):
    """The session: `master` is left out where the platform brings the session; `conf` is passed on as it is."""

    master: str | None = None
    conf: dict[str, str | int | float | bool] = Field({}, description="passed to the session as it is")


class Drift(Section):
    """What becomes of columns of a file that nobody declared; `drift: evolve` is short for `drift: {new: evolve}`.

    `rescue`: kept in `_rescued` as JSON; `evolve`: string columns of their own; `drop`; `freeze`: the file is refused.
    """

    new: Policy = "rescue"
    columns: dict[str, Policy] = Field({}, description="the same for a column by its name in the files")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"new": value} if isinstance(value, str) else value

    def policy(self, column: str) -> Policy:
        """What becomes of this column."""
        return self.columns.get(column, self.new)


class Ingest(Section):
    """How raw files are verified and read. What is null is found out, file by file, and written into the ledger."""

    encoding: str | None = Field(None, description="by byte order mark, as UTF-8, or by a guess among code pages")
    delimiter: str | None = Field(None, max_length=1, description="the one that finds the declared columns")
    quote: str = Field('"', max_length=1, min_length=1)
    escape: str | None = Field(
        None, max_length=1, description="of a quote in a field: the quote itself, or a backslash"
    )
    header: bool | None = Field(None, description="whether the first row names the columns")
    min_bytes: int = Field(1, ge=1, description="smaller files are refused")
    min_rows: int = Field(1, ge=1, description="files of fewer rows are refused")
    max_bytes: int = Field(16 << 20, ge=1 << 10, description="of text: larger files are worked on in chunks")
    max_record_bytes: int = Field(16 << 20, ge=1 << 10, le=256 << 20, description="a file with a longer row is refused")
    late_after: float = Field(24, gt=0, description="hours by which a file may be older than the newest loaded one")
    drift: Drift = Drift()

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            codecs.lookup(name or "utf-8")
        except LookupError as error:
            raise ValueError(f"no such encoding: {name!r} (UTF-8, ISO-8859-1, windows-1252 …)") from error
        return name


class Mask(Section):
    """Personal data in text, by kind, and what takes its place. Everything is off by default.

    `style`: `label` writes `[EMAIL]`; `hash` writes `[EMAIL_9f86d081884c]`, equal for equal values, keyed by `salt`.
    """

    email: bool = False
    phone: bool = False
    card: bool = Field(False, description="numbers of payment cards, their check digit being right")
    ip: bool = Field(False, description="addresses of IPv4 and IPv6")
    columns: tuple[str, ...] | None = Field(None, description="string columns; the text columns if left out")
    style: Literal["label", "hash"] = "label"
    salt: SecretStr | None = Field(None, description="a secret for hash; better as a variable than in a file")

    @model_validator(mode="after")
    def _hashes_are_keyed(self) -> Mask:
        if self.style == "hash" and not self.salt:
            raise ValueError(
                "style hash needs a salt, or numbers can be found by trying: LAKEHOUSE_NLP_SILVER__MASK__SALT"
            )
        return self

    @field_serializer("salt")
    def _fingerprint(self, salt: SecretStr | None) -> str | None:
        """Settings are logged and hashed: another salt is another recipe, and none is told."""
        return hashlib.sha256(salt.get_secret_value().encode()).hexdigest()[:12] if salt else None


class Silver(Section):
    """Text normalisation, one switch a step; and personal data, masked after it."""

    unicode: bool = Field(True, description="Unicode NFC")
    html: bool = Field(True, description="tags out, entities decoded")
    control: bool = Field(True, description="control characters out")
    whitespace: bool = Field(True, description="runs of blanks to one, ends trimmed")
    mask: Mask = Mask()
    drift: Literal["evolve", "drop"] = Field("evolve", description="of columns that bronze took up from files")


class Nlp(Section):
    """The Spark NLP pipeline. Its hash is in every gold row and every model version.

    `annotators` says by whom its steps are done, and not what comes of them: it is in no hash.
    """

    annotators: Literal["needed", "all"] = Field("needed", description="steps that Spark NLP does itself")
    tokenizer: Literal["regex", "rules"] = Field("regex", description="one pattern, or Spark NLP's Tokenizer")
    pattern: str = Field(r"[^\p{L}\p{N}']+", description="what lies between tokens, for the regex tokenizer")
    lowercase: bool = True
    normalizer: bool = Field(False, description="Spark NLP's Normalizer, for the rules tokenizer")
    stop_words: str | tuple[str, ...] | None = Field(None, description="a language Spark NLP has, a list, or none")
    stem: bool = False
    lemmas: str | None = Field(None, description="a lemma dictionary file: lemma -> form<TAB>form")


class Split(Section):
    """Train, validation and test, by a hash of `by` (the key if left out), so that equal keys stay together."""

    by: str | None = None
    validation: Share = 0.1
    test: Share = 0.1
    seed: int = 0

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Split:
        if self.validation + self.test >= 1:
            raise ValueError("validation + test must leave rows to train on: their sum must be under 1")
        return self


class Gold(Section):
    """Text to tokens, and rows to splits."""

    nlp: Nlp = Nlp()
    split: Split = Split()


class Window(Section):
    """Rows of gold by a time: `since` <= time < `until`; either may be left out."""

    by: str | None = Field(None, description="a declared date or timestamp column; null: when the row was taken in")
    since: NaiveDatetime | None = Field(None, description="UTC")
    until: NaiveDatetime | None = Field(None, description="UTC")

    @model_validator(mode="after")
    def _has_room(self) -> Window:
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"since must be before until, and is {self.since.isoformat()}")
        if self.by and not self:
            raise ValueError(f"by {self.by!r} needs since or until")
        return self

    def __bool__(self) -> bool:
        """Whether it leaves any row out."""
        return bool(self.since or self.until)


class Score(Section):
    """Batch scoring: several models over one read of gold, and which of them `current_predictions` shows.

    The first of `models` is shown, once its predictions are whole and pass the checks; the second for a share of the
    keys, where `canary` gives it one. The others are in `predictions` beside them.
    """

    models: tuple[Literal["champion", "challenger", "previous"] | Annotated[int, Field(ge=1)], ...] = Field(
        ("champion",), description="aliases or version numbers"
    )
    canary: float = Field(0.0, ge=0, lt=1, description="share of the keys that the second model answers")
    max_nulls: Share = Field(0.0, description="share of rows without probability or number, of a version to be shown")
    max_drift: float | None = Field(None, gt=0, description="how far the shares of its classes may move (PSI)")
    window: Window = Field(Window(), description="only these rows; what is shown stays as it is")
    batch_rows: int = Field(10_000, ge=1)
    batch_mb: float = Field(32, gt=0)

    @model_validator(mode="after")
    def _each_model_once_and_two_for_a_canary(self) -> Score:
        if not self.models:
            raise ValueError("models must not be empty")
        if twice := [model for model in self.models if self.models.count(model) > 1]:
            raise ValueError(f"models holds {twice[0]} twice")
        if self.canary and len(self.models) == 1:
            raise ValueError(f"canary is {self.canary:g}, and models names no second model: [champion, challenger]")
        return self


class Settings(Section):
    """Everything a run depends on. `load.py` builds it, where later sources win: base, project, env, environment
    variables, `--set`.

    Environment variables are `LAKEHOUSE_NLP_` + section, two underscores between levels:
    `LAKEHOUSE_NLP_TRAIN__SEED=7`.
    """

    project: Name
    description: str = ""
    extends: str | None = Field(None, description="another project, whose file comes under this one's")
    columns: dict[str, Column] = Field(min_length=1)
    key: tuple[str, ...] = Field(min_length=1)
    newest_by: str | None = Field(None, description="of rows of one key the largest wins; else the last that came")
    text: tuple[str, ...] = Field((), description="read as one text, in this order; none for tabular data")
    label: str = Field(description="a Spark SQL expression; null = not for training")
    nulls: tuple[str, ...] = Field((), description="texts that mean missing, such as NA; blank always does")
    checks: tuple[Check, ...] = ()
    features: Features = Features()
    ingest: Ingest = Ingest()
    silver: Silver = Silver()
    gold: Gold = Gold()
    train: Train = Train()
    register: Register = Register()
    score: Score = Score()
    monitor: Monitor = Monitor()
    lake: Lake = Lake()
    mlflow: Mlflow = Mlflow()
    spark: Spark = Spark()
    cost: Cost = Cost()
    disk: Disk = Disk()
    retention: Retention = Retention()
    runs: Runs = Runs()
    alerts: Alerts = Alerts()
    lineage: Lineage = Lineage()

    @model_validator(mode="before")
    @classmethod
    def _one_column_is_a_list_of_one(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: [v] if k in ("key", "text") and isinstance(v, str) else v for k, v in value.items()}
        return value

    @property
    def model_name(self) -> str:
        """The registered model's name."""
        return self.project

    def nulls_of(self, column: str) -> tuple[str, ...]:
        """Texts that mean "missing" in this column: its own, or the project's."""
        own = self.columns[column].nulls
        return self.nulls if own is None else own

    @property
    def masked(self) -> tuple[str, ...]:
        """Columns in which personal data is masked."""
        named = self.silver.mask.columns
        return self.text if named is None else named

    def required(self, purpose: Purpose) -> tuple[str, ...]:
        """Columns without which a file is no file of this project: key, text, those marked, and for training the
        label's.
        """
        label = [c for c in self.columns if purpose == "train" and mentions(self.label, c)]
        marked = [c for c, column in self.columns.items() if column.required]
        return tuple(dict.fromkeys([*self.key, *self.text, *label, *marked]))


def mentions(expression: str, column: str) -> bool:
    """Whether a Spark SQL expression names the column.

    Raises:
        ValueError: it is not one SQL expression.

    """
    return column in columns_of(expression)
