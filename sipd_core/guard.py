"""The engine as pages get it: every call asks first whether whoever acts may make it.

One table says what each call of the engine and of its rooms needs. A name that is not in it is refused, so a new call is
closed until somebody says who may make it; `tests/test_guard.py` holds the table against what exists. The command line
and the HTTP interface have doors of their own.
"""

import inspect
import logging
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Union, cast

from sipd_core.errors import ForbiddenError
from sipd_core.permissions import Permission, Person
from sipd_core.texts import text

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine

log = logging.getLogger(__name__)


class Whoever(Enum):
    """Rules that are no permission."""

    SIGNED_IN = "signed_in"
    """Everybody who is signed in; such a call shows or changes nothing of others."""
    NOBODY = "nobody"
    """Not for pages."""


Rule = Union[Permission, Whoever, Mapping[str, "Rule"]]
"""A mapping stands for a room with calls of its own."""
Rules = Mapping[str, Rule]


def _need(rule: Permission | Whoever, *names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, rule)


_ALERTS: Rules = {
    **_need(Permission.FIGURES, "open", "watched", "events", "count_events", "rule_history", "deliveries", "webhook_host"),
    **_need(Permission.FIGURES, "acknowledge"),
    **_need(Permission.MONEY, "change_rule", "undo_rule", "send_test"),
    **_need(Permission.AUDIT, "chain_seen"),
    **_need(Whoever.NOBODY, "close", "deliver", "look", "look_at_chain", "pass_by", "run"),
}
_ANSWERS: Rules = {
    **_need(Permission.ASK, "edit", "choose", "is_approved"),
    **_need(Permission.APPROVE, "approvable", "approve", "confirm", "export", "listed", "listed_one", "restore", "withdraw"),
}
_AUDIT: Rules = {
    **_need(Permission.AUDIT, "actors", "entries", "entry", "head", "is_keyed", "page", "verify"),
    **_need(Whoever.NOBODY, "begin_key", "patrol", "record"),
}
_BACKUPS: Rules = {
    **_need(Permission.BACKUP, "is_busy", "keys_of", "make", "overview", "path", "receive", "remove", "test", "work"),
    **_need(Permission.BACKUP, "start_making", "start_restoring", "start_testing"),
    **_need(Whoever.NOBODY, "claim", "close"),
}
_DESK: Rules = {
    **_need(Permission.TICKETS_READ, "queue", "detail", "figures", "menus", "assignees", "of_conversation", "card", "export"),
    **_need(Permission.TICKETS_READ, "of_conversations"),
    **_need(Permission.TICKETS, "takers", "assign", "move", "note", "prioritise", "undo"),
}
_HEALTH: Rules = {
    **_need(Permission.BASE_WRITE, "look", "plan_menus", "plan_merge"),
    **_need(Permission.BASE_WRITE, "accept_text", "apply_menus", "assign_menu", "merge", "settle", "write_remedy"),
    **_need(Whoever.NOBODY, "close"),
}
_LABORATORY: Rules = {
    **_need(Permission.TUNE, "answers", "compare", "environment", "explain", "export", "history", "in_force", "lost"),
    **_need(Permission.TUNE, "retrieval", "runs", "version", "add_samples", "apply", "apply_again", "go_back"),
    **_need(Permission.TUNE, "start", "stop", "upload"),
    "gold": {
        **_need(Permission.TUNE, "sets", "page", "add", "add_question", "create", "edit", "get", "rename"),
        **_need(Permission.TUNE, "remove", "remove_set", "restore", "restore_set"),
    },
}
_LEARNING: Rules = {
    **_need(Permission.LEARN_READ, "gaps", "figures", "menus", "base_menus", "detail", "outside", "row", "neighbour"),
    **_need(Permission.LEARN_READ, "completed", "remedies", "suggested", "export", "ask_again"),
    **_need(Permission.LEARN_READ, "draft", "save_draft", "add_wording"),
    **_need(Permission.LEARN_PUBLISH, "publish", "undo_publication", "ignore", "reopen", "move", "set_aside"),
    **_need(Permission.LEARN_PUBLISH, "take_in", "merge", "undo"),
    **_need(Whoever.NOBODY, "look"),
}
_SPENDING: Rules = {
    **_need(Permission.FIGURES, "calls", "conversations", "models", "months", "today"),
    **_need(Permission.FIGURES, "report", "reconcile", "invoice_history"),
    **_need(Permission.MONEY, "enter_invoice", "undo_invoice"),
    "tariffs": {
        **_need(Permission.FIGURES, "listed", "price_history", "pricings", "rate_history", "rate_today", "rates", "unpriced"),
        **_need(Permission.MONEY, "price_calls", "set_price", "set_rate", "undo_price", "undo_pricing", "undo_rate"),
        **_need(Whoever.NOBODY, "load", "prices"),
    },
}
_UPLOADS: Rules = {
    **_need(Permission.BASE_WRITE, "draft", "drafts", "imports_count", "progress", "rejected_file", "rejected_rows"),
    **_need(Permission.BASE_WRITE, "confirm", "correct", "discard", "forget", "open"),
}
_VALUE: Rules = {
    **_need(Permission.FIGURES, "report", "resolved"),
    "assumptions": {
        **_need(Permission.FIGURES, "current", "history", "in_force", "quiet"),
        **_need(Permission.MONEY, "save", "go_back"),
    },
    **_need(Whoever.NOBODY, "outcomes"),
}

