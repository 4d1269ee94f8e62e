"""The prices that the price of a step is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lakehouse_nlp.core.settings.section import Section

Price = Annotated[float, Field(ge=0)]


class Cost(Section):
    """What is paid, by time or by use; where all is 0, no price is told. An environment's file is the place for it."""

    currency: str = Field("USD", description="of the prices")
    hour: Price = Field(0, description="of all machines together, for an hour that a step takes")
    cpu_hour: Price = Field(0, description="for an hour of CPU time, where that is what is paid for")
    gb_read: Price = Field(0, description="for 10^9 bytes read")
    gb_written: Price = Field(0, description="for 10^9 bytes written")
