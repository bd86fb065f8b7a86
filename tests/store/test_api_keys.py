"""Keys: shown once, kept as a hash, found only whole, dead from the moment they are revoked."""

import pytest
from sqlalchemy import select

from sipd_core.errors import NotFoundError
from sipd_core.privacy import mask
from sipd_core.scopes import Scope
from sipd_core.store.api_keys import ApiKeyStore
from sipd_core.store.database import Database
from sipd_core.store.schema import api_keys
from tests.clock import Clock

NOW = 1_795_323_600.0


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def store(database: Database, clock: Clock) -> ApiKeyStore:
    return ApiKeyStore(database, clock=clock)


def test_a_key_is_found_by_its_whole_secret_alone(store: ApiKeyStore) -> None:
    made, secret = store.add("bot WhatsApp", {Scope.CHAT, Scope.STATS}, days=30)
    other, _ = store.add("pemantau", {Scope.METRICS})
    found = store.find(secret)
    assert found is not None
    assert (found.id, found.name, found.scopes) == (made.id, "bot WhatsApp", {Scope.CHAT, Scope.STATS})
    assert found.expires_at is not None and found.expires_at.timestamp() == NOW + 30 * 86_400
    flipped = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for wrong in (
        "",
        "x",
        secret[:-1],
        secret + "A",
        flipped,
        secret.replace(made.id, other.id),
        f" {secret}",
        made.id,
    ):
        assert store.find(wrong) is None
    assert {key.id for key in store.list()} == {made.id, other.id} and store.count() == 2


def test_the_secret_is_nowhere_in_the_database(store: ApiKeyStore, database: Database) -> None:
    made, secret = store.add("bot", {Scope.CHAT})
    hidden = secret.removeprefix(f"sipd_{made.id}_")
    with database.read() as connection:
        row = connection.execute(select(api_keys)).one()
    assert hidden not in repr(tuple(row)) and hidden not in repr(made)
    assert len(hidden) == 43


def test_the_name_is_masked(store: ApiKeyStore) -> None:
    assert "198503152010011005" not in store.add("bot NIP 198503152010011005", {Scope.CHAT})[0].name


def test_a_use_is_noted_once_a_minute(store: ApiKeyStore, clock: Clock) -> None:
    made, secret = store.add("bot", {Scope.CHAT})
    assert made.used_at is None
    seen = []
    for seconds in (10.0, 59.0, 60.0):
        clock.now = NOW + seconds
        store.find(secret)
        used = store.get(made.id).used_at
        seen.append(used and used.timestamp() - NOW)
    assert seen == [10.0, 10.0, 10.0]
    clock.now = NOW + 70.0
    store.find(secret)
    used = store.get(made.id).used_at
    assert used is not None and used.timestamp() == NOW + 70.0


def test_revoking_is_at_once_and_keeps_its_first_moment(store: ApiKeyStore, database: Database, clock: Clock) -> None:
    made, secret = store.add("bot", {Scope.CHAT})
    clock.now += 5
    store.revoke(made.id)
    clock.now += 5
    revoked = store.revoke(made.id)
    assert revoked.revoked_at is not None and revoked.revoked_at.timestamp() == NOW + 5
    found = ApiKeyStore(database).find(secret)
    assert found is not None and found.revoked_at is not None
    with pytest.raises(NotFoundError):
        store.revoke("00000000")


def test_a_key_that_is_pasted_into_a_complaint_is_masked(store: ApiKeyStore) -> None:
    _, secret = store.add("bot", {Scope.CHAT})
    for said in (secret, f"pakai {secret} kok ditolak", f"kunci={secret}."):
        assert secret[14:] not in mask(said).text
