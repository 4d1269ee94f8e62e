"""The sections of upkeep: how much of a disk stays free, and how long what is not data is kept."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from lakehouse_nlp.core.settings.section import Section

UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
Size = Annotated[str, Field(pattern=r"^\d+(\.\d+)?(B|kB|MB|GB|TB)$")]


def size(text: str) -> int:
    """`500MB`, `1.5GB` in bytes, by powers of 1,000."""
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]+)", text).groups()  # type: ignore[union-attr]  # the settings' pattern
    return int(float(number) * UNITS[unit])


class Disk(Section):
    """How much has to stay free on the disk of the lake, and on that of the models."""

    min_free: Size | None = Field("1GB", description="a run that would leave less does not begin; null: any does")
    warn: Size | None = Field("5GB", description="less than this is told to the operators; null: nothing is")

    @model_validator(mode="after")
    def _warns_before_it_refuses(self) -> Disk:
        if self.min_free and self.warn and size(self.warn) < size(self.min_free):
            raise ValueError(f"warn is {self.warn}, and runs are refused below {self.min_free} already")
        return self

    @property
    def least(self) -> int | None:
        """Bytes below which no run begins."""
        return size(self.min_free) if self.min_free else None

    @property
    def low(self) -> int | None:
        """Bytes below which somebody is told."""
        return size(self.warn) if self.warn else None


class Retention(Section):
    """How long `maintain` keeps what is not data, in days; null: for ever."""

    logs: float | None = Field(30, ge=1, description="of runs, their pages, and Spark's event logs in the home")
    trials: float | None = Field(30, ge=1, description="runs of MLflow that no version of the model came of")
    best: int = Field(10, ge=0, description="trials of each search that stay, whatever their age")
    studies: float | None = Field(90, ge=1, description="files of searches, by which one that was ended is taken up")
    strays: float | None = Field(None, ge=1, description="files in processed/ and errors/ that ops.files does not name")

    @model_validator(mode="after")
    def _searches_outlive_their_trials(self) -> Retention:
        if self.trials is not None and (self.studies is not None and self.studies < self.trials):
            raise ValueError(
                f"studies is {self.studies:g}, and trials {self.trials:g}: a search goes before its trials"
            )
        return self
