"""The section of lineage: where OpenLineage events go."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from lakehouse_nlp.core.settings.section import Section


class Lineage(Section):
    """What of lineage leaves the lake; `ops.lineage` is written in any case.

    The OpenLineage client's own variables and `openlineage.yml` say the rest: OPENLINEAGE_URL where `openlineage` is
    null, OPENLINEAGE_API_KEY, OPENLINEAGE_ENDPOINT, OPENLINEAGE_DISABLED.
    """

    openlineage: str | None = Field(None, description="http(s)://… of a server, or a file; null: none but variables'")
    namespace: str | None = Field(None, min_length=1, description="of jobs; null: OPENLINEAGE_NAMESPACE, or ours")

    @field_validator("openlineage")
    @classmethod
    def _can_be_sent(cls, where: str | None) -> str | None:
        if where is None:
            return None
        scheme, host = urlsplit(where).scheme, urlsplit(where).netloc
        if scheme not in ("http", "https", "file", ""):
            raise ValueError(f"no place for events: {scheme}://…; a server's http(s)://…, or a file's path")
        if "@" in host or urlsplit(where).query:
            raise ValueError("a URL with a password or token in it would be logged; use OPENLINEAGE_API_KEY")
        if not where.strip() or (scheme in ("http", "https") and not host):
            raise ValueError(f"no place for events: {where!r}; a server's http(s)://…, or a file's path")
        if find_spec("openlineage") is None:
            raise ValueError("needs OpenLineage's client: pip install 'lakehouse-nlp[openlineage]'")
        return where
