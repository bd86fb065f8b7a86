"""The door for people: passwords, sessions, links, throttling. Both databases, the real argon2."""

import threading
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from sipd_core.account import OwnAccount
from sipd_core.deeds import DeedOutcome
from sipd_core.errors import PeopleError, SignedOutError, SignInError
from sipd_core.passwords import Passwords
from sipd_core.people import People
from sipd_core.permissions import How, Permission, Role
from sipd_core.sign_in import SignIn, SignInStores, Vouched
from sipd_core.store.audit import AuditEntry, AuditLog
from sipd_core.store.database import Database
from sipd_core.store.people import unfit
from sipd_core.store.sign_in_failures import FIRST_WAIT, LONGEST_WAIT, NAME_TRIES
from sipd_core.store.sign_in_links import FIRST_SECONDS, LINK_SECONDS
from sipd_core.texts import text
from tests.clock import Clock

PASSWORD = "kereta pagi ke bandung"
QUICK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


class House:
    """The rooms over one database, with a clock that is set."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.stores = SignInStores(database, idle=3_600, longest=36_000, clock=clock)
        self.stores.passwords = Passwords(QUICK)
        self.door, self.people = SignIn(self.stores), People(self.stores)
        self.account = OwnAccount(self.stores, self.door)

    def admin(self) -> str:
        link = self.door.first_link()
        assert link is not None
        self.door.use_link(link, PASSWORD, login="ani", name="Bu Ani")
        return self.enter("ani")

    def member(self, login: str, *roles: Role) -> str:
        _, link = self.people.invite(login, login.title(), roles)
        self.door.use_link(link, PASSWORD)
        return self.enter(login)

    def enter(self, login: str, password: str = PASSWORD, address: str = "10.0.0.1") -> str:
        return self.door.enter(login, password, address=address, browser="Firefox")

    def id_of(self, name: str) -> str:
        return next(account.id for account in self.people.list() if account.name == name)

    def is_in(self, token: str) -> bool:
        self.stores.known.forget()  # as another process would look
        try:
            self.door.who(token)
        except SignedOutError:
            return False
        return True

    def entries(self) -> tuple[AuditEntry, ...]:
        return AuditLog(self.database).page(limit=200).entries


@pytest.fixture
def house(database: Database) -> House:
    return House(database, Clock(1_795_600_000.0))


def test_the_first_link_makes_the_admin_once(house: House) -> None:
    link = house.door.first_link()
    assert link is not None and house.door.link_for(link) is None
    account = house.door.use_link(link, PASSWORD, login="ani", name="Bu Ani")
    assert account.roles == frozenset(Role)
    assert house.door.first_link() is None
    with pytest.raises(SignInError):
        house.door.use_link(link, PASSWORD, login="budi", name="Budi")
    visit = house.door.visit(house.enter("ANI"))
    assert (visit.person.name, visit.person.how) == ("Bu Ani", How.PASSWORD)
    assert visit.person.may(Permission.PEOPLE)


def test_locking_everybody_out_is_refused_and_told(house: House) -> None:
    house.admin()
    for attempt in (lambda id_: house.people.set_roles(id_, [Role.OPERATOR]), house.people.disable):
        with pytest.raises(PeopleError):
            attempt(house.id_of("Bu Ani"))
    refused = [entry for entry in house.entries() if entry.outcome == DeedOutcome.REFUSED]
    assert {(entry.kind, entry.object) for entry in refused} == {("roles", "Bu Ani"), ("person_off", "Bu Ani")}
    assert house.is_in(house.enter("ani"))


def test_every_other_first_link_dies_with_the_first_admin(house: House) -> None:
    links = [house.door.first_link() for _ in range(2)]
    house.door.use_link(str(links[0]), PASSWORD, login="ani", name="Bu Ani")
    with pytest.raises(SignInError):
        house.door.link_for(str(links[1]))


def test_one_link_at_once_is_used_once(house: House) -> None:
    link = str(house.door.first_link())
    failed: list[Exception] = []
    begin = threading.Barrier(2)

    def use(login: str) -> None:
        begin.wait()
        try:
            house.door.use_link(link, PASSWORD, login=login, name=login)
        except SignInError as error:
            failed.append(error)

    threads = [threading.Thread(target=use, args=(login,)) for login in ("ani", "budi")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 1 and len(house.people.list()) == 1


@pytest.mark.parametrize("wrong", ["", "bukan tautan", "x" * 43])
def test_a_link_that_is_none(house: House, wrong: str) -> None:
    with pytest.raises(SignInError):
        house.door.link_for(wrong)


def test_links_grow_old(house: House) -> None:
    first = str(house.door.first_link())
    house.clock.now += FIRST_SECONDS + 1
    with pytest.raises(SignInError):
        house.door.use_link(first, PASSWORD, login="ani", name="Ani")
    house.admin()
    _, link = house.people.invite("budi", "Budi", [Role.OPERATOR])
    house.clock.now += LINK_SECONDS + 1
    with pytest.raises(SignInError):
        house.door.use_link(link, PASSWORD)


def test_a_password_that_is_too_weak_uses_no_link_up(house: House) -> None:
    link = str(house.door.first_link())
    for weak in ("pendek", "aaaaaaaaaaaaaaaa", "x" * 201, "bu ani kepala"):
        with pytest.raises(PeopleError):
            house.door.use_link(link, weak, login="ani", name="bu ani kepala")
    house.door.use_link(link, PASSWORD, login="ani", name="Bu Ani")


def test_who_is_not_let_in_learns_nothing(house: House) -> None:
    house.admin()
    house.member("budi", Role.OPERATOR)
    house.people.disable(house.id_of("Budi"))
    said = set()
    for login, password in (("ani", "salah sama sekali"), ("siapa", PASSWORD), ("budi", PASSWORD), ("", "")):
        with pytest.raises(SignInError) as refused:
            house.enter(login, password)
        said.add(refused.value.user_text)
    assert len(said) == 1


def test_an_unknown_name_takes_as_much_work_as_a_known_one() -> None:
    passwords = Passwords(QUICK)
    hashed = passwords.hash(PASSWORD)
    assert passwords.verify(hashed, PASSWORD) and not passwords.verify(hashed, "salah")
    assert not passwords.verify(None, "kata sandi milik tidak seorang pun"), "nobody's password opens nothing"
    assert not passwords.verify("not a hash", PASSWORD)


def test_hashes_are_renewed_when_the_parameters_change(house: House) -> None:
    house.admin()
    before = house.stores.people.password_of("ani")
    house.stores.passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1))
    house.enter("ani")
    after = house.stores.people.password_of("ani")
    assert before and after and before[1] != after[1] and "t=2" in after[1]
    house.enter("ani")


def test_names_are_throttled_over_restarts(house: House) -> None:
    house.admin()
    for n in range(NAME_TRIES):
        with pytest.raises(SignInError):
            house.enter("ani", "salah", address=f"10.1.0.{n}")
    other = House(house.database, house.clock)
    with pytest.raises(SignInError) as refused:
        other.enter("ani", PASSWORD, address="10.2.0.1")
    assert "menit" in refused.value.user_text
    assert (house.entries()[0].outcome, house.entries()[0].object) == ("refused", "Bu Ani"), "who was locked out is named"
    house.clock.now += FIRST_WAIT + 1
    assert other.is_in(other.enter("ani"))
    assert house.is_in(house.enter("ani", PASSWORD)), "after a success the name starts anew"


def test_waiting_doubles_and_is_capped(house: House) -> None:
    failures, waits = house.stores.failures, []
    for _ in range(NAME_TRIES + 9):
        wait = failures.take("ani", "a")
        while wait > 0:
            waits.append(round(wait))
            house.clock.now += wait + 0.01
            wait = failures.take("ani", "b")
    assert waits[:3] == [30, 60, 120] and max(waits) == LONGEST_WAIT


def test_an_address_is_throttled_whatever_names_it_tries(house: House) -> None:
    house.admin()
    said = ""
    for n in range(40):
        with pytest.raises(SignInError) as refused:
            house.enter(f"tebak{n}", "salah")
        said = refused.value.user_text
    assert "menit" in said
    assert house.is_in(house.enter("ani", address="10.9.9.9")), "others are not shut out"


def test_attempts_at_once_get_no_more_tries(house: House) -> None:
    house.admin()
    allowed: list[float] = []
    begin = threading.Barrier(12)

    def take() -> None:
        begin.wait()
        allowed.append(house.stores.failures.take("ani", "x"))

    threads = [threading.Thread(target=take) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wait == 0 for wait in allowed) == NAME_TRIES


def test_sessions_end_by_idleness_and_by_age(house: House) -> None:
    token = house.admin()
    house.clock.now += 3_000
    house.door.touch(token)
    house.clock.now += 3_000
    assert house.is_in(token)
    house.clock.now += 1_000
    assert not house.is_in(token), "an hour without use"
    token = house.enter("ani")
    for _ in range(11):
        house.clock.now += 3_300
        house.door.touch(token)
    assert not house.is_in(token), "ten hours in all"
    assert house.door.was_in(token) and not house.door.was_in("someone else's")


def test_a_session_is_not_in_the_database(house: House) -> None:
    token = house.admin()
    with house.database.read() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM sign_in_sessions").all())
    assert token not in rows


def test_what_is_taken_counts_at_once(house: House) -> None:
    house.admin()
    token = house.member("budi", Role.OPERATOR, Role.ADMIN)
    id_ = house.id_of("Budi")
    assert house.door.who(token).may(Permission.PEOPLE)
    house.people.set_roles(id_, [Role.OPERATOR])
    assert not house.door.who(token).may(Permission.PEOPLE)
    house.people.disable(id_)
    with pytest.raises(SignedOutError):
        house.door.who(token)
    house.people.enable(id_)
    assert not house.is_in(token), "a session that was ended does not come back"


def test_signing_out_ends_this_session_alone(house: House) -> None:
    one, two = house.admin(), house.enter("ani")
    house.door.leave(one)
    assert not house.is_in(one) and house.is_in(two)
    house.door.leave(one)
    house.door.leave("nobody's")


def test_ones_own_account(house: House) -> None:
    one = house.admin()
    two, three = house.enter("ani"), house.enter("ani")
    mine = house.account.sessions(one)
    assert len(mine) == 3
    house.account.end_session(one, house.door.visit(three).session.id)
    assert not house.is_in(three) and house.is_in(two)
    with pytest.raises(SignInError):
        house.account.change_password(one, "salah", "sawah hijau di lembah")
    house.account.change_password(one, PASSWORD, "sawah hijau di lembah")
    assert house.is_in(one) and not house.is_in(two)
    with pytest.raises(SignInError):
        house.enter("ani")
    assert house.is_in(house.enter("ani", "sawah hijau di lembah"))
    for call in (house.account.look, house.account.sessions, house.account.end_others):
        with pytest.raises(SignedOutError):
            call("not a token")
        with pytest.raises(SignedOutError):
            call("")


def test_nobody_ends_the_session_of_another(house: House) -> None:
    admin = house.admin()
    token = house.member("budi", Role.OPERATOR)
    house.account.end_session(token, house.door.visit(admin).session.id)
    assert house.is_in(admin)


def test_a_new_link_resets_a_password_and_ends_sessions(house: House) -> None:
    house.admin()
    token = house.member("budi", Role.OPERATOR)
    old = house.people.new_link(house.id_of("Budi"))
    link = house.people.new_link(house.id_of("Budi"))
    assert house.is_in(token), "nothing changes until the link is used"
    with pytest.raises(SignInError):
        house.door.link_for(old)
    house.door.use_link(link, "gerbong kosong malam ini")
    assert not house.is_in(token)
    house.enter("budi", "gerbong kosong malam ini")


VOUCHED = Vouched("https://sso.example", "7", "Citra", frozenset({Role.MANAGER}), "p1")


def test_a_provider_vouches_once_for_each_sign_in(house: House) -> None:
    token = house.door.enter_vouched(VOUCHED, address="", browser="")
    assert house.door.who(token).roles == {Role.MANAGER}
    with pytest.raises(SignInError):
        house.door.enter_vouched(VOUCHED, address="", browser="")
    again = house.door.enter_vouched(replace(VOUCHED, roles=frozenset(), proof="p2"), address="", browser="")
    house.stores.known.forget()
    assert house.door.who(again).roles == house.door.who(token).roles == frozenset()
    house.people.disable(house.id_of("Citra"))
    with pytest.raises(SignInError):
        house.door.enter_vouched(replace(VOUCHED, proof="p3"), address="", browser="")


def test_the_audit_knows_who_came_and_no_secret(house: House) -> None:
    token = house.admin()
    link = house.people.new_link(house.id_of("Bu Ani"))
    for login, password in (("ani", "kata sandi rahasia salah"), ("Rahasia123!salah-kolom", "x")):
        with pytest.raises(SignInError):
            house.enter(login, password)
    house.door.leave(token)
    told = str(house.entries())
    for secret in (token, link, PASSWORD, "kata sandi rahasia salah", "rahasia123", "Rahasia123", "argon2"):
        assert secret not in told
    kinds = [(entry.kind, entry.outcome, entry.actor) for entry in house.entries()]
    assert ("sign_in", "done", "Bu Ani") in kinds and ("sign_out", "done", "Bu Ani") in kinds
    assert sum(kind == ("sign_in", "refused", "") for kind in kinds) == 2
    assert AuditLog(house.database).verify().is_whole


def test_everything_that_is_wrong_with_an_invitation_is_said_at_once(house: House) -> None:
    assert unfit("", "") == (text("people.error.name", most=80), text("people.error.login"))
    assert unfit("cici", "Bu Cici") == ()
    account, _ = house.people.invite("cici", "Bu Cici", [])
    assert account.roles == frozenset(), "who may lose the last role may come without one"


def test_a_user_is_called_otherwise_and_the_audit_tells_how_before(house: House) -> None:
    first, _ = house.people.invite("cici", "Bu Cici", [])
    house.people.invite("dedi", "Pak Dedi", [])
    with pytest.raises(PeopleError):
        house.people.rename(first.id, "pak dedi")
    assert house.people.rename(first.id, "Bu Cici  Lestari").name == "Bu Cici Lestari"
    entry = house.stores.audit.page().entries[0]
    assert (entry.kind, entry.object, entry.details["name_before"]) == ("person_name", "Bu Cici Lestari", "Bu Cici")
