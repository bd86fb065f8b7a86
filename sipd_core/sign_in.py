"""The door for people: who comes in, and who is in. One reason to change: how somebody is let in.

Whoever comes in gets a token for his browser; everything else is looked up anew with it each time, so a role that was
taken or a session that was ended counts at once. Nothing here says which names there are.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from sipd_core.deeds import Deed, DeedKind, DeedOutcome, acting
from sipd_core.errors import SignedOutError, SignInError
from sipd_core.locale_id import number
from sipd_core.passwords import Passwords, checked_password
from sipd_core.permissions import How, Permission, Person, Role
from sipd_core.store.audit import AuditLog
from sipd_core.store.database import Database
from sipd_core.store.people import Account, PeopleStore
from sipd_core.store.sessions import NOTE_AFTER, Session, SessionStore
from sipd_core.store.sign_in_failures import SignInFailureStore
from sipd_core.store.sign_in_links import SignInLinkStore
from sipd_core.store.sparing import Sparing
from sipd_core.texts import text

log = logging.getLogger(__name__)

LINK_PATH = "/masuk/tautan"
"""Where a link's token is appended."""
REMEMBERED_SECONDS = 1.0
"""How long what was found for a token is not looked up again; a change in this process is seen at once."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in, in one browser."""

    person: Person
    session: Session


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider says of somebody; `proof` is different for every sign-in."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[Role]
    proof: str


class SignInStores:
    """What is kept of people, put together once for the rooms that share it."""

    def __init__(self, database: Database, *, idle: float, longest: float, clock: Callable[[], float] = time.time) -> None:
        """`idle`, `longest`: seconds without use, and in all, after which a session ends."""
        self.database = database
        self.people = PeopleStore(database, clock=clock)
        self.sessions = SessionStore(database, idle=idle, longest=longest, clock=clock)
        self.links = SignInLinkStore(database, clock=clock)
        self.failures = SignInFailureStore(database, clock=clock)
        self.audit = AuditLog(database)
        self.passwords = Passwords()
        self.clock = clock
        self.known = _Known()