RULES: Rules = {
    **_need(Whoever.SIGNED_IN, "status", "new_session_id"),
    **_need(Permission.ASK, "answer", "answer_anew", "ask", "go_on", "conversation", "conversations"),
    **_need(Permission.ASK, "escalate", "give_feedback", "handover_text"),
    **_need(Permission.BASE_READ, "case", "case_history", "cases", "changes", "files", "imports", "indexing", "menus"),
    **_need(Permission.BASE_READ, "export_rows", "reported_by", "search", "undo_effect"),
    **_need(Permission.BASE_WRITE, "change_cases", "edit_case", "undo_change", "redo_change"),
    **_need(Permission.BASE_WRITE, "import_files", "preview", "pause_import", "resume_import"),
    **_need(Permission.BASE_WRITE, "remove_samples", "restore_samples"),
    **_need(Permission.FIGURES, "cache_stats", "calls", "costs", "histograms", "performance", "traces"),
    **_need(Whoever.NOBODY, "close", "embedded_texts", "wait_until_indexed", "wait_until_prepared"),
    **_need(Whoever.NOBODY, "write_shipped_vectors"),
    "access": {
        "keys": _need(Permission.PEOPLE, "add", "count", "get", "list", "revoke") | _need(Whoever.NOBODY, "find"),
        **_need(Whoever.NOBODY, "enter"),
    },
    "account": {
        **_need(Whoever.SIGNED_IN, "look", "change_password", "leave"),
        **_need(Whoever.SIGNED_IN, "sessions", "this_session", "end_others", "end_session"),
    },
    "alerts": _ALERTS,
    "answers": _ANSWERS,
    "audit": _AUDIT,
    "backups": _BACKUPS,
    "desk": _DESK,
    "health": _HEALTH,
    "laboratory": _LABORATORY,
    "people": {
        **_need(Permission.PEOPLE, "list", "invite", "new_link", "rename", "set_roles", "disable", "enable"),
        **_need(Permission.PEOPLE, "sessions", "end_sessions"),
    },
    "sign_in": {
        **_need(Whoever.NOBODY, "enter", "enter_vouched", "who", "visit", "was_in", "touch", "leave"),
        **_need(Whoever.NOBODY, "has_admin", "first_link", "link_for", "use_link", "note_refusal"),
        **_need(Whoever.NOBODY, "is_open", "is_open_anywhere", "mode"),
    },
    "learning": _LEARNING,
    "retention": {
        **_need(Permission.ERASE, "archived", "effect", "erase", "terms"),
        **_need(Whoever.NOBODY, "run", "sweep"),
    },
    "speed": _need(Permission.FIGURES, "export_calls", "export_traces", "report", "trace"),
    "spending": _SPENDING,
    "uploads": _UPLOADS,
    "value": _VALUE,
    "vitals": _need(Permission.FIGURES, "look"),
}
"""What each call needs."""

Refused = Callable[[Person, Permission], None]
"""Told of every refusal, for the audit."""


def guarded(engine: "BlockingEngine", who: Callable[[], Person], refused: Refused | None = None) -> "BlockingEngine":
    """The engine behind the table; `who` says at the moment of each call who makes it, or raises SignedOutError.

    Every call may raise ForbiddenError besides what it raises by itself.
    """
    return cast("BlockingEngine", _Guarded(engine, RULES, _Door(who, refused)))


class _Door:
    """Lets whoever acts through, or not."""

    def __init__(self, who: Callable[[], Person], refused: Refused | None) -> None:
        self._who, self._refused = who, refused

    def check(self, rule: Permission | Whoever) -> None:
        """Raises SignedOutError, ForbiddenError."""
        if rule is Whoever.NOBODY:
            raise ForbiddenError("not for pages", name=text("people.permission.nobody"))
        person = self._who()
        if isinstance(rule, Permission) and not person.may(rule):
            if self._refused is not None:
                self._refused(person, rule)
            raise forbidden(rule)


class _Guarded:
    """The engine or one of its rooms; has exactly the names of the table."""

    __slots__ = ("_door", "_room", "_rules")

    def __init__(self, room: object, rules: Rules, door: _Door) -> None:
        self._room, self._rules, self._door = room, rules, door

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        rule = self._rules.get(name)
        if rule is None:
            log.error("%s.%s is in no rule of the guard", type(self._room).__name__, name)
            raise ForbiddenError(f"{name} has no rule", name=text("people.permission.nobody"))
        if isinstance(rule, Mapping):
            return _Guarded(getattr(self._room, name), rule, self._door)
        if inspect.isroutine(inspect.getattr_static(self._room, name, None)):
            return self._call(name, rule)
        self._door.check(rule)
        return getattr(self._room, name)

    def _call(self, name: str, rule: Permission | Whoever) -> Callable[..., Any]:
        """Asks when it is called, not when it is looked up: a button may hold it for long."""

        def call(*arguments: Any, **named: Any) -> Any:
            self._door.check(rule)
            return getattr(self._room, name)(*arguments, **named)

        return call


def forbidden(needed: Permission) -> ForbiddenError:
    """Says in words what is not allowed."""
    return ForbiddenError(f"{needed} is needed", name=text(f"people.permission.{needed}"))
