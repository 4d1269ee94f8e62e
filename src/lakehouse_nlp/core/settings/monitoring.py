"""The section of monitoring: what is judged, against what, and what is asked for when it has drifted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lakehouse_nlp.core.settings.section import Section, Share

Action = Literal["note", "alert", "block_scoring", "rerun", "retrain"]
Method = Literal["psi", "jensen_shannon", "kolmogorov_smirnov", "chi_squared"]
Distance = Annotated[float, Field(ge=0)]


class Methods(Section):
    """The distance of each kind of histogram; the defaults are those of the study in docs/monitoring.md."""

    number: Method = "psi"
    category: Literal["psi", "jensen_shannon", "chi_squared"] = "psi"
    terms: Literal["psi", "jensen_shannon", "chi_squared"] = "psi"


class Actions(Section):
    """What follows once something has drifted: it is noted, told to the operators, keeps the model from scoring, has
    silver and gold made again, or asks for a new model. Each is recorded in `ops.drift`.
    """

    inputs: Action = "note"
    outputs: Action = "alert"
    labels: Action = "note"
    performance: Action = "alert"
    data: Action = "note"
    runs: Action = "note"


class Monitor(Section):
    """What is said about predictions, data and runs, from how many rows on, and what follows from it."""

    min_rows: int = Field(100, ge=1, description="a window of fewer is not judged")
    window: Literal["run", "day"] = Field("run", description="rows that are judged together: of a run, or of a day")
    last: int = Field(5, ge=1, description="windows before this one that it is held against, besides training")
    times: int = Field(2, ge=1, description="of the last `of` windows that must be beyond their bound")
    of: int = Field(3, ge=1)
    methods: Methods = Methods()
    false_alarms: float = Field(0.01, gt=0, le=0.2, description="share of windows without drift, all features together")
    ignore: dict[Method, Distance] = Field({}, description="distances up to which nothing is said, however many rows")
    drop: float = Field(0.0, ge=0, le=1, description="of accuracy, precision or recall that is passed over")
    history: int = Field(20, ge=3, description="runs that files, checks and times are held against")
    disk: Share = Field(0.95, description="share of the lake's disk that may be in use")
    actions: Actions = Actions()

    @model_validator(mode="after")
    def _times_of_windows(self) -> Monitor:
        if self.times > self.of:
            raise ValueError(f"times is {self.times} of the last {self.of} windows: nothing could drift")
        return self
