"""The parent of Spark's Python workers: imports the heavy libraries once, then forks.

`import mlflow` and `import xgboost` cost seconds of CPU, and MLflow looks through all installed packages when it first
loads a model; without this every worker pays that with its first batch. Named by `spark.python.daemon.module`.
"""

from __future__ import annotations

import contextlib
import importlib
import sys

PRELOAD = (
    "lakehouse_nlp.model.pyfunc", "pandas", "pyarrow.compute", "scipy.sparse", "xgboost", "mlflow.pyfunc",
    "mlflow.pyfunc.scoring_server.client",
)  # fmt: skip


def preload() -> None:
    """Imports what a worker that scores needs, and lets MLflow look at the packages, which it then remembers.

    A worker that never scores can do without any of it; one that does will say by name what it lacks.
    """
    for module in PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    with contextlib.suppress(ImportError, AttributeError):
        from mlflow.utils import requirements_utils

        # MLflow's own, and not to be counted on: without it workers are slower, not wrong.
        requirements_utils._init_modules_to_packages_map()  # type: ignore[no-untyped-call]


def forget_jars() -> None:
    """Takes Spark's own jar from the path that Python imports from: it holds no Python, and each task would read its
    thousands of names anew, for a quarter of a second.
    """
    for jar in [entry for entry in sys.path if entry.endswith(".jar")]:
        sys.path.remove(jar)
        sys.path_importer_cache.pop(jar, None)


if __name__ == "__main__":
    forget_jars()
    preload()
    from pyspark import daemon

    daemon.manager()  # type: ignore[no-untyped-call]
