"""Calls of the program, each a process of the package's own environment, and what their exit codes mean to Airflow."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, RetryPolicy
from airflow.sdk.definitions.retry_policy import RetryDecision
from airflow.sdk.exceptions import AirflowException

LATER = 75  # a fault that can pass, and a try is left
STOPPED = (-signal.SIGKILL, 128 + signal.SIGINT, 128 + signal.SIGKILL, 128 + signal.SIGTERM)  # the next call goes on
MEANS = {
    1: "the data or a gate said no",
    2: "usage or settings",
    3: "a fault of lakehouse-nlp",
    4: "the project is blocked",
    124: "a step ran out of time",
}
OURS = ("AIRFLOW_", "_AIRFLOW_")  # variables that hold Airflow's own settings and secrets


class Refused(AirflowException):
    """The program ended by itself, and said why: another call would end the same way."""


class CanPass(AirflowException):
    """Another call may end better: the program said so, or was stopped from outside."""


class Tries(RetryPolicy):
    """Only what can pass is tried again, after the waits of the project's settings (`runs.retries`)."""

    def __init__(self, wait: float, backoff: float, jitter: float) -> None:
        """`wait`: seconds before the second try; `backoff`: by which it grows; `jitter`: seconds that chance adds."""
        self.wait, self.backoff, self.jitter = wait, backoff, jitter

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Retry after a wait, or fail at once."""
        if not isinstance(exception, CanPass):
            return RetryDecision.fail(str(exception).partition("\n")[0])
        grown = self.wait * self.backoff ** (attempt(context["ti"], context["task"].retries) - 1)
        return RetryDecision.retry(timedelta(seconds=grown + random.uniform(0, self.jitter)), str(exception))


def attempt(ti: Any, retries: int) -> int:
    """The number of this try, the first being 1; a task that was cleared begins anew."""
    return int(ti.try_number - (ti.max_tries - retries))


def environment() -> dict[str, str]:
    """The worker's environment without what is Airflow's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**own, "PYTHONUNBUFFERED": "1"}


class LakehouseOperator(BaseOperator):
    """Runs `lakehouse-nlp` and gives the JSON that it printed; what it says goes to the task's log.

    Raises Refused or CanPass, by its exit code.
    """

    template_fields: Sequence[str] = ("arguments", "project", "program", "home", "env")
    ui_color = "#d9efe6"
    tells = False  # whether the call itself tells people why it failed

    def __init__(
        self, *, arguments: Sequence[str], program: str, home: str, env: str, project: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.arguments, self.project = list(arguments), project
        self.program, self.home, self.env = program, home, env
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Any) -> Any:
        """The answer of the call."""
        return self.call(*self.arguments)

    def call(self, *arguments: str) -> Any:
        """Runs the program to its end. A run that refused something is an answer: the rest of it is done."""
        command = [self.program, *arguments, "--home", self.home, "--env", self.env, "--json"]
        command += ["--project", self.project] if self.project else []
        self.log.info("%s", " ".join(command))
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            # In a session of its own, so that on_kill alone decides how it is told to end.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
                start_new_session=True, env=environment(),
            )  # fmt: skip
            said = [line.rstrip() for line in self._lines(self._process)]
            code = self._process.wait()
            out.seek(0)
            answer = out.read()
        if code == 0 or (code == 1 and answer.strip()):
            return json.loads(answer)
        at = next((place for place, line in enumerate(said) if line.startswith("error: ")), -1)
        why = "\n".join(said[at:]).removeprefix("error: ")
        if code == LATER or code in STOPPED:
            raise CanPass(why if code == LATER else f"exit code {code}: stopped from outside; {why}")
        raise Refused(f"exit code {code}: {MEANS.get(code, 'not one of lakehouse-nlp')}; {why}")

    def on_kill(self) -> None:
        """Tells the program to end: it cancels its Spark jobs, and writes down that the run was cancelled."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def _lines(self, process: subprocess.Popen[str]) -> Any:
        assert process.stderr
        for line in process.stderr:
            self.log.info("%s", line.rstrip())
            yield line
