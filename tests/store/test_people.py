"""Accounts: what one may be called, and that an admin is always left."""

import threading

import pytest

from sipd_core.errors import NotFoundError, PeopleError
from sipd_core.permissions import How, Role
from sipd_core.store.audit import AuditLog
from sipd_core.store.database import Database
from sipd_core.store.people import Account, PeopleStore

ADMIN, OPERATOR = frozenset({Role.ADMIN}), frozenset({Role.OPERATOR})


@pytest.fixture
def store(database: Database) -> PeopleStore:
    return PeopleStore(database)


def add(store: PeopleStore, database: Database, login: str, name: str, roles: frozenset[Role], password: str | None = "h") -> str:
    with database.write() as connection:
        id_ = store.add(connection, login, name, roles)
        if password is not None:
            store.set_password(connection, id_, password)
    return id_


def meet(store: PeopleStore, database: Database, subject: str, name: str, roles: frozenset[Role]) -> Account:
    with database.write() as connection:
        return store.meet(connection, "https://sso.example", subject, name, roles)


def deeds(database: Database) -> list[tuple[str, str]]:
    return [(entry.kind, entry.object) for entry in AuditLog(database).page().entries]


def test_an_account_is_what_was_typed(store: PeopleStore, database: Database) -> None:
    id_ = add(store, database, " Ani.W ", "  Ani   Wijaya ", ADMIN | OPERATOR)
    account = store.get(id_)
    assert (account.login, account.name, account.roles) == ("ani.w", "Ani Wijaya", ADMIN | OPERATOR)
    assert account.how is How.PASSWORD and account.can_sign_in
    assert account.person().roles == account.roles
    assert deeds(database) == [("person", "Ani Wijaya")]


@pytest.mark.parametrize("login", ["", "ab", "-ani", "ani wijaya", "x" * 65, "añi", "ani/../x"])
def test_a_login_that_is_none(store: PeopleStore, database: Database, login: str) -> None:
    with pytest.raises(PeopleError):
        add(store, database, login, "Ani", OPERATOR)
    assert store.list() == () and deeds(database) == []


def test_two_people_are_never_called_the_same(store: PeopleStore, database: Database) -> None:
    add(store, database, "ani", "Ani", OPERATOR)
    with pytest.raises(PeopleError, match="login"):
        add(store, database, "ANI", "Budi", OPERATOR)
    with pytest.raises(PeopleError, match="name"):
        add(store, database, "budi", "aNi", OPERATOR)
    assert meet(store, database, "1", "Ani", OPERATOR).name == "Ani (2)"
    assert meet(store, database, "2", "Ani", OPERATOR).name == "Ani (3)"


def test_the_last_admin_stays(store: PeopleStore, database: Database) -> None:
    first = add(store, database, "ani", "Ani", ADMIN)
    add(store, database, "tamu", "Belum Masuk", ADMIN, password=None)
    for change in (lambda: store.set_roles(first, OPERATOR), lambda: store.disable(first)):
        with pytest.raises(PeopleError):
            change()
    assert store.get(first).roles == ADMIN and store.get(first).disabled_at is None
    second = add(store, database, "budi", "Budi", ADMIN)
    store.disable(second)
    with pytest.raises(PeopleError):
        store.disable(first)
    store.enable(second)
    store.disable(first)
    assert store.has_admin()
    kinds = [kind for kind, _ in deeds(database)]
    assert kinds.count("person_off") == 2 and kinds.count("roles") == 0


def test_two_admins_cannot_take_each_others_role_at_once(store: PeopleStore, database: Database) -> None:
    ids = [add(store, database, login, login.title(), ADMIN) for login in ("ani", "budi")]
    refused: list[str] = []
    begin = threading.Barrier(2)

    def drop(id_: str) -> None:
        begin.wait()
        try:
            store.set_roles(id_, OPERATOR)
        except PeopleError:
            refused.append(id_)

    threads = [threading.Thread(target=drop, args=(id_,)) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1 and store.has_admin()


def test_roles_of_a_provider_are_read_anew_at_each_sign_in(store: PeopleStore, database: Database) -> None:
    first = meet(store, database, "7", "Citra", ADMIN)
    again = meet(store, database, "7", "Citra Dewi", OPERATOR)
    assert (again.id, again.roles, again.how) == (first.id, OPERATOR, How.OIDC)
    assert deeds(database)[0] == ("roles", "Citra")
    with pytest.raises(PeopleError):
        store.set_roles(first.id, ADMIN)


def test_a_name_is_masked(store: PeopleStore, database: Database) -> None:
    account = meet(store, database, "8", "Budi 081234567890", OPERATOR)
    assert "081234567890" not in account.name


def test_nobody(store: PeopleStore, database: Database) -> None:
    assert not store.has_admin()
    for call in (store.get, store.disable, store.enable):
        with pytest.raises(NotFoundError):
            call("nobody")
    assert store.password_of("nobody") is None
