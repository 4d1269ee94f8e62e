"""What a project lives with: an MLflow server that can be down, a disk that can be full, somebody whom alerts reach."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

ROOM = "3g"
LEFT = 256  # kilobytes of a disk that is nearly full


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Store:
    """A tracking server over SQLite, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, patience: float = 180) -> None:
        """Returns once it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}",
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # jobs that nobody here asks for
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=quiet, start_new_session=True)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=5).close()
                return
            time.sleep(0.5)
        raise TimeoutError(f"{self.uri} does not answer after {patience} s; see {self.folder / 'server.log'}")

    def stop(self) -> None:
        """Ends it, with its worker."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()
            self._process = None


class Disk:
    """A disk of its own for the lake: a tmpfs, which needs root. Elsewhere it is never full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", folder], capture_output=True)
        self.there = mounted.returncode == 0

    def fill(self) -> None:
        """Leaves some kilobytes: writing more gives ENOSPC."""
        disk = os.statvfs(self.folder)
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024
        self._size(f"{used + LEFT}k")

    def clear(self) -> None:
        """Makes room."""
        self._size(ROOM)

    def close(self) -> None:
        """Takes the disk away, and what is on it."""
        if self.there:
            subprocess.run(["umount", "--lazy", self.folder], check=True)

    def _size(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)


class Operators:
    """A webhook on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        kept = self.messages

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Hook)
        self.url = f"json://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
