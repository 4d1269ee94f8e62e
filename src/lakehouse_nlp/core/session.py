"""The one place where a SparkSession is made, or taken from the platform that brings one."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lakehouse_nlp.core import sharing
from lakehouse_nlp.core.errors import UsageError
from lakehouse_nlp.core.hush import hush
from lakehouse_nlp.core.java import java_home
from lakehouse_nlp.core.packaged import archive, package_folder
from lakehouse_nlp.core.settings.models import Spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
SCALA = "2.12"
# What Spark NLP drags in for annotators with native back ends, and readers of office files, which no stage uses.
EXCLUDES = (
    "com.johnsnowlabs.nlp:tensorflow-cpu_2.12",
    "com.johnsnowlabs.nlp:jsl-llamacpp-cpu_2.12",
    "com.johnsnowlabs.nlp:jsl-openvino-cpu_2.12",
    "com.google.cloud:google-cloud-storage",
    "com.azure:azure-identity",
    "com.azure:azure-storage-blob",
    "org.apache.poi:poi-ooxml",
    "org.apache.poi:poi-scratchpad",
    "org.eclipse.angus:angus-mail",
    "jakarta.mail:jakarta.mail-api",
    "org.rocksdb:rocksdbjni",
    "com.github.universal-automata:liblevenshtein",
    "com.microsoft.onnxruntime:onnxruntime",
)
# Fixed, because the tables' contents depend on them.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",  # a merge that changes nothing moves its position too
}
OURS = "spark.lakehouse_nlp.started"
ANSWERS_WITHIN = 30.0  # seconds that a session may take to say that it is there
NEEDED = {
    "io.delta.tables.DeltaTable": "Delta Lake",
    "com.johnsnowlabs.nlp.DocumentAssembler": "Spark NLP",
}


def session(spark: Spark, app: str = "lakehouse-nlp") -> SparkSession:
    """The session that is there (Databricks, EMR, a notebook), or a new one by these settings; checked either way.

    Raises UsageError when Java, Spark, Scala, Python or a jar does not fit, and says what to change.
    """
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    hush("py4j", level=logging.CRITICAL)  # what it has to say comes as an exception too
    if _died():
        forget()
    if active := SparkSession.getActiveSession():
        return check(active)
    _environment(spark)
    conf, start = _configured(spark)
    builder = SparkSession.builder.appName(app)
    for key, value in conf.items():
        builder = builder.config(key, value)
    try:
        with start:
            started = check(builder.getOrCreate())
    except PySparkRuntimeError as error:
        raise UsageError(
            f"Java at {os.environ.get('JAVA_HOME', 'JAVA_HOME')} did not start: {error}",
            hint="its own words are above; lakehouse-nlp doctor says what this machine lacks",
        ) from error
    if "spark.jars.packages" in dict(started.sparkContext.getConf().getAll()):
        (ivy_home() / "complete").touch()
    return started


def _environment(spark: Spark) -> None:
    """What Java and the Python workers find in their environment, unless somebody has set it."""
    if "SPARK_CONF_DIR" not in os.environ and "PYSPARK_GATEWAY_PORT" not in os.environ:
        os.environ["JAVA_HOME"] = str(java_home())
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else the workers take the PATH's python3
    if _local(spark):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def _configured(spark: Spark) -> tuple[dict[str, str], contextlib.AbstractContextManager[None]]:
    """The session's configuration, and in what its Java is to be started."""
    asked = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in spark.conf.items()}
    conf = {**defaults(), **MEANING, **asked}
    if "PYSPARK_GATEWAY_PORT" in os.environ or not spark.master:  # spark-submit's own --master stands
        return conf, contextlib.nullcontext()
    conf["spark.master"] = spark.master
    shared = sharing.options(conf) if _local(spark) else {}
    return {**conf, **shared}, sharing.apart() if shared else contextlib.nullcontext()


def _local(spark: Spark) -> bool:
    return (spark.master or "").startswith("local")


def alive(spark: SparkSession, within: float = ANSWERS_WITHIN) -> bool:
    """Whether the session's Java process still answers; one that does not within so many seconds does not."""
    answers: list[bool] = []

    def ask() -> None:
        with contextlib.suppress(Exception):  # whatever py4j raises, it is no answer
            answers.append(not spark.sparkContext._jsc.sc().isStopped())

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(within)
    return answers == [True]


def cancel(spark: SparkSession, group: str) -> None:
    """Ends the jobs that go on: all of them in a session of ours, those of the group in one that others share."""
    with contextlib.suppress(Exception):  # a session that is gone has no jobs
        context = spark.sparkContext
        if spark.conf.get(OURS, "") == "true":
            context.cancelAllJobs()
        else:
            context.cancelJobGroup(group)


def group(spark: SparkSession, name: str, description: str) -> None:
    """Puts the jobs that this thread begins from now on under a name, for `cancel`, and for people under a line."""
    spark.sparkContext.setJobGroup(name, description)


def reconnect(spark: SparkSession) -> None:
    """Lets go of this thread's line to Java after an exception broke a question off: the next would get its answer."""
    client = getattr(spark.sparkContext._gateway, "_gateway_client", None)
    if line := getattr(client, "get_thread_connection", lambda: None)():
        line.close()


def _died() -> bool:
    """Whether the Java process of a session of this process has ended."""
    from pyspark import SparkContext

    java = getattr(SparkContext._gateway, "proc", None)
    return java is not None and java.poll() is not None


