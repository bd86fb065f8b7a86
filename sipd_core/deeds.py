"""What people and programs do that must be answered for, and where a deed comes from.

One reason to change: what is worth an entry in the audit. Who acts is told once, at the door: the pages, the command line
and the HTTP interface each say it with `act_as`, and what they call knows it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum


class DeedKind(StrEnum):
    """What was done; the value names its entry in `texts/audit.toml`."""

    IMPORT = "import"
    EDIT = "edit"
    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"
    MERGE = "merge"
    MENUS = "menus"
    LEARN = "learn"
    """A row was published for a gap of the learning loop."""
    GAP = "gap"
    """What people decide about such gaps."""
    UNDO = "undo"
    REDO = "redo"
    SAMPLES = "samples"
    EXPORT = "export"
    BACKUP = "backup"
    BACKUP_TEST = "backup_test"
    BACKUP_GONE = "backup_gone"
    RESTORE = "restore"
    PRICE = "price"
    RATE = "rate"
    INVOICE = "invoice"
    REPRICING = "repricing"
    ASSUMPTIONS = "assumptions"
    ALERT_RULE = "alert_rule"
    TUNING = "tuning"
    GOLD = "gold"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    API_REFUSED = "api_refused"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    SESSION_END = "session_end"
    PERSON = "person"
    PERSON_NAME = "person_name"
    PERSON_OFF = "person_off"
    PERSON_ON = "person_on"
    ROLES = "roles"
    PASSWORD = "password"
    SIGN_IN_LINK = "sign_in_link"
    FORBIDDEN = "forbidden"
    """Somebody asked for what his roles do not cover."""
    ESCALATION = "escalation"
    ANSWER_EDITED = "answer_edited"
    ANSWER_APPROVED = "answer_approved"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    APPROVAL_RESTORED = "approval_restored"
    APPROVAL_CONFIRMED = "approval_confirmed"
    BUDGET_STOP = "budget_stop"
    SECRET_MASKED = "secret_masked"
    AUDIT_KEY = "audit_key"
    """Entries are signed with AUDIT_KEY from here on."""
    DATA_KEY = "data_key"
    """Stored texts come under another key, or have come."""
    ERASE = "erase"
    RETENTION = "retention"


class DeedOutcome(StrEnum):
    """What came of it."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


CONSOLE, COMMAND_LINE, HTTP = "konsol", "cli", "http"


@dataclass(frozen=True, slots=True)
class Source:
    """Who acts, and from where."""

    where: str = CONSOLE
    address: str = ""
    """Of the network; empty when it is not known."""
    actor: str = ""
    """Display name, for deeds whose caller does not name one; empty: the console by itself."""
    id: str = ""
    """Of the account or of the program's key, whatever either is called; empty where nobody has one, as in open mode."""

    @property
    def mark(self) -> str:
        """Tells whoever acts from everybody else, and nothing more of him; empty when nobody can tell."""
        return f"{self.where}/{self.id}" if self.id else ""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done. Values of `details` are texts, numbers, truth values, or lists and mappings of them."""

    kind: DeedKind
    target: str = ""
    """What it was done to: an id or a name that is masked already."""
    actor: str = ""
    """Empty: whoever acts by `act_as`."""
    outcome: DeedOutcome = DeedOutcome.DONE
    details: Mapping[str, object] = field(default_factory=dict)


_source: ContextVar[Source] = ContextVar("sipd_source")
_door: Callable[[], Source] | None = None


def acting() -> Source:
    """Who acts here; the console by itself when nobody said."""
    return _source.get(Source())


def meet_at(door: Callable[[], Source]) -> None:
    """From now on ask `door`, in the thread of a call from outside, who makes it, unless that was said by `act_as`."""
    global _door
    _door = door


def meet() -> None:
    """Called in the thread of a call from outside, before it goes to others."""
    if _door is not None and _source.get(None) is None:
        _source.set(_door())


def act_as(source: Source) -> None:
    """Let `source` answer for what this thread or task does from now on, and for what it calls on other threads."""
    _source.set(source)


@contextmanager
def acting_as(source: Source) -> Iterator[None]:
    """`act_as` within the block."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)
