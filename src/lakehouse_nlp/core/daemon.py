"""The parent of Spark's Python workers: imports the heavy libraries once, then forks.

`import mlflow` and `import xgboost` cost seconds of CPU; without this every worker pays them with its first batch.
Named by `spark.python.daemon.module`.
"""

from __future__ import annotations

import contextlib
import importlib

PRELOAD = ("lakehouse_nlp.model.pyfunc", "pandas", "pyarrow.compute", "scipy.sparse", "xgboost", "mlflow.pyfunc")

if __name__ == "__main__":
    for module in PRELOAD:
        # A worker that never scores can do without any of them; the one that needs it will say so by name.
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    from pyspark import daemon

    daemon.manager()  # type: ignore[no-untyped-call]
