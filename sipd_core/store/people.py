"""Who may use the console, and as what. Rows are switched off, never removed: the audit names them."""

import re
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import NotFoundError, PeopleError
from sipd_core.permissions import How, Person, Role
from sipd_core.privacy import mask
from sipd_core.store.database import Database
from sipd_core.store.schema import people
from sipd_core.store.times import moment
from sipd_core.texts import text

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}")
LONGEST_NAME = 80
"""Characters of a display name."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a person; times are timezone-aware, UTC."""

    id: str
    name: str
    login: str
    """Name to sign in with; empty for people whom a provider vouches for."""
    issuer: str
    """The provider's address; empty for people with a password."""
    roles: frozenset[Role]
    has_password: bool
    made_at: datetime
    disabled_at: datetime | None
    seen_at: datetime | None
    """The last sign-in."""

    @property
    def how(self) -> How:
        """How this person comes in."""
        return How.OIDC if self.issuer else How.PASSWORD

    @property
    def can_sign_in(self) -> bool:
        """Whether there is anything to sign in with, and nobody forbade it."""
        return self.disabled_at is None and (self.has_password or bool(self.issuer))

    def person(self) -> Person:
        """Whoever acts as this account."""
        return Person(self.id, self.name, self.roles, self.how)


class PeopleStore:
    """Adds, finds and changes accounts; every change is durable on return and in the audit."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, connection: Connection, login: str, name: str, roles: Collection[Role]) -> str:
        """Within a transaction: a new account without a password; its id. Raises PeopleError."""
        login, name = checked_login(login), checked_name(name)
        taken = select(people.c.id).where(people.c.login == login)
        if connection.execute(taken).first() is not None:
            raise PeopleError("the login is taken", text_key="people.error.login_taken", login=login)
        if _name_taken(connection, name):
            raise PeopleError("the name is taken", text_key="people.error.name_taken", name=name)
        return self._insert(connection, {"login": login, "name": name}, roles)

    def meet(self, connection: Connection, issuer: str, subject: str, name: str, roles: Collection[Role]) -> Account:
        """Within a transaction: the account of whom a provider vouches for, made at the first sign-in, its roles renewed."""
        known = select(people).where(people.c.issuer == issuer, people.c.subject == subject)
        row = connection.execute(known).first()
        if row is None:
            values = {"issuer": issuer, "subject": subject, "name": _free_name(connection, name)}
            return read_account(connection, self._insert(connection, values, roles))
        self._note_roles(connection, _account(row), roles)
        return read_account(connection, row.id)

    def get(self, id_: str) -> Account:
        """Raises NotFoundError."""
        with self._database.read() as connection:
            return read_account(connection, id_)

    def list(self) -> tuple[Account, ...]:
        """Everybody, those who may come in first, by name."""
        query = select(people).order_by(people.c.disabled_at.is_not(None), func.lower(people.c.name))
        with self._database.read() as connection:
            return tuple(map(_account, connection.execute(query)))

    def has_admin(self, connection: Connection | None = None) -> bool:
        """Whether there is an admin who can sign in."""
        if connection is None:
            with self._database.read() as own:
                return self.has_admin(own)
        return any(
            account.can_sign_in and Role.ADMIN in account.roles
            for account in map(_account, connection.execute(select(people)))
        )

    def password_of(self, login: str) -> tuple[Account, str] | None:
        """The account of a login with the hash of its password; None when there is none to hold anything against."""
        query = select(people).where(people.c.login == login.strip().casefold(), people.c.password.is_not(None))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else (_account(row), row.password)

    def set_password(self, connection: Connection, id_: str, hashed: str) -> None:
        """Within a transaction."""
        connection.execute(update(people).where(people.c.id == id_).values(password=hashed))

    def renew_hash(self, id_: str, old: str, hashed: str) -> None:
        """The same password under newer parameters, unless it was changed meanwhile."""
        renewing = update(people).where(people.c.id == id_, people.c.password == old).values(password=hashed)
        self._database.together(lambda connection: connection.execute(renewing))

    def set_roles(self, id_: str, roles: Collection[Role]) -> Account:
        """Raises NotFoundError, PeopleError for somebody whose roles a provider tells, or when no admin would be left."""
        with self._database.write() as connection:
            before = _locked(connection, id_)
            if before.how is How.OIDC:
                raise PeopleError("roles come from the provider", text_key="people.error.roles_elsewhere")
            self._note_roles(connection, before, roles)
            self._keep_an_admin(connection, before)
            return read_account(connection, id_)

    def rename(self, id_: str, name: str) -> Account:
        """Another display name; what was done under the old one stays. Raises NotFoundError, PeopleError."""
        with self._database.write() as connection:
            before, name = _locked(connection, id_), checked_name(name)
            if before.how is How.OIDC:
                raise PeopleError("names come from the provider", text_key="people.error.name_elsewhere")
            if name.lower() != before.name.lower() and _name_taken(connection, name):
                raise PeopleError("the name is taken", text_key="people.error.name_taken", name=name)
            if name != before.name:
                connection.execute(update(people).where(people.c.id == id_).values(name=name))
                details = {"name_before": before.name}
                self._database.note(connection, Deed(DeedKind.PERSON_NAME, name, details=details))
            return read_account(connection, id_)

    def disable(self, id_: str, also: Callable[[Connection], object] = lambda _: None) -> Account:
        """With what `also` does in the same transaction; raises NotFoundError, PeopleError when no admin would be left."""
        with self._database.write() as connection:
            before = _locked(connection, id_)
            if before.disabled_at is None:
                connection.execute(update(people).where(people.c.id == id_).values(disabled_at=self._clock()))
                self._database.note(connection, Deed(DeedKind.PERSON_OFF, before.name))
                self._keep_an_admin(connection, before)
            also(connection)
            return read_account(connection, id_)

    def enable(self, id_: str) -> Account:
        """Raises NotFoundError."""
        with self._database.write() as connection:
            before = _locked(connection, id_)
            if before.disabled_at is not None:
                connection.execute(update(people).where(people.c.id == id_).values(disabled_at=None))
                self._database.note(connection, Deed(DeedKind.PERSON_ON, before.name))
            return read_account(connection, id_)

    def note_sign_in(self, connection: Connection, id_: str) -> None:
        """Within a transaction: somebody came in."""
        connection.execute(update(people).where(people.c.id == id_).values(seen_at=self._clock()))

    def _insert(self, connection: Connection, values: dict[str, Any], roles: Collection[Role]) -> str:
        id_ = secrets.token_hex(6)
        row = {"id": id_, "roles": _joined(roles), "made_at": self._clock()}
        connection.execute(insert(people), row | values)
        self._database.note(connection, Deed(DeedKind.PERSON, values["name"], details={"roles": role_names(roles)}))
        return id_

    def _note_roles(self, connection: Connection, before: Account, roles: Collection[Role]) -> None:
        if before.roles == frozenset(roles):
            return
        connection.execute(update(people).where(people.c.id == before.id).values(roles=_joined(roles)))
        details = {"roles": role_names(roles), "roles_before": role_names(before.roles)}
        self._database.note(connection, Deed(DeedKind.ROLES, before.name, details=details))

    def _keep_an_admin(self, connection: Connection, before: Account) -> None:
        """Refuses a change by which the last admin went; whoever was none before cannot have been the last."""
        if before.can_sign_in and Role.ADMIN in before.roles and not self.has_admin(connection):
            raise PeopleError("the last admin", text_key="people.error.last_admin")


def checked_login(login: str) -> str:
    """A login as it is stored; raises PeopleError."""
    login = login.strip().casefold()
    if not _LOGIN.fullmatch(login):
        raise PeopleError("no login", text_key="people.error.login")
    return login


def checked_name(name: str) -> str:
    """A display name as it is stored, masked; raises PeopleError."""
    name = mask(" ".join(name.split())).text
    if not 2 <= len(name) <= LONGEST_NAME:
        raise PeopleError("no name", text_key="people.error.name", most=LONGEST_NAME)
    return name


def unfit(login: str, name: str) -> tuple[str, ...]:
    """Everything that is wrong with the two as they were typed, each in a sentence; empty when they will do."""
    wrong = []
    for check, typed in ((checked_name, name), (checked_login, login)):
        try:
            check(typed)
        except PeopleError as error:
            wrong.append(error.user_text)
    return tuple(wrong)


def role_names(roles: Collection[Role]) -> list[str]:
    """Roles in words, in the order of the enumeration."""
    return [text(f"people.role.{role}") for role in Role if role in roles]


def _free_name(connection: Connection, name: str) -> str:
    """What a provider calls somebody, told apart from everybody else who is called so."""
    name = (mask(" ".join(name.split())).text or text("people.unnamed"))[:LONGEST_NAME]
    wanted, n = name, 2
    while _name_taken(connection, wanted):
        wanted, n = f"{name} ({n})", n + 1
    return wanted


def _name_taken(connection: Connection, name: str) -> bool:
    return connection.execute(select(people.c.id).where(func.lower(people.c.name) == name.lower())).first() is not None


def _locked(connection: Connection, id_: str) -> Account:
    """The account, while nobody else changes any: two admins must not take each other's role at once."""
    rows = connection.execute(select(people).order_by(people.c.id).with_for_update()).all()
    for row in rows:
        if row.id == id_:
            return _account(row)
    raise NotFoundError(what=text("people.account", id=id_))


def read_account(connection: Connection, id_: str) -> Account:
    """Raises NotFoundError."""
    row = connection.execute(select(people).where(people.c.id == id_)).first()
    if row is None:
        raise NotFoundError(what=text("people.account", id=id_))
    return _account(row)


def _joined(roles: Collection[Role]) -> str:
    return " ".join(sorted(roles))


def _account(row: Row[Any]) -> Account:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else moment(seconds)

    roles = frozenset(role for role in Role if role in row.roles.split())
    login, issuer, has_password = row.login or "", row.issuer or "", row.password is not None
    return Account(
        row.id, row.name, login, issuer, roles, has_password, moment(row.made_at), at(row.disabled_at), at(row.seen_at)
    )
