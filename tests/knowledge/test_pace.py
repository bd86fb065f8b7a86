"""The measured rate of a model: from enough texts, durable, and a first impression only until there is one."""

import pytest

from sipd_core.knowledge.pace import Pace
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database


@pytest.fixture
def cases(database: Database) -> CaseStore:
    return CaseStore(database)


def test_nothing_is_known_at_first(cases: CaseStore) -> None:
    assert Pace(cases).texts_per_second("kata/64") is None


def test_small_rounds_are_added_up(cases: CaseStore) -> None:
    pace = Pace(cases)
    pace.note("kata/64", 8, 1.0)
    assert pace.texts_per_second("kata/64") is None
    pace.note("kata/64", 12, 1.0)
    assert pace.texts_per_second("kata/64") == 10.0


def test_a_rate_outlives_the_process_and_follows_the_newest(cases: CaseStore) -> None:
    Pace(cases).note("kata/64", 100, 10.0)
    later = Pace(cases)
    assert later.texts_per_second("kata/64") == 10.0
    later.note("kata/64", 200, 10.0)
    assert later.texts_per_second("kata/64") == 15.0
    assert later.texts_per_second("huruf/32") is None


def test_a_first_impression_never_replaces_a_measurement(cases: CaseStore) -> None:
    pace = Pace(cases)
    pace.suppose("kata/64", 3.0)
    pace.suppose("kata/64", 99.0)
    assert pace.texts_per_second("kata/64") == 3.0
