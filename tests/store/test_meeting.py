"""Whose word counts when a file's row meets the row that is there."""

from dataclasses import replace

import pytest

from sipd_core.store.meeting import Known, Meeting, meet
from tests.builders import make_case

FILE = make_case()
EDITED = replace(FILE, remedy="Ditulis admin")
NEWER = replace(FILE, status="DONE", remedy="Solusi dari berkas baru")


def test_a_row_nobody_knows_is_new() -> None:
    assert meet(FILE, Known(None, None, decided=False)) == (Meeting.NEW, FILE)


@pytest.mark.parametrize("known", [Known(None, FILE, decided=True), Known(None, None, decided=True)])
def test_a_row_that_a_person_took_away_stays_away(known: Known) -> None:
    assert meet(NEWER, known) == (Meeting.KEPT, None)


def test_the_same_again_changes_nothing() -> None:
    assert meet(FILE, Known(FILE, FILE, decided=False)) == (Meeting.UNCHANGED, FILE)


def test_a_newer_file_replaces_what_only_files_said() -> None:
    assert meet(NEWER, Known(FILE, FILE, decided=False)) == (Meeting.CHANGED, NEWER)


def test_an_edit_stands_against_the_file_it_was_made_on() -> None:
    assert meet(FILE, Known(EDITED, FILE, decided=True)) == (Meeting.KEPT, EDITED)


def test_an_edit_stands_field_by_field_against_a_newer_file() -> None:
    meeting, state = meet(NEWER, Known(EDITED, FILE, decided=True))
    assert (meeting, state) == (Meeting.CHANGED, replace(EDITED, status="DONE"))


def test_a_disabled_row_stays_disabled() -> None:
    off = replace(FILE, enabled=False)
    assert meet(FILE, Known(off, FILE, decided=True)) == (Meeting.KEPT, off)
    assert meet(NEWER, Known(off, FILE, decided=True))[1] == replace(NEWER, enabled=False)


def test_a_merged_row_says_nothing_of_its_survivor() -> None:
    assert meet(NEWER, Known(EDITED, FILE, decided=True), merged=True) == (Meeting.KEPT, EDITED)
