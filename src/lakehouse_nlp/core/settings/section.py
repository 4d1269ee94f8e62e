"""A part of the settings: what all of their models have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A part of the settings: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _an_empty_section_keeps_its_defaults(cls, value: Any) -> Any:
        """`features:` with every key below it commented out is null in YAML."""
        if not isinstance(value, dict):
            return value
        kinds = {name: field.annotation for name, field in cls.model_fields.items()}
        sections = {name for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Section)}
        return {k: v for k, v in value.items() if v is not None or k not in sections}
