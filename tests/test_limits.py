"""Nobody asks or uploads faster than he may, over restarts and processes, and he is told how long to wait."""

from dataclasses import replace

import pytest

from sipd_core.deeds import COMMAND_LINE, CONSOLE, HTTP, Source
from sipd_core.errors import TooOftenError
from sipd_core.limits import Pace, PeopleLimits
from sipd_core.store.database import Database

AYU, BUDI = Source(CONSOLE, "10.0.0.1", "Ayu", "a1"), Source(CONSOLE, "10.0.0.1", "Budi", "b1")


class Room:
    def __init__(self, database: Database) -> None:
        self.now = 1_795_323_600.0
        self.database = database

    def limits(self, person: int = 2, address: int = 3) -> PeopleLimits:
        """As a new process makes them."""
        pace = Pace(person, address)
        return PeopleLimits(self.database, messages=pace, uploads=pace, clock=lambda: self.now)


def test_a_person_waits_as_long_as_he_is_told(database: Database) -> None:
    room = Room(database)
    room.limits().message(AYU)
    room.limits().message(AYU)
    with pytest.raises(TooOftenError) as caught:
        room.limits().message(AYU)
    assert "2 pesan per menit" in caught.value.user_text and "Tunggu 30 detik" in caught.value.user_text
    room.now += 29
    with pytest.raises(TooOftenError):
        room.limits().message(AYU)
    room.now += 1.1
    room.limits().message(AYU)


def test_an_address_has_a_limit_of_its_own_and_a_refusal_counts_nowhere(database: Database) -> None:
    room = Room(database)
    room.limits().message(AYU)
    room.limits().message(AYU)
    with pytest.raises(TooOftenError):
        room.limits().message(AYU)
    room.limits().message(BUDI)  # the third from the address: Ayu's refusal took nothing from it
    with pytest.raises(TooOftenError) as caught:
        room.limits().message(BUDI)
    assert "jaringan" in caught.value.user_text
    room.limits().message(replace(BUDI, address="10.0.0.2"))


def test_a_person_is_his_account_whatever_he_is_called(database: Database) -> None:
    limits = Room(database).limits(2, 100)
    limits.message(AYU)
    limits.message(replace(AYU, actor="Ayu Lestari", address="10.0.0.7"))
    with pytest.raises(TooOftenError) as caught:
        limits.message(replace(AYU, actor="Nama Baru", address="10.0.0.8"))
    assert "jaringan" not in caught.value.user_text
    namesake = Source(CONSOLE, "10.0.0.9", "Ayu", "a2")
    limits.message(namesake)
    limits.message(namesake)


def test_where_nobody_signs_in_a_person_is_his_address_or_who_sits_at_the_console(database: Database) -> None:
    limits = Room(database).limits(1, 100)
    here, there = Source(CONSOLE, "", "Pengguna lokal"), Source(CONSOLE, "10.0.0.3", "Pengguna lokal")
    for one in (here, there, replace(there, address="10.0.0.4")):
        limits.message(one)
        with pytest.raises(TooOftenError):
            limits.message(one)


def test_uploads_are_counted_by_the_hour_and_apart(database: Database) -> None:
    room = Room(database)
    for _ in range(2):
        room.limits().upload(AYU)
    room.limits().message(AYU)
    with pytest.raises(TooOftenError) as caught:
        room.limits().upload(AYU)
    assert "1.800 detik" in caught.value.user_text
    room.now += 1_801
    room.limits().upload(AYU)


def test_programs_and_the_command_line_have_doors_of_their_own(database: Database) -> None:
    limits = Room(database).limits(1, 1)
    for _ in range(5):
        limits.message(Source(COMMAND_LINE, "", "baris perintah"))
        limits.message(Source(HTTP, "10.0.0.9", "bot", "k1"))
        limits.message(Source())
