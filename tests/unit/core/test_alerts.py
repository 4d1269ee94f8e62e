"""Alerts to a real mail server and a real web server on this machine, by a clock that nobody waits for."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from aiosmtpd.controller import Controller
from deltalake import write_deltalake

from lakehouse_nlp.core import duck
from lakehouse_nlp.core.alerts import alert, resend, try_out
from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.settings import settings_hash

pytestmark = pytest.mark.unit
MakeContext = Callable[..., Context]
Make = Callable[..., Context]
MakeHook = Callable[..., "Hook"]
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
TEXTS = ("project", "run_id", "severity", "reason", "next", "contact", "key", "outcome", "error")


class Mailbox:
    """Keeps what comes by SMTP."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 kept"


class Hook:
    """A web server that keeps what is posted to it; `codes`: what it answers, then 200."""

    def __init__(self, *codes: int) -> None:
        self.codes, self.posted = list(codes), list[dict[str, Any]]()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.codes.pop(0) if hook.codes else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"json://user:secret@127.0.0.1:{self.server.server_port}/hook"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    """A mailbox, and its address for Apprise."""
    box, port = Mailbox(), _free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, f"mailto://127.0.0.1:{port}?from=lake@example.com&to=oncall@example.org"
    server.stop()


@pytest.fixture
def hook() -> Iterator[MakeHook]:
    made: list[Hook] = []

    def make(*codes: int) -> Hook:
        made.append(Hook(*codes))
        return made[-1]

    yield make
    for each in made:
        each.server.shutdown()


@pytest.fixture
def make(home: Path, make_context: MakeContext) -> Make:
    """Makes contexts of one home, whose table of alerts is there, for an hour of the day."""
    times = {name: pa.timestamp("us", tz="UTC") for name in ("raised_at", "recorded_at")}
    schema = pa.schema([(name, pa.string()) for name in TEXTS] + list(times.items()))
    write_deltalake(str(home / "lake/ops/tables/alerts"), schema.empty_table())

    def make(hours: float = 0, run_id: str = "run-1", **alerts: Any) -> Context:
        ctx = make_context(home, run_id, alerts=alerts)
        ctx.clock = lambda: NOON + timedelta(hours=hours)
        ctx.sleep = lambda _: None
        return ctx

    return make


def _outcomes(ctx: Context) -> list[str]:
    found = duck.rows(ctx.root, "SELECT outcome FROM ops.alerts ORDER BY recorded_at", only=["ops.alerts"])
    return [row["outcome"] for row in found]


def test_a_mail_says_what_happened_where_and_what_to_do(make: Make, mailbox: tuple[Mailbox, str]) -> None:
    box, address = mailbox
    ctx = make(operators=[address], run_url="https://runs.example.com/{project}/{run_id}")
    alert(ctx, "error", "tiny failed: no label\nin 3 files", "lakehouse-nlp runs show run-1")
    (mail,) = box.mails
    assert (mail["Subject"], mail["To"]) == ("[error] tiny failed: no label", "oncall@example.org")
    body = mail.get_body(("plain", "html"))
    assert body
    text = body.get_content()
    for part in (
        "in 3 files",
        "next: lakehouse-nlp runs show run-1",
        "https://runs.example.com/tiny/run-1",
        "12:00 UTC",
    ):
        assert part in text
    (row,) = duck.rows(ctx.root, "SELECT * FROM ops.alerts", only=["ops.alerts"])
    assert (row["severity"], row["outcome"], row["error"], row["contact"]) == ("error", "sent", None, "operators")
    assert row["raised_at"] == NOON


@pytest.mark.parametrize(
    ("least", "sent"),
    [("note", ["info", "warning", "failure", "failure"]), ("warning", ["warning", "failure", "failure"]),
     ("critical", ["failure"])],
)  # fmt: skip
def test_what_is_less_severe_is_written_down_and_not_sent(
    make: Make, hook: MakeHook, least: str, sent: list[str]
) -> None:
    web = hook()
    ctx = make(operators=[web.url], severity=least)
    for severity in ("note", "warning", "error", "critical"):
        alert(ctx, severity, f"{severity} of tiny", "look")  # type: ignore[arg-type]
    assert [post["type"] for post in web.posted] == sent
    assert _outcomes(ctx) == ["unsent"] * (4 - len(sent)) + ["sent"] * len(sent)