class SignIn:
    """Lets people in and knows who is in; safe from any thread and beside other processes."""

    def __init__(self, stores: SignInStores, *, mode: str = "accounts", anywhere: bool = False) -> None:
        """`mode` as SIGN_IN says it; open: whoever sits there may do everything, and with `anywhere` at other computers too."""
        self._stores = stores
        self.mode = mode
        self.is_open = mode == "open"
        self.is_open_anywhere = self.is_open and anywhere
        self._refusals = Sparing(clock=stores.clock)

    def enter(self, login: str, password: str, *, address: str, browser: str) -> str:
        """The token of a new session; raises SignInError, after the same time whether there is such a name or not."""
        stores = self._stores
        wait = stores.failures.take(login, address)
        if wait > 0:
            self._note_failure("throttled", known=known[0] if (known := stores.people.password_of(login)) else None)
            said = {"minutes": number(math.ceil(wait / 60))}
            raise SignInError("too many attempts", text_key="people.error.wait", **said)
        found = stores.people.password_of(login)
        fits = stores.passwords.verify(found[1] if found else None, password)
        if found is None or not fits or found[0].disabled_at is not None:
            reason = "password" if not fits else "disabled"
            self._note_failure(reason if found else "unknown", known=found[0] if found else None)
            raise SignInError(reason)
        account, hashed = found
        if stores.passwords.is_outdated(hashed):
            stores.people.renew_hash(account.id, hashed, stores.passwords.hash(password))
        with stores.database.write() as connection:
            stores.failures.succeeded(connection, login, address)
            return self._begin(connection, account, address, browser)

    def enter_vouched(self, vouched: Vouched, *, address: str, browser: str) -> str:
        """The token of a new session for whom a provider vouches; raises SignInError when it did so before, or he is disabled."""
        stores = self._stores
        with stores.database.write() as connection:
            if stores.sessions.is_spent(connection, vouched.proof):
                raise SignInError("spent", text_key="people.error.spent")
            account = stores.people.meet(connection, vouched.issuer, vouched.subject, vouched.name, vouched.roles)
            if account.disabled_at is None:
                return self._begin(connection, account, address, browser, vouched.proof)
        self._note_failure("disabled", known=account)
        raise SignInError("disabled", text_key="people.error.disabled")

    def who(self, token: str) -> Person:
        """Who acts, with the token of his browser; raises SignedOutError."""
        return open_person() if self.is_open else self.visit(token).person

    def visit(self, token: str) -> Visit:
        """Who is signed in with a token, and in which session; raises SignedOutError."""
        visit = self._stores.known.get(token, self._look)
        if visit is None:
            raise SignedOutError
        return visit

    def was_in(self, token: str) -> bool:
        """Whether somebody was signed in with this token lately, be it that he is no more."""
        return bool(token) and self._stores.sessions.was(token)

    def touch(self, token: str) -> None:
        """Somebody does something: his session is not idle. Not every click is worth a write."""
        if self.is_open:
            return
        unseen = self._stores.clock() - self.visit(token).session.seen_at.timestamp()
        if unseen > NOTE_AFTER:
            self._stores.sessions.touch(token)

    def leave(self, token: str) -> None:
        """End the session of a token, if there is one."""
        found = self._look(token)
        if found is not None:
            with self._stores.database.write() as connection:
                self._stores.sessions.end(connection, found.person.id, only=found.session.id)
                self._stores.database.note(connection, Deed(DeedKind.SIGN_OUT, actor=found.person.name))
        self._stores.known.forget()

    def has_admin(self) -> bool:
        """Whether there is an admin who can sign in."""
        return self._stores.people.has_admin()

    def first_link(self) -> str | None:
        """A link with which the first admin is made; None when there is one who can sign in."""
        stores = self._stores
        with stores.database.write() as connection:
            if stores.people.has_admin(connection):
                return None
            stores.database.note(connection, Deed(DeedKind.SIGN_IN_LINK))
            return stores.links.make(connection, None)

    def link_for(self, token: str) -> Account | None:
        """For whom a link is; None: for the first admin. Raises SignInError when it does not count."""
        id_ = self._stores.links.whose(token)
        if id_ is not None:
            return self._stores.people.get(id_)
        if self._stores.people.has_admin():
            raise SignInError("there is an admin", text_key="people.error.link")
        return None

    def use_link(self, token: str, password: str, *, login: str = "", name: str = "") -> Account:
        """Choose a password with a link; `login` and `name` are those of the first admin. Raises SignInError, PeopleError."""
        stores, whose = self._stores, self.link_for(token)
        known = (whose.login, whose.name) if whose else (login, name)
        hashed = stores.passwords.hash(checked_password(password, *known))
        with stores.database.write() as connection:
            stores.links.use(connection, token)
            if whose is None and stores.people.has_admin(connection):
                raise SignInError("there is an admin", text_key="people.error.link")
            id_ = whose.id if whose else stores.people.add(connection, login, name, frozenset(Role))
            stores.people.set_password(connection, id_, hashed)
            stores.sessions.end(connection, id_)
            stores.links.forget(connection, None)
            named = known[1]
            stores.database.note(connection, Deed(DeedKind.PASSWORD, named, actor=named))
        stores.known.forget()
        return stores.people.get(id_)

    def note_refusal(self, person: Person, needed: Permission) -> None:
        """Enter in the audit that somebody asked for what his roles do not cover; the same once a minute."""
        held = self._refusals.due(f"{person.id} {needed}")
        if held is not None:
            details = {"needed": text(f"people.permission.{needed}"), "before": held}
            deed = Deed(DeedKind.FORBIDDEN, actor=person.name, outcome=DeedOutcome.REFUSED, details=details)
            self._stores.audit.record(deed)

    def _begin(
        self, connection: Connection, account: Account, address: str, browser: str, proof: str | None = None
    ) -> str:
        token = self._stores.sessions.begin(connection, account.id, address, browser, proof)
        self._stores.people.note_sign_in(connection, account.id)
        details = {"how": text(f"people.how.{account.how}")}
        self._stores.database.note(connection, Deed(DeedKind.SIGN_IN, account.name, actor=account.name, details=details))
        return token

    def _look(self, token: str) -> Visit | None:
        found = self._stores.sessions.find(token) if token else None
        return None if found is None else Visit(found[1].person(), found[0])

    def _note_failure(self, reason: str, *, known: Account | None) -> None:
        """The same once a minute; a name that is nobody's is not told, for it may be a password in the wrong field."""
        target = known.name if known else ""
        held = self._refusals.due(f"{reason} {target} {acting().address}")
        if held is not None:
            details = {"reason": text(f"people.reason.{reason}"), "before": held}
            self._stores.audit.record(Deed(DeedKind.SIGN_IN, target, outcome=DeedOutcome.REFUSED, details=details))


class _Known:
    """What was found for tokens a moment ago; forgotten as soon as anything changes here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, Visit | None]] = {}
        self._round = 0

    def get(self, token: str, look: Callable[[str], Visit | None]) -> Visit | None:
        """What is known of a token, looked up when it was not lately."""
        now = time.monotonic()
        with self._lock:
            found, began = self._found.get(token), self._round
        if found is not None and now - found[0] < REMEMBERED_SECONDS:
            return found[1]
        visit = look(token)
        with self._lock:
            if began == self._round:  # nothing changed while it was looked up
                self._found = {key: one for key, one in self._found.items() if now - one[0] < REMEMBERED_SECONDS}
                self._found[token] = now, visit
        return visit

    def forget(self) -> None:
        """Look everything up again."""
        with self._lock:
            self._found.clear()
            self._round += 1


def open_person() -> Person:
    """Whoever sits at a console that asks nobody to sign in: he may do everything."""
    return Person("", text("people.local"), frozenset(Role), How.OPEN)

