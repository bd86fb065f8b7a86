"""What may be written into a row."""

from dataclasses import replace

import pytest

from sipd_core.documents import ImportReport
from sipd_core.errors import CaseError, NotFoundError
from sipd_core.knowledge.editing import MAX_CELL, checked
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from tests.builders import make_case, make_report

A, B = make_case("satu", row=2), make_case("dua", row=3)


def finish(report: ImportReport, _stored: Stored) -> ImportReport:
    return report


@pytest.fixture
def store(database: Database) -> CaseStore:
    made = CaseStore(database)
    made.add_import(make_report(), [A, B], finish=finish)
    return made


def test_an_edit_is_masked_and_known_under_its_new_words(store: CaseStore) -> None:
    edit = checked(store, replace(A, issue="satu, NIP 198001012005011001", remedy=" kata sandi: rahasia9 "))
    assert "198001012005011001" not in edit.case.issue
    assert "rahasia9" not in edit.case.remedy
    assert list(edit.redirects.values()) == [A.id]
    assert checked(store, replace(A, remedy="lain")).redirects == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"issue": " - "}, "changes.no_issue"),
        ({"remedy": "x" * (MAX_CELL + 1)}, "changes.too_long"),
        ({}, "changes.nothing"),
        ({"issue": " Dua "}, "changes.repeats"),
    ],
)
def test_what_cannot_be_is_refused_in_words(store: CaseStore, change: dict[str, str], reason: str) -> None:
    with pytest.raises(CaseError) as refused:
        checked(store, replace(A, **change))  # type: ignore[arg-type]
    assert refused.value.text_key == reason
    assert refused.value.user_text


def test_a_row_that_is_gone_cannot_be_edited(store: CaseStore) -> None:
    with pytest.raises(NotFoundError):
        checked(store, make_case("tidak ada"))
