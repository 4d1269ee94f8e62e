from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse_nlp.core.errors import DataError, UsageError
from lakehouse_nlp.core.settings.learning import Lookup
from lakehouse_nlp.gold.lookups import lookups_hash, read_lookup, read_tables

pytestmark = pytest.mark.unit

STACKED = """\
type_id,description
1, Emergency
2,NULL
,
source_id,description
7,"Expired at home, hospice."
8

"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ids.csv"
    path.write_text(STACKED, encoding="utf-8-sig")
    return path


def test_tables_one_below_the_other_are_told_apart_by_their_headers(file: Path) -> None:
    assert read_tables(file) == {
        "type_id": {"1": "Emergency", "2": "NULL"},
        "source_id": {"7": "Expired at home, hospice."},
    }


def test_a_lookup_is_one_table_without_its_nulls(file: Path) -> None:
    assert read_lookup(Lookup(file=file.name, by="type_id"), file.parent) == {"1": "Emergency"}
    all_of_it = read_lookup(Lookup(file=file.name, by="type_id", nulls=()), file.parent)
    assert all_of_it == {"1": "Emergency", "2": "NULL"}


def test_the_hash_changes_with_what_is_read(file: Path) -> None:
    lookups = {"type": Lookup(file=file.name, by="type_id")}
    before = lookups_hash(lookups, file.parent)
    file.write_text(STACKED.replace("Expired", "Died"), encoding="utf-8")
    assert lookups_hash(lookups, file.parent) == before  # another table of the file
    file.write_text(STACKED.replace("Emergency", "Urgent"), encoding="utf-8")
    assert lookups_hash(lookups, file.parent) != before


def test_what_is_not_there_is_told(file: Path) -> None:
    with pytest.raises(UsageError, match=r"none.csv cannot be read: No such file") as missing:
        read_lookup(Lookup(file="none.csv", by="type_id"), file.parent)
    assert missing.value.hint == "put the file there, or mend `file`"
    with pytest.raises(UsageError, match="no table headed 'typ'; there are type_id, source_id"):
        read_lookup(Lookup(file=file.name, by="typ"), file.parent)
    with pytest.raises(DataError, match=r"the table 'type_id' of .* has 0 rows; 1 to 10,000 make a lookup"):
        read_lookup(Lookup(file=file.name, by="type_id", nulls=("NULL", "Emergency")), file.parent)
