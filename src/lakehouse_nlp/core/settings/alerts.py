"""The section of alerts: who is told, from which severity on, and how often the same."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_serializer, field_validator

from lakehouse_nlp.core.settings.runs import Span
from lakehouse_nlp.core.settings.section import Section

Severity = Literal["note", "warning", "error", "critical"]
Contact = Literal["operators", "security"]


class Alerts(Section):
    """Addresses are Apprise's URLs (github.com/caronc/apprise): `mailto://`, `slack://`, `json://` for a webhook ….

    They hold passwords and tokens: better as a variable, `LAKEHOUSE_NLP_ALERTS__OPERATORS`, than in a file.
    """

    operators: tuple[SecretStr, ...] = Field((), description="whom alerts go to; they are in ops.alerts in any case")
    security: tuple[SecretStr, ...] = Field((), description="whom a blocked project is told; operators where empty")
    severity: Severity = Field("warning", description="the least that is sent")
    repeat: Span = Field("6h", description="after which the same alert is sent again")
    run_url: str | None = Field(None, description="of a run's page, for {project} and {run_id}")

    @field_validator("operators", "security")
    @classmethod
    def _are_addresses(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for url in urls:
            from apprise import Apprise

            if not Apprise.instantiate(url.get_secret_value()):
                scheme = url.get_secret_value().partition("://")[0][:20]
                raise ValueError(f"no address that Apprise knows: {scheme}://…; mailto://, slack://, json:// are some")
        return urls

    @field_validator("run_url")
    @classmethod
    def _can_be_filled(cls, url: str | None) -> str | None:
        try:
            (url or "").format(project="", run_id="")
        except (KeyError, ValueError, IndexError) as error:
            raise ValueError(f"only {{project}} and {{run_id}} can be filled in, not {error}") from error
        return url

    @field_serializer("operators", "security")
    def _hide(self, urls: tuple[SecretStr, ...]) -> list[str]:
        """Settings are logged with every model: of an address only its kind."""
        return [f"{url.get_secret_value().partition('://')[0]}://***" for url in urls]

    def addresses(self, contact: Contact) -> list[str]:
        """Whom the contact stands for."""
        urls = self.security if contact == "security" and self.security else self.operators
        return [url.get_secret_value() for url in urls]
