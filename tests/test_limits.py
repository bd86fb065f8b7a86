"""Nobody asks or uploads faster than he may, over restarts and processes, and he is told how long to wait."""

import pytest

from sipd_core.deeds import COMMAND_LINE, CONSOLE, HTTP, Source
from sipd_core.errors import TooOftenError
from sipd_core.limits import Pace, PeopleLimits
from sipd_core.store.database import Database

AYU, BUDI = Source(CONSOLE, "10.0.0.1", "Ayu"), Source(CONSOLE, "10.0.0.1", "Budi")


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
    room.limits().message(Source(CONSOLE, "10.0.0.2", "Budi"))


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
        limits.message(Source(HTTP, "10.0.0.9", "bot"))
        limits.message(Source())
