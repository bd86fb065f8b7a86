"""Accounts, as admins take care of them. One reason to change: what an admin may do about people."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from sipd_core.deeds import Deed, DeedKind, DeedOutcome
from sipd_core.errors import PeopleError
from sipd_core.permissions import How, Role
from sipd_core.sign_in import SignInStores
from sipd_core.store.people import Account
from sipd_core.store.sessions import Session


class People:
    """Invites, changes and disables people; every change counts at once and is in the audit. Safe from any thread."""

    def __init__(self, stores: SignInStores) -> None:
        self._stores = stores

    def list(self) -> tuple[Account, ...]:
        """Everybody, those who may come in first."""
        return self._stores.people.list()

    def invite(self, login: str, name: str, roles: Collection[Role]) -> tuple[Account, str]:
        """A new account, and the token of the link with which its owner chooses a password. Raises PeopleError."""
        stores = self._stores
        with stores.database.write() as connection:
            id_ = stores.people.add(connection, login, name, roles)
            token = stores.links.make(connection, id_)
        return stores.people.get(id_), token

    def new_link(self, id_: str) -> str:
        """Another such link, for who lost it or forgot his password, which counts on until then.

        Raises NotFoundError, PeopleError.
        """
        stores, account = self._stores, self._stores.people.get(id_)
        if account.how is How.OIDC:
            raise PeopleError("no password", text_key="people.error.password_elsewhere")
        with stores.database.write() as connection:
            stores.database.note(connection, Deed(DeedKind.SIGN_IN_LINK, account.name))
            return stores.links.make(connection, id_)

    def set_roles(self, id_: str, roles: Collection[Role]) -> Account:
        """Raises NotFoundError, PeopleError for the last admin."""
        with self._refusal_noted(id_, DeedKind.ROLES):
            return self._changed(self._stores.people.set_roles(id_, roles))

    def rename(self, id_: str, name: str) -> Account:
        """Raises NotFoundError, PeopleError for a name that will not do or is somebody else's."""
        return self._changed(self._stores.people.rename(id_, name))

    def disable(self, id_: str) -> Account:
        """Nobody with this account comes in any more, and who is in is out. Raises NotFoundError, PeopleError."""

        def also(connection: Connection) -> None:
            self._stores.sessions.end(connection, id_)
            self._stores.links.forget(connection, id_)

        with self._refusal_noted(id_, DeedKind.PERSON_OFF):
            return self._changed(self._stores.people.disable(id_, also))

    def enable(self, id_: str) -> Account:
        """Raises NotFoundError."""
        return self._changed(self._stores.people.enable(id_))

    def sessions(self, id_: str) -> tuple[Session, ...]:
        """Where somebody is signed in."""
        return self._stores.sessions.of(id_)

    def end_sessions(self, id_: str, only: str = "") -> int:
        """Sign somebody out, everywhere or in `only` one session; from how many."""
        account = self._stores.people.get(id_)
        with self._stores.database.write() as connection:
            ended = self._stores.sessions.end(connection, id_, only=only)
            if ended:
                deed = Deed(DeedKind.SESSION_END, account.name, details={"sessions": ended})
                self._stores.database.note(connection, deed)
        self._stores.known.forget()
        return ended

    @contextmanager
    def _refusal_noted(self, id_: str, kind: DeedKind) -> Iterator[None]:
        """Somebody tried what may not be done, as locking everybody out; the audit tells that too."""
        try:
            yield
        except PeopleError as error:
            name = self._stores.people.get(id_).name
            deed = Deed(kind, name, outcome=DeedOutcome.REFUSED, details={"reason": error.user_text})
            self._stores.audit.record(deed)
            raise

    def _changed(self, account: Account) -> Account:
        self._stores.known.forget()
        return account
