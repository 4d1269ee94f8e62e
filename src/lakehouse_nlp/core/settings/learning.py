"""The sections of learning: what a model sees, how it is trained, and the gate that it has to pass."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from lakehouse_nlp.core.settings.section import Section

Share = Annotated[float, Field(ge=0, le=1)]
DatePart = Literal["year", "quarter", "month", "week", "day", "weekday", "hour"]
Metric = Literal[
    "accuracy", "balanced_accuracy", "roc_auc", "pr_auc", "f1_macro", "log_loss", "brier", "rmse", "mae", "r2"
]

# Those of them that judge numbers; the others judge classes.
OF_NUMBERS = ("rmse", "mae", "r2")


class Word2Vec(Section):
    """A row's text as the mean of its words' vectors, which Spark NLP trains on the training rows."""

    kind: Literal["word2vec"]
    size: int = Field(100, ge=1, le=1000, description="numbers in a vector")
    min_count: int = Field(5, ge=1, description="times that a word occurs in the training rows, at least")
    window: int = Field(5, ge=1, description="words to each side that a word is learnt from")
    iterations: int = Field(1, ge=1)
    seed: int = Field(1, ge=1, lt=2**31)


class Encoder(Section):
    """A row's text as an encoder sees it.

    `folder` has `model.onnx` and `tokenizer.json`, as Hugging Face exports them; a relative one counts from the home
    folder. `pooling` makes one vector of those of a text's tokens.
    """

    kind: Literal["onnx"]
    folder: str
    max_tokens: int = Field(256, ge=8, le=8192, description="of a text; the rest is not read")
    pooling: Literal["mean", "cls"] = Field("mean", description="the mean of all tokens, or the first one")


class TextFeatures(Section):
    """How the cleaned text becomes numbers: 1-to-n-grams, TF-IDF, and the terms that the booster sees; vectors beside
    them, or in their place.
    """

    terms: Literal["hashed", "vocabulary", "none"] = Field(
        "hashed", description="by a hash, or the commonest terms by name; none: only vectors are seen"
    )
    ngrams: int = Field(2, ge=1, le=3)
    buckets: int = Field(2**18, ge=2**8, le=2**24, description="of the hash; terms of a vocabulary at most")
    min_rows: int = Field(2, ge=1, description="training rows that a term of the vocabulary is in")
    select: int = Field(3000, ge=0, description="terms kept for the booster, best by chi-squared")
    sublinear: bool = Field(True, description="1 + log(count) in place of the count")
    vectors: Word2Vec | Encoder | None = Field(None, discriminator="kind", description="dense vectors of the text")

    @field_validator("vectors", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        """A layer of settings takes back with this word what one below it says; null would leave a mapping alone."""
        return None if value == "none" else value


class Lookup(Section):
    """A column by a table in a CSV file: from the values of the column `by` to a description.

    The file (relative paths count from the home folder) may hold several tables one below the other, each under its
    own header; `by` heads the first column of the one that is meant. Descriptions among `nulls` are missing ones.
    """

    file: str
    by: str
    nulls: tuple[str, ...] = ("NULL", "")


class Features(Section):
    """The columns a model sees beside the text. Missing numbers stay missing; unseen categories are taken as such.

    Columns made in gold may be named in `numeric` and `categorical` like declared ones: lookups, and derived ones,
    which are Spark SQL expressions over one row's declared columns and lookups. Date parts are numeric at once.
    """

    text: TextFeatures = TextFeatures()
    lookups: dict[str, Lookup] = Field({}, description="new column -> the table that describes another")
    dates: dict[str, tuple[DatePart, ...]] = Field({}, description="date or timestamp column -> parts")
    derived: dict[str, str] = Field({}, description="new column -> Spark SQL expression")
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    encode: dict[str, Literal["native", "frequency", "target"]] = Field(
        {}, description="categorical column -> how; native, XGBoost's own categories, where it is not named"
    )

    @property
    def date_parts(self) -> dict[str, tuple[str, str]]:
        """The columns made of dates, `<column>_<part>` -> (column, part)."""
        return {f"{column}_{part}": (column, part) for column, parts in self.dates.items() for part in parts}

    @property
    def numbers(self) -> tuple[str, ...]:
        """All numeric columns, date parts last."""
        return (*self.numeric, *self.date_parts)

    @property
    def made(self) -> tuple[str, ...]:
        """The columns that gold makes and silver has not."""
        return (*self.lookups, *self.date_parts, *self.derived)


class Booster(Section):
    """XGBoost's own parameters, by its own names (xgboost.readthedocs.io, "XGBoost Parameters")."""

    rounds: int = Field(200, ge=1)
    max_depth: int = Field(4, ge=1)
    learning_rate: float = Field(0.1, gt=0)
    max_bin: int = Field(64, ge=2)
    min_child_weight: float = Field(1.0, ge=0)
    subsample: float = Field(1.0, gt=0, le=1)
    colsample_bytree: float = Field(1.0, gt=0, le=1)
    reg_lambda: float = Field(1.0, ge=0)


Scalar = bool | int | float | str


class Range(Section):
    """Numbers from `low` to `high`, both among them; `log`: as many are tried from 0.01 to 0.1 as from 0.1 to 1."""

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _spans_something(self) -> Range:
        if self.low >= self.high:
            raise ValueError(f"low must be under high, and low is {self.low:g}, high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log: true needs low above 0, not {self.low:g}")
        return self


