"""Passwords: argon2id, and what one must be. One reason to change: how a password is kept."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sipd_core.errors import PeopleError

SHORTEST, LONGEST = 12, 200
"""Characters of a password."""
AT_ONCE = 2
"""Hashes computed at once: each takes 64 MiB, and a flood at the door must not take them all."""
_SAME = 5
"""Different characters a password has at least."""


class Passwords:
    """Hashes and verifies; both take the same time whatever the outcome. Safe from any thread."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """`hasher`: the parameters, those of argon2-cffi unless said otherwise."""
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.Semaphore(AT_ONCE)
        self._nobodys = self._hasher.hash("kata sandi milik tidak seorang pun")

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password; with no hash there is nobody, which takes as long and is never true."""
        with self._turn:
            try:
                return self._hasher.verify(hashed or self._nobodys, password[: LONGEST + 1]) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)


def checked_password(password: str, *known: str) -> str:
    """A password that may be chosen by somebody of whom `known` (login, name) is no secret; raises PeopleError."""
    if len(password) < SHORTEST:
        raise PeopleError("too short", text_key="people.error.short", least=SHORTEST)
    if len(password) > LONGEST:
        raise PeopleError("too long", text_key="people.error.long", most=LONGEST)
    plain = password.casefold()
    if len(set(plain)) < _SAME or any(len(word) > 3 and plain in (word.casefold(), word.casefold() * 2) for word in known):
        raise PeopleError("too simple", text_key="people.error.simple")
    return password
