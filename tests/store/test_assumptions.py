"""Assumptions: guesses until somebody saves them, every version kept, refused with a sentence that helps."""

import itertools
from dataclasses import asdict, replace
from decimal import Decimal

import pytest

from sipd_core.errors import AssumptionError
from sipd_core.store.assumptions import LIMITS, Assumptions, AssumptionStore
from sipd_core.store.database import Database


@pytest.fixture
def store(database: Database) -> AssumptionStore:
    ticks = itertools.count(1_700_000_000)
    return AssumptionStore(database, clock=lambda: float(next(ticks)))


def values(**changes: Decimal | None) -> dict[str, Decimal | None]:
    return {**asdict(Assumptions()), **changes}


def test_until_somebody_saves_them_they_are_guesses(store: AssumptionStore) -> None:
    assert store.current() is None
    assert store.in_force() == Assumptions()
    assert Assumptions.of(values()) == Assumptions(), "the guesses themselves are allowed"
    assert set(LIMITS) == set(values())


def test_the_last_version_is_in_force_and_all_are_kept(store: AssumptionStore) -> None:
    first = store.save(Assumptions(), actor="Bu Rina", note="disetujui rapat", based_on=None)
    second = store.save(replace(Assumptions(), quiet_hours=Decimal("12.5")), actor="Pak Budi", based_on=first.seq)
    assert store.current() == second
    assert store.quiet().total_seconds() == 12.5 * 3_600
    assert store.history() == (second, first)
    assert (first.actor, first.note, first.at < second.at) == ("Bu Rina", "disetujui rapat", True)


def test_values_come_back_to_the_last_digit(store: AssumptionStore) -> None:
    exact = replace(Assumptions(), wage_per_hour=Decimal("34567.89"), minutes_by_hand=Decimal("0.1") + 7)
    store.save(exact, actor="a", based_on=None)
    assert store.in_force() == exact


def test_going_back_is_a_version_too(store: AssumptionStore) -> None:
    first = store.save(Assumptions(), actor="a", based_on=None)
    second = store.save(replace(Assumptions(), users_per_day=Decimal(9)), actor="b", based_on=first.seq)
    back = store.go_back(first.seq, actor="c")
    assert (back.seq, back.is_back, back.assumptions) == (3, True, Assumptions())
    assert store.history() == (back, second, first)
    with pytest.raises(AssumptionError):
        store.go_back(99, actor="c")


def test_nobody_overwrites_what_he_has_not_seen(store: AssumptionStore) -> None:
    first = store.save(Assumptions(), actor="a", based_on=None)
    for seen in (None, 7):
        with pytest.raises(AssumptionError) as caught:
            store.save(Assumptions(), actor="b", based_on=seen)
        assert "Muat ulang" in caught.value.user_text
    assert store.history() == (first,)


def test_a_note_is_masked(store: AssumptionStore) -> None:
    saved = store.save(Assumptions(), actor="a", note="kata NIP 198501012010011001\n setuju", based_on=None)
    assert "1985" not in saved.note and "\n" not in saved.note
    assert store.current() == saved


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("minutes_by_hand", Decimal(0), "Menit per kasus secara manual harus antara 1 dan 1.440"),
        ("wage_per_hour", Decimal(-1), "antara Rp 0 dan Rp 1.000.000.000.000"),
        ("investment", Decimal(10) ** 13, "Rp 1.000.000.000.000"),
        ("quiet_hours", Decimal(721), "antara 1 dan 720"),
        ("users_per_day", None, "antara 1 dan 1.000.000"),
        ("cost_per_ticket", Decimal("nan"), "antara"),
    ],
)
def test_what_cannot_be_is_refused_in_words(name: str, value: Decimal | None, said: str) -> None:
    with pytest.raises(AssumptionError) as caught:
        Assumptions.of(values(**{name: value}))
    assert said in caught.value.user_text


def test_the_console_is_not_slower_than_the_hand() -> None:
    with pytest.raises(AssumptionError) as caught:
        Assumptions.of(values(minutes_with_console=Decimal(21)))
    assert "lebih lama" in caught.value.user_text
