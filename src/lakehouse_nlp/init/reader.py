"""A data file as a DuckDB table of text: a sample of its rows, read the way ingest will read them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from itertools import chain
from typing import IO, TYPE_CHECKING, NamedTuple

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.init.files import DataFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE_ROWS = 50_000
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 26
_CONVERT = "convert it: iconv -f latin1 -t utf-8 FILE"


class _Source(NamedTuple):
    """A FROM clause; its columns as DuckDB calls them, as the file does, and of which types."""

    clause: str
    columns: list[str]
    names: list[str]
    types: list[str]


def verify(file: DataFile) -> None:
    """Reads the file through once.

    Raises:
        DataError: it is empty, its gzip is broken or cut off, or its text is not UTF-8.

    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, filled = 0, False
    try:
        with opened(file) as stream:
            while chunk := stream.read(_CHUNK):
                if file.format != "parquet":
                    decoder.decode(chunk)
                size, filled = size + len(chunk), filled or not chunk.isspace()
        decoder.decode(b"", final=True)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"cannot be unpacked: {file.path}: {error}", hint=f"gzip -t {file.path}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8: {file.path}, byte {size + error.start:,}: {error.reason}", hint=_CONVERT
        ) from error
    except OSError as error:
        raise DataError(f"cannot be read: {file.path}: {error.strerror or error}", hint=f"ls -l {file.path}") from error
    if not filled:
        raise DataError(f"empty file: {file.path}", hint="give a file with rows")


def sample(file: DataFile, rows: int = SAMPLE_ROWS) -> tuple[DuckDBPyConnection, list[str], list[str]]:
    """A connection with the table `sample`, whose columns c0, c1, … are text; the columns' names; and their types,
    which are VARCHAR but for Parquet.

    The rows are drawn from the whole file, always the same ones: files are often sorted.

    Raises:
        DataError: the file is not what its name says, or names a column twice.

    """
    import duckdb

    connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    try:
        source = _source(connection, file)
        columns = ", ".join(f"cast({_quoted(name)} as varchar) as c{i}" for i, name in enumerate(source.columns))
        if columns:
            drawn = f"select {columns} from {source.clause} using sample reservoir({rows} rows) repeatable (0)"
            connection.execute(f"create table sample as {drawn}")
    except duckdb.Error as error:
        what = str(error).splitlines()[0]
        raise DataError(
            f"cannot be read as {file.format}: {file.path}: {what}", hint="check the file's format"
        ) from error
    return connection, source.names, source.types


def opened(file: DataFile) -> IO[bytes]:
    """The file's bytes, unpacked."""
    return gzip.open(file.path, "rb") if file.packed else file.path.open("rb")  # type: ignore[return-value]


def _source(connection: DuckDBPyConnection, file: DataFile) -> _Source:
    if file.format in ("csv", "tsv"):
        return _delimited(file)
    return _parquet(connection, file) if file.format == "parquet" else _json(connection, file)


def _parquet(connection: DuckDBPyConnection, file: DataFile) -> _Source:
    clause = f"read_parquet({_literal(str(file.path))})"
    described = connection.execute(f"describe select * from {clause}").fetchall()
    names = [str(row[0]) for row in described]
    return _Source(clause, names, names, [str(row[1]) for row in described])


def _delimited(file: DataFile) -> _Source:
    with io.TextIOWrapper(opened(file), encoding="utf-8-sig", newline="") as lines:
        head = next(lines, "")
        # As ingest tells it: the candidate that splits the header best.
        mark = "\t" if file.format == "tsv" else max(",;\t|", key=lambda mark: (head.count(mark), mark == ","))
        names = next(csv.reader(chain([head], lines), delimiter=mark), [])
    twice = [name for name in names if name.strip() and names.count(name) > 1]
    if twice:
        raise DataError(f"two columns are called {twice[0]!r}: {file.path}", hint="rename one in the header")
    columns = [f"c{i}" for i in range(len(names))]
    form = f"delim = {_literal(mark)}, quote = '\"', escape = '\"', max_line_size = {_LONGEST_LINE}"
    clause = _reading("read_csv", file, f"header = true, auto_detect = false, ignore_errors = true, {form}", columns)
    return _Source(clause, columns, names, ["VARCHAR"] * len(names))


def _json(connection: DuckDBPyConnection, file: DataFile) -> _Source:
    lines = file.format == "jsonl" or _is_json_lines(file)
    shape = "format = 'newline_delimited', ignore_errors = true" if lines else "format = 'array'"
    options = f"{shape}, records = true, maximum_object_size = {_LONGEST_LINE}"
    path = _literal(str(file.path))
    looked = f"describe select * from read_json({path}, {options}, sample_size = -1, maximum_depth = 1)"
    names = [str(row[0]) for row in connection.execute(looked).fetchall()]
    return _Source(_reading("read_json", file, options, names), names, names, ["VARCHAR"] * len(names))


def _reading(function: str, file: DataFile, options: str, columns: list[str]) -> str:
    """A call that reads every column as text."""
    typed = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in columns)
    return f"{function}({_literal(str(file.path))}, {options}, columns = {{{typed}}})"


def _is_json_lines(file: DataFile) -> bool:
    """Of `.json`, which may be either: whether its first line is a whole object."""
    with opened(file) as lines:
        first = next((line for line in lines if line.strip()), b"")
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