def forget() -> bool:
    """Lets go of a session that is lost, and of its Java process if that hangs, so that the next session is a new one.

    False where the process is the platform's: then it brings none again.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    java = getattr(SparkContext._gateway, "proc", None)
    if java is None:
        return False
    java.kill()
    java.wait()
    with contextlib.suppress(Exception):
        SparkContext._gateway.shutdown()  # type: ignore[union-attr]
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None
    return True


def beside(job: Callable[[], T]) -> Future[T]:
    """Runs a job in a thread of its own, whose Spark jobs are of this thread's group; its answer, or its error, is the
    future's.
    """
    from pyspark import inheritable_thread_target

    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(job())
        except BaseException as error:  # it is the one who asks that has to know
            answer.set_exception(error)

    threading.Thread(target=inheritable_thread_target(work), daemon=True).start()
    return answer


def wake(spark: SparkSession) -> Future[object]:
    """Starts the parent of the Python workers, whose imports take seconds, beside what is done next."""
    return beside(spark.range(1, numPartitions=1).mapInArrow(lambda batches: batches, "id bigint").collect)


def stop(spark: SparkSession) -> None:
    """Ends a session that was started here; one that a platform brought goes on."""
    if not alive(spark):
        forget()
    elif spark.conf.get(OURS, "") == "true":
        spark.stop()


def defaults() -> dict[str, str]:
    """Spark's configuration for Delta, Spark NLP and our workers; also what `doctor --fix` writes for spark-submit."""
    logging_as = package_folder() / "core/log4j2.properties"
    return {
        **_jars(),
        **_shipped(),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.showConsoleProgress": "false",
        OURS: "true",
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        # Rows of one partition are written as they come; by default, and with 1, they are all sorted by it before.
        "spark.sql.maxConcurrentOutputFileWriters": "2",
        # Probabilities hardly repeat: dictionaries of them are built for nothing, a fifth of the time of a write.
        "spark.hadoop.parquet.enable.dictionary#probability": "false",
        "spark.hadoop.parquet.enable.dictionary#probabilities.key_value.value": "false",
        "spark.python.daemon.module": "lakehouse_nlp.core.daemon",
        # However many threads one process takes to predict: of workers there is one for each core.
        "spark.executorEnv.LAKEHOUSE_NLP_MODEL_THREADS": "1",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{logging_as}",
    }


def coordinates() -> tuple[str, ...]:
    """Maven coordinates of the jars, of the very versions of the Python packages beside them."""
    return (
        f"io.delta:delta-spark_{SCALA}:{version('delta-spark')}",
        f"com.johnsnowlabs.nlp:spark-nlp_{SCALA}:{version('spark-nlp')}",
    )


def ivy_home() -> Path:
    """Where the jars are kept: one folder for each set of coordinates, in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "lakehouse-nlp" / hashlib.sha256(repr((coordinates(), EXCLUDES)).encode()).hexdigest()[:12]


def _jars() -> dict[str, str]:
    """Jars fetched before are named by path: no resolver at every start, and no network."""
    home = ivy_home()
    if (home / "complete").exists():
        return {"spark.jars": ",".join(str(jar) for jar in sorted((home / "jars").glob("*.jar")))}
    home.mkdir(parents=True, exist_ok=True)
    return {
        "spark.jars.packages": ",".join(coordinates()),
        "spark.jars.excludes": ",".join(EXCLUDES),
        "spark.jars.ivy": str(home),
        "spark.jars.ivySettings": str(package_folder() / "core/ivysettings.xml"),
    }


def _shipped() -> dict[str, str]:
    """Where executors find a package that spark-submit ships: in their working folder, by its file's name.

    Spark tells a worker of `--py-files` when it has started; our daemon has to be imported before.
    """
    wheel = archive()
    return {"spark.executorEnv.PYTHONPATH": wheel.name} if wheel else {}


def check(spark: SparkSession) -> SparkSession:
    """The session itself, if its versions and jars are those this package is built for; else UsageError."""
    if not spark.version.startswith("3.5."):
        raise UsageError(
            f"Spark {spark.version} runs here; this package is built for 3.5",
            hint="use Databricks 16.4 LTS, EMR 7.x or pip install 'pyspark>=3.5.3,<3.6'",
        )
    jvm: Any = spark.sparkContext._jvm
    scala = jvm.scala.util.Properties.versionNumberString()
    if not scala.startswith(SCALA):
        raise UsageError(
            f"this Spark is built with Scala {scala}; the jars are for {SCALA}",
            hint=f"take a Spark 3.5 for Scala {SCALA}",
        )
    missing = [what for name, what in NEEDED.items() if not _on_classpath(spark, name)]
    if missing:
        raise UsageError(
            f"the session has no {' and no '.join(missing)} on its class path",
            hint="lakehouse-nlp doctor --fix, or add --packages " + ",".join(coordinates()),
        )
    for key, value in MEANING.items():
        spark.conf.set(key, value)
    return spark


def _on_classpath(spark: SparkSession, name: str) -> bool:
    from py4j.protocol import Py4JJavaError

    jvm: Any = spark.sparkContext._jvm
    try:
        jvm.java.lang.Class.forName(name, False, jvm.java.lang.Thread.currentThread().getContextClassLoader())
    except Py4JJavaError:
        return False
    return True
