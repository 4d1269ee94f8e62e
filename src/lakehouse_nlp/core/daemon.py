"""The parent of Spark's Python workers: imports the heavy libraries once, then forks.

`import mlflow` and `import xgboost` cost seconds of CPU, and MLflow looks through all installed packages when it first
loads a model; without this every worker pays that with its first batch. Named by `spark.python.daemon.module`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import zipimport

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


def settle() -> None:
    """Lets workers take for granted what is here when they are forked.

    Each task begins with `importlib.invalidate_caches`, which reads the names in PySpark's zip anew for each of its
    packages, and ends with `gc.collect`, which goes through every object of the libraries, and so makes a copy of the
    pages that workers share (gc.freeze). Together they take 0.2 s a task.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimport.zipimporter):
            del sys.path_importer_cache[path]  # found again, where something is yet to be imported from it
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    forget_jars()
    preload()
    from pyspark import daemon

    settle()
    daemon.manager()  # type: ignore[no-untyped-call]
