"""Gold as training reads it: the columns that the model sees, of one split at a time, in order of the keys.

DuckDB reads it in this process, without a JVM, where Spark would read the same values: under a catalog, of columns that
the two write differently as text, and for an encoder, which Spark's workers ask side by side, Spark does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.model.encoder import Encoder
from lakehouse_nlp.model.rows import Spec
from lakehouse_nlp.train import blocks
from lakehouse_nlp.train.blocks import Labelled

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

GOLD = "gold"
# Types whose values are the same text to Spark and to DuckDB.
ALIKE = {"string", "boolean", "byte", "short", "integer", "long", "date"}
LABELLED = "FROM {table} WHERE label IS NOT NULL AND split = ?"


@dataclass(frozen=True)
class Source:
    """The labelled rows of gold as of a version; `about`: columns that are read beside the features; `by`: the
    column that groups the rows.
    """

    ctx: Context
    version: int | None
    spec: Spec
    about: tuple[str, ...] = ()
    by: str | None = None

    @cached_property
    def near(self) -> bool:
        """Whether this process reads the files itself."""
        if self.ctx.tables.catalog or isinstance(self.spec.vectors, Encoder):
            return False
        schema = self.ctx.tables.log(GOLD).table.schema()
        types = {field.name: str(getattr(field.type, "type", field.type)) for field in schema.fields}
        beside = (self.by,) if self.by else ()
        texts = all(types.get(name) in ALIKE for name in (*self.spec.categorical, *self.about, *beside))
        return texts and all(types.get(name) != "string" for name in self.spec.numeric)

    def chunks(self, split: str, rows: int) -> Iterator[Labelled]:
        """The rows of a split, about so many at a time."""
        if not self.near:
            yield from blocks.chunks(self.frame(split), self.spec, self.about, self.by)
            return
        chosen = ", ".join(blocks.columns(self.spec, self.about, '"', self.by))
        query = f"SELECT {chosen} {LABELLED} ORDER BY key"
        for batch in duck.batches(self.ctx.tables.path(GOLD), self.version, query, [split], rows):
            yield blocks.block(batch.to_pandas(), self.spec, self.about)

    def frame(self, split: str) -> DataFrame:
        """The rows of a split, for Spark."""
        return self.ctx.tables.read(GOLD, self.version).where(f"label IS NOT NULL AND split = '{split}'")

    def size(self) -> tuple[int, int]:
        """Rows and tokens of the training split."""
        if not self.near:
            (found,) = self.frame("train").selectExpr("count(*)", "sum(n_tokens)").collect()
            return int(found[0]), int(found[1] or 0)
        query = f"SELECT count(*), sum(n_tokens)::BIGINT {LABELLED}"
        (batch,) = duck.batches(self.ctx.tables.path(GOLD), self.version, query, ["train"])
        rows, tokens = (column[0].as_py() for column in batch.columns)
        return int(rows), int(tokens or 0)

    def names(self, buckets: list[int], rows: int) -> dict[int, str]:
        """The most frequent term of each bucket, as batches of the training rows see it."""
        if not self.spec.buckets:
            return {}
        if not self.near:
            return blocks.names(self.frame("train"), self.spec, buckets)
        query = f"SELECT clean_text {LABELLED}"
        wanted, vectoriser = frozenset(buckets), self.spec.vectoriser
        return blocks.elected(
            vote
            for batch in duck.batches(self.ctx.tables.path(GOLD), self.version, query, ["train"], rows)
            for vote in vectoriser.terms(batch["clean_text"], wanted).items()
        )
