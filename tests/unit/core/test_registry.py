"""What the registry says where its store does not answer: a fault that can pass, and not that nothing is there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.registry import CHAMPION, Registry
from lakehouse_nlp.core.retry import can_pass

pytestmark = pytest.mark.unit


class Store(ThreadingHTTPServer):
    """Speaks as an MLflow server that has no experiments, and of models says the same to every question."""

    says: tuple[int, dict[str, str]] = (200, {})

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                store: Any = self.server
                code, told = (200, {}) if "experiments" in self.path else store.says
                body = json.dumps(told).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815  # the names that http.server asks for

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        yield server
        server.shutdown()


def test_only_what_is_not_there_is_not_there(
    home: Any, make_context: Callable[..., Context], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = Registry(make_context(home, mlflow={"tracking_uri": f"http://127.0.0.1:{store.server_address[1]}"}))
    store.says = 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such alias"}
    assert registry.alias(CHAMPION) is None
    with pytest.raises(UsageError, match="no version 2 of model tiny"):
        registry.get(2)

    store.says = 503, {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "database is locked"}
    for ask in (lambda: registry.alias(CHAMPION), lambda: registry.get(2)):
        with pytest.raises(MlflowException) as away:
            ask()
        assert can_pass(away.value)
