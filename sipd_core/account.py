"""One's own account. Whose it is follows from the token of the session alone, so nobody can mean another's.

One reason to change: what people may do about their own account.
"""

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import PeopleError, SignedOutError, SignInError
from sipd_core.passwords import checked_password
from sipd_core.permissions import How
from sipd_core.sign_in import SignIn, SignInStores, Visit
from sipd_core.store.people import Account
from sipd_core.store.sessions import Session


class OwnAccount:
    """Safe from any thread; every call raises SignedOutError when the token does not count any more."""

    def __init__(self, stores: SignInStores, door: SignIn) -> None:
        self._stores, self._door = stores, door

    def look(self, token: str) -> Account:
        """The account."""
        return self._stores.people.get(self._visit(token).person.id)

    def this_session(self, token: str) -> str:
        """The id of the session that asks."""
        return self._visit(token).session.id

    def sessions(self, token: str) -> tuple[Session, ...]:
        """Where the owner is signed in."""
        return self._stores.sessions.of(self._visit(token).person.id)

    def end_session(self, token: str, id_: str) -> None:
        """End one of the owner's sessions."""
        self._end(self._visit(token), only=id_)

    def end_others(self, token: str) -> int:
        """End all of the owner's sessions but this one; how many."""
        visit = self._visit(token)
        return self._end(visit, but=visit.session.id)

    def change_password(self, token: str, old: str, new: str) -> None:
        """Choose another password, which ends the other sessions. Raises SignInError, PeopleError."""
        stores, visit = self._stores, self._visit(token)
        account = stores.people.get(visit.person.id)
        if account.how is How.OIDC:
            raise PeopleError("no password", text_key="people.error.password_elsewhere")
        self._prove(account, old)
        hashed = stores.passwords.hash(checked_password(new, account.login, account.name))
        with stores.database.write() as connection:
            stores.people.set_password(connection, account.id, hashed)
            stores.sessions.end(connection, account.id, but=visit.session.id)
            stores.links.forget(connection, account.id)
            stores.database.note(connection, Deed(DeedKind.PASSWORD, account.name, actor=account.name))
        stores.known.forget()

    def leave(self, token: str) -> None:
        """Sign out here."""
        self._door.leave(token)

    def _prove(self, account: Account, password: str) -> None:
        """A browser left open is no proof; guesses are throttled as at the door."""
        stores = self._stores
        if stores.failures.take(account.login, f"account {account.id}") > 0:
            raise SignInError("too many attempts", text_key="people.error.wait_own")
        found = stores.people.password_of(account.login)
        if not stores.passwords.verify(found[1] if found else None, password):
            raise SignInError("wrong password", text_key="people.error.wrong_own")
        with stores.database.write() as connection:
            stores.failures.succeeded(connection, account.login, f"account {account.id}")

    def _end(self, visit: Visit, *, only: str = "", but: str = "") -> int:
        name = visit.person.name
        with self._stores.database.write() as connection:
            ended = self._stores.sessions.end(connection, visit.person.id, only=only, but=but)
            if ended:
                deed = Deed(DeedKind.SESSION_END, name, actor=name, details={"sessions": ended})
                self._stores.database.note(connection, deed)
        self._stores.known.forget()
        return ended

    def _visit(self, token: str) -> Visit:
        if not token:
            raise SignedOutError
        return self._door.visit(token)
