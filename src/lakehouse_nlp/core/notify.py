"""Messages to people, by Apprise: mail, chat, pagers, webhooks. What cannot be sent is tried again a few times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

TRIES, WAIT = 3, 2.0  # seconds before the second try, and twice as long before the third
KINDS = {"note": "info", "warning": "warning", "error": "failure", "critical": "failure"}


@dataclass(frozen=True)
class Delivery:
    """How it went with one address, whose secrets are hidden; `error`: why it could not be sent."""

    address: str
    error: str | None = None


def send(
    addresses: Sequence[str], severity: str, title: str, body: str, sleep: Callable[[float], None] = time.sleep
) -> list[Delivery]:
    """Sends to each address, and says how it went. Raises nothing."""
    return [_sent(url, severity, title, body, sleep) for url in addresses]


def _sent(url: str, severity: str, title: str, body: str, sleep: Callable[[float], None]) -> Delivery:
    from apprise import Apprise
    from tenacity import Retrying, retry_if_result, stop_after_attempt
    from tenacity.wait import wait_exponential

    service: Any = Apprise.instantiate(url)
    tries = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=WAIT),
        retry=retry_if_result(lambda error: error is not None),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        sleep=sleep,
    )
    error: str | None = tries(_once, service, KINDS[severity], title, body)
    return Delivery(service.url(privacy=True).partition("?")[0], error)


def _once(service: Any, kind: str, title: str, body: str) -> str | None:
    """Why it could not be sent, in Apprise's words; None where it was."""
    import logging

    import apprise

    capture: Any = apprise.LogCapture
    with capture(level=logging.WARNING, fmt="%(message)s") as said:
        if service.notify(body=body, title=title, notify_type=kind):
            return None
        lines = said.getvalue().strip().splitlines()
    return str(lines[-1]) if lines else "it gave no reason"