def _form(value: Any) -> str:
    return "range" if isinstance(value, dict | Range) else "list"


Domain = Annotated[
    Annotated[Range, Tag("range")] | Annotated[tuple[Scalar, ...], Field(min_length=1), Tag("list")],
    Discriminator(_form),
]


class Search(Section):
    """The search for better parameters: candidates are judged on the validation split, the best is trained.

    A space is a list of values or a range by the parameter's name: `linear_c`, `booster.max_depth`, `text.select` ….
    """

    method: Literal["none", "grid", "random", "tpe"] = Field(
        "tpe", description="every combination; drawn by chance; by a tree-structured Parzen estimator; none: no search"
    )
    trials: int = Field(30, ge=1, description="at most")
    minutes: float | None = Field(None, gt=0, description="no trial begins after as many of trying")
    metric: Metric | None = Field(None, description="register.metric if left out, or rmse of numbers")
    pruning: bool = Field(True, description="a trial that falls behind the others is ended early")
    space: dict[str, Domain] = Field(min_length=1)

    def metric_of(self, numbers: bool, gate: str) -> str:
        """The metric of a regression (`numbers`) or of classes; `gate`: that of the gate. Raises ValueError where the
        metric that is asked for judges the other kind.
        """
        kind = "numbers" if numbers else "classes"
        if self.metric and (self.metric in OF_NUMBERS) != numbers:
            raise ValueError(f"train.search.metric is {self.metric}, which does not judge {kind}")
        fits = (gate in OF_NUMBERS) == numbers
        return self.metric or (gate if fits else "rmse" if numbers else "roc_auc")


class Retrain(Section):
    """When a model is to be trained again by the same settings. Any of them will do, once labelled rows came or changed
    since the newest model: of the same rows it would be the same.
    """

    share: Share | None = Field(0.1, description="so many labelled rows came or changed, of those it was trained on")
    rows: int | None = Field(None, ge=1, description="so many came or changed")
    every: str | None = Field(None, pattern=r"^[1-9]\d*[hd]$", description="it is older than this: 12h, 30d")
    floor: dict[str, float] = Field(
        {}, description="metric or f1.<class> -> what the champion must reach on rows labelled since"
    )
    drift: float | None = Field(None, gt=0, description="how far the champion's predictions may move (PSI)")


class Train(Section):
    """The stacked model: out-of-fold linear scores, selected terms and columns into a booster."""

    objective: Literal["auto", "binary", "multiclass", "regression"] = Field(
        "auto", description="auto: more than 20 distinct labels that are all numbers are a quantity"
    )
    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]] = "none"
    early_stopping: int | None = Field(None, ge=1, description="rounds to wait for a better validation loss")
    monotone: dict[str, Literal["increasing", "decreasing"]] = Field(
        {}, description="numeric column -> how the number, or the last of two classes, goes with it"
    )
    calibration: Literal["none", "platt", "isotonic"] = Field("none", description="of probabilities, out of fold")
    threshold: str | None = Field(
        None, description="the metric that the cut between two classes is chosen for, on the validation split"
    )
    slices: tuple[str, ...] = Field((), description="columns by whose values the figures are told, too")
    engine: Literal["auto", "memory", "batches", "cluster"] = Field(
        "auto", description="one process with all rows, one with a batch at a time, or xgboost.spark"
    )
    memory_mb: int = Field(4096, ge=1, description="of auto: rows that would take more are not held in memory")
    batch_rows: int = Field(15_000, ge=100, description="rows of a batch")
    num_workers: int | None = Field(None, ge=1, description="of cluster: tasks of xgboost.spark; as many as have room")
    seed: int = 0
    folds: int = Field(3, ge=2)
    linear_c: float = Field(8.0, gt=0, description="inverse strength of the L2 penalty")
    booster: Booster = Booster()
    search: Search | None = Field(None, description="for better parameters than these")
    min_rows: int = Field(50, ge=2, description="fewer labelled training rows than this is an error")
    retrain: Retrain = Retrain()
    warm_start: bool = Field(
        False, description="go on from the champion's features and booster where the settings of features are the same"
    )

    @field_validator("search", mode="before")
    @classmethod
    def _none_is_no_search(cls, value: Any) -> Any:
        """So that a layer can take back what one below it asks for: null leaves a mapping as it is."""
        return None if isinstance(value, dict) and value.get("method") == "none" else value


class Register(Section):
    """The gate between a candidate and the alias `champion`, judged on the test split."""

    mode: Literal["off", "dry_run", "enforce"] = Field(
        "enforce", description="off: every candidate passes; dry_run: judged, but the champion stays"
    )
    metric: Metric = "roc_auc"
    min_gain: float = Field(0.0, description="how much better than the champion the metric must be")
    min: dict[str, float] = Field({"accuracy": 0.6}, description="metric or f1.<class> -> floor")
    baselines: tuple[Literal["majority", "linear"], ...] = Field(
        ("majority",), description="to be beaten by the metric"
    )
    confidence: Share | None = Field(
        None, description="share of paired bootstrap draws in which the champion is beaten by more than min_gain"
    )
    max_slice_drop: float | None = Field(None, ge=0, description="how much worse than the champion a slice may be")
    max_slice_gap: float | None = Field(None, ge=0, description="how far apart the slices of a column may be")
    max_row_ms: float | None = Field(None, gt=0, description="milliseconds of one thread for a row, of a batch")
    max_size_mb: float | None = Field(None, gt=0, description="megabytes of the model's files")
