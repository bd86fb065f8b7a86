"""The door: which key opens what, and that each refusal says what to do."""

from datetime import UTC, datetime

import pytest

from sipd_core.access import Access
from sipd_core.errors import KeyRefusedError, RateExceededError, ScopeError
from sipd_core.scopes import Scope
from sipd_core.store.database import Database
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 25, tzinfo=UTC).timestamp())


@pytest.fixture
def access(database: Database, clock: Clock) -> Access:
    return Access(database, chat_limit=2, read_limit=3, clock=clock)


@pytest.mark.parametrize("held", [*Scope])
def test_a_key_opens_its_scope_and_what_needs_none(access: Access, held: Scope) -> None:
    _, secret = access.keys.add("bot", {held})
    for wanted in (None, *Scope):
        if wanted in (None, held):
            assert access.enter(secret, wanted).key.name == "bot"
        else:
            with pytest.raises(ScopeError) as refused:
                access.enter(secret, wanted)
            assert f"tidak mencakup {wanted}" in refused.value.user_text


def test_without_any_key_the_refusal_says_how_to_make_one(access: Access) -> None:
    with pytest.raises(KeyRefusedError) as refused:
        access.enter(None, Scope.CHAT)
    assert "python -m sipd_core keys add" in refused.value.user_text
    access.keys.add("bot", {Scope.CHAT})
    for absent in (None, ""):
        with pytest.raises(KeyRefusedError) as refused:
            access.enter(absent, Scope.CHAT)
        assert "Authorization: Bearer" in refused.value.user_text


def test_unknown_revoked_and_expired_keys_are_told_apart(access: Access, clock: Clock) -> None:
    short, expiring = access.keys.add("sebentar", {Scope.CHAT}, days=1)
    gone, revoked = access.keys.add("lama", {Scope.CHAT})
    access.keys.revoke(gone.id)
    access.enter(expiring, Scope.CHAT)
    clock.now += 86_400
    for secret, said in ((expiring, "habis"), (revoked, "dicabut"), (expiring + "x", "tidak dikenal")):
        with pytest.raises(KeyRefusedError) as refused:
            access.enter(secret, Scope.CHAT)
        assert said in refused.value.user_text
        assert secret not in f"{refused.value} {refused.value!r} {refused.value.user_text}"
    assert short.id != gone.id


def test_questions_and_reading_are_counted_apart_and_for_each_key(access: Access) -> None:
    _, mine = access.keys.add("satu", {Scope.CHAT, Scope.STATS, Scope.METRICS})
    _, other = access.keys.add("dua", {Scope.CHAT})
    assert [access.enter(mine, Scope.CHAT).allowance.remaining for _ in range(2)] == [1, 0]
    with pytest.raises(RateExceededError) as refused:
        access.enter(mine, Scope.CHAT)
    assert refused.value.retry_after == pytest.approx(30, abs=0.01) and refused.value.allowed == 2
    assert "2 per menit" in refused.value.user_text and "30 detik" in refused.value.user_text
    for scope in (Scope.STATS, Scope.METRICS, None):
        access.enter(mine, scope)
    with pytest.raises(RateExceededError):
        access.enter(mine, Scope.STATS)
    access.enter(other, Scope.CHAT)


def test_a_refused_key_spends_nothing(access: Access) -> None:
    _, secret = access.keys.add("bot", {Scope.CHAT})
    for _ in range(5):
        with pytest.raises(ScopeError):
            access.enter(secret, Scope.STATS)
    assert access.enter(secret, None).allowance.remaining == 2