def test_the_same_alert_is_sent_once_in_a_while(make: Make, hook: MakeHook) -> None:
    web = hook()
    for hours in (0, 1, 5.9, 6, 7, 13):
        alert(make(hours, operators=[web.url]), "error", f"drift of {hours}", "look", key="drift of tokens")
    assert [post["message"].splitlines()[0] for post in web.posted] == ["drift of 0", "drift of 6", "drift of 13"]
    ctx = make(13.5, operators=[web.url])
    alert(ctx, "error", "another", "look")
    assert _outcomes(ctx) == ["sent", "repeated", "repeated", "sent", "repeated", "sent", "sent"]


def test_a_server_that_comes_back_gets_it_by_the_next_try(make: Make, hook: MakeHook) -> None:
    web, waits = hook(503, 500), list[float]()
    ctx = make(operators=[web.url])
    ctx.sleep = waits.append
    alert(ctx, "error", "tiny failed", "look")
    assert (len(web.posted), waits, _outcomes(ctx)) == (3, [2, 4], ["sent"])


def test_what_could_not_be_sent_is_sent_by_the_next_run_once(make: Make, hook: MakeHook) -> None:
    web = hook(500, 500, 500)
    first = make(operators=[web.url])
    alert(first, "error", "tiny failed", "look")
    (row,) = duck.rows(first.root, "SELECT outcome, error FROM ops.alerts", only=["ops.alerts"])
    assert row["outcome"] == "failed"
    assert "500" in row["error"]
    assert "secret" not in row["error"]
    assert [resend(make(hours, "run-2", operators=[web.url])) for hours in (1, 2)] == [1, 0]
    assert _outcomes(first) == ["failed", "sent"]
    assert "run run-1 of tiny, 2024-05-01 12:00 UTC" in web.posted[-1]["message"]


def test_what_has_no_address_any_more_is_not_called_sent(make: Make, hook: MakeHook) -> None:
    alert(make(operators=[hook(500, 500, 500).url]), "error", "tiny failed", "look")
    assert resend(make(1, "run-2", operators=[])) == 0
    assert _outcomes(make()) == ["failed"]
    web = hook()
    alert(make(2, "run-3", operators=[web.url]), "error", "tiny failed", "look")
    assert (len(web.posted), _outcomes(make())) == (1, ["failed", "sent"])


def test_old_news_are_not_sent_again(make: Make, hook: MakeHook) -> None:
    web = hook(*[500] * 3)
    alert(make(operators=[web.url]), "error", "tiny failed", "look")
    assert resend(make(25, "run-2", operators=[web.url])) == 0
    assert len(web.posted) == 3


def test_security_has_its_own_addresses_or_those_of_the_operators(make: Make, hook: MakeHook) -> None:
    operators, security = hook(), hook()
    alert(make(operators=[operators.url], security=[security.url]), "critical", "one", "look", contact="security")
    alert(make(operators=[operators.url]), "critical", "two", "look", contact="security")
    assert [post["title"] for post in security.posted] == ["[critical] one"]
    assert [post["title"] for post in operators.posted] == ["[critical] two"]


def test_an_alert_that_cannot_be_sent_or_written_is_said_and_fails_nothing(
    tmp_path: Path, make_context: MakeContext
) -> None:
    ctx = make_context(tmp_path, alerts={"operators": [f"json://127.0.0.1:{_free_port()}"]})
    said: list[str] = []
    ctx.say, ctx.sleep = said.append, lambda _: None
    log = ctx.tables.path("ops.alerts") / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("no log")
    alert(ctx, "error", "tiny failed", "look")
    assert said[0] == "error: tiny failed\n  next: look"
    assert said[1].startswith("that could not be written to ops.alerts: ")


def test_every_address_is_tried_out_and_its_secrets_are_hidden(make: Make, hook: MakeHook) -> None:
    well, ill = hook(), hook(*[500] * 9)
    found = try_out(make(operators=[well.url, ill.url]), "operators")
    assert [each.error is None for each in found] == [True, False]
    assert all("127.0.0.1" in each.address and "secret" not in each.address for each in found)
    assert well.posted[0]["title"] == "[test] tiny"
    with pytest.raises(UsageError, match=r"alerts\.operators names nobody"):
        try_out(make(), "operators")


def test_settings_tell_nobody_the_secrets_of_an_address(make: Make) -> None:
    settings = make(operators=["json://user:secret@127.0.0.1/hook"]).settings
    for text in (settings.model_dump_json(), repr(settings), str(settings.model_dump())):
        assert "secret@" not in text
    assert settings_hash(settings, "alerts") != settings_hash(make().settings, "alerts")
