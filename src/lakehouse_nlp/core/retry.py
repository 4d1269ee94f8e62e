"""Which faults can pass, and how often a step is tried until they have."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.core.errors import LakehouseError, PassingError, TimedOutError

if TYPE_CHECKING:
    from tenacity import Retrying

# Of the system's: the line, the other side or the disk's controller. A full disk or a missing right needs somebody.
ERRNOS = frozenset(
    {
        errno.EIO, errno.EAGAIN, errno.EBUSY, errno.ESTALE, errno.ETIMEDOUT, errno.EPIPE, errno.ECONNRESET,
        errno.ECONNREFUSED, errno.ECONNABORTED, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOTCONN,
    }
)  # fmt: skip
# By name, so that asking imports none of these libraries. A class counts with all that are made of it.
CLASSES = frozenset(
    {
        "builtins.ConnectionError", "builtins.TimeoutError", "socket.gaierror",
        "requests.exceptions.ConnectionError", "requests.exceptions.Timeout", "urllib3.exceptions.HTTPError",
        "sqlalchemy.exc.OperationalError", "duckdb.IOException", "_duckdb.IOException",
        "deltalake.exceptions.CommitFailedError", "_internal.CommitFailedError",
        "py4j.protocol.Py4JNetworkError",
    }
)  # fmt: skip
# MLflow's own, by its error codes; without one it says what its client met.
MLFLOW_CODES = frozenset({"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED", "ABORTED"})
MLFLOW_SAYS = re.compile(r"API request to .* failed with (exception|timeout exception|error code (429|50[0234]))", re.S)
# What Spark and Delta throw, by the names in the Java stack trace.
JAVA = re.compile(
    r"delta\.(exceptions\.|\w+\.)*(Delta)?(Concurrent\w*|MetadataChanged|ProtocolChanged|CommitFailed)Exception"
    r"|java\.net\.\w*(Socket|Connect|Timeout|UnknownHost|NoRoute)\w*Exception"
    r"|shuffle\.(Metadata)?FetchFailedException|ExecutorLostFailure"
    r"|java\.io\.IOException: (Input/output error|Connection reset|Stale file handle|Broken pipe)"
)


def can_pass(error: BaseException, *, timeouts: bool = False) -> bool:
    """Whether the same step may succeed by being tried again. What is raised on purpose passes only where it says so;
    `timeouts`: whether a step that ran out of time counts.
    """
    if isinstance(error, TimedOutError):
        return timeouts
    if isinstance(error, LakehouseError):
        return error.passes
    if not isinstance(error, Exception):  # Ctrl-C and the like
        return False
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if names & CLASSES or (isinstance(error, OSError) and error.errno in ERRNOS):
        return True
    if "mlflow.exceptions.MlflowException" in names:
        return getattr(error, "error_code", "") in MLFLOW_CODES or bool(MLFLOW_SAYS.search(str(error)))
    spark = any(name.startswith(("py4j.", "pyspark.errors.", "delta.exceptions.")) for name in names)
    return spark and bool(JAVA.search(f"{' '.join(names)} {error}"))


def passing(ctx: Context, error: BaseException, attempt: int | None) -> PassingError | None:
    """What asks for the next try, where an orchestrator makes them; None where none is left, or the fault will stay.

    `attempt`: the number of the try that ended by the error, the first being 1; None: tries are made here.
    """
    asked = ctx.settings.runs.retries
    if attempt is None or attempt >= asked.tries or not can_pass(error, timeouts=asked.timeouts):
        return None
    says = getattr(error, "message", None) or str(error) or type(error).__name__
    return PassingError(f"{says}\n  this can pass: try {attempt} of {asked.tries}", hint=f"--attempt {attempt + 1}")


def retrying(ctx: Context, what: str, attempt: int | None = None) -> Retrying:
    """Tries by the project's settings, by tenacity, each a context manager; the last fault is raised as it was.

    Says why and when the next try comes, and waits by the context's own sleep. One try only, where an orchestrator
    makes them: `attempt` is its number.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
    from tenacity.wait import wait_exponential, wait_random

    asked = ctx.settings.runs.retries

    def say(state: RetryCallState) -> None:
        error, wait = state.outcome and state.outcome.exception(), state.next_action and state.next_action.sleep
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        ctx.say(f"{what}: {first}; try {state.attempt_number + 1} of {asked.tries} in {wait or 0:.0f} s")

    return Retrying(
        stop=stop_after_attempt(1 if attempt else asked.tries),
        wait=wait_exponential(multiplier=asked.wait_seconds, exp_base=asked.backoff)
        + wait_random(0, asked.jitter_seconds),
        retry=retry_if_exception(lambda error: can_pass(error, timeouts=asked.timeouts)),
        before_sleep=say,
        sleep=ctx.sleep,
        reraise=True,
    )
