"""The learning loop in words, and the looks of its states; not yet escaped unless it says so."""

from collections.abc import Iterable

from pages.shell.cards import badge
from sipd_core.learning.model import Failure, Gap, GapEvent, GapEventKind, GapState
from sipd_core.locale_id import UNKNOWN, local_day, number
from sipd_core.texts import text

STATE_LOOKS = {
    GapState.OPEN: ("red", "error"),
    GapState.DRAFT: ("violet", "edit_note"),
    GapState.PUBLISHED: ("orange", "hourglass_top"),
    GapState.CLOSED: ("green", "check_circle"),
    GapState.IGNORED: ("gray", "do_not_disturb_on"),
    GapState.MERGED: ("gray", "merge"),
    GapState.EMPTY: ("gray", "hide_source"),
}
EVENT_ICONS = {
    GapEventKind.OPENED: "add_circle",
    GapEventKind.JOINED: "group_add",
    GapEventKind.REGROUPED: "account_tree",
    GapEventKind.DRAFTED: "edit_note",
    GapEventKind.PUBLISHED: "publish",
    GapEventKind.ASKED: "quiz",
    GapEventKind.CLOSED: "check_circle",
    GapEventKind.REOPENED: "replay",
    GapEventKind.RETURNED: "settings_backup_restore",
    GapEventKind.IGNORED: "do_not_disturb_on",
    GapEventKind.MOVED: "drive_file_move",
    GapEventKind.RECEIVED: "move_to_inbox",
    GapEventKind.SET_ASIDE: "block",
    GapEventKind.MERGED: "merge",
    GapEventKind.ABSORBED: "call_merge",
    GapEventKind.UNDONE: "undo",
}
_WITH_OTHER = frozenset({GapEventKind.MOVED, GapEventKind.RECEIVED, GapEventKind.REGROUPED})


def state_badge(gap: Gap) -> str:
    """Markdown of where a gap stands."""
    color, icon = STATE_LOOKS[gap.state]
    return badge(color, state_name(gap), icon)


def state_name(gap: Gap) -> str:
    """The same as a word; a row that was asked for in vain is told apart from one that nobody asked yet."""
    unproven = gap.unproven and gap.answered > 0
    return text("learning.state.partly") if unproven else text(f"learning.state.{gap.state}")


def reasons(failures: Iterable[Failure]) -> str:
    """Why questions failed, in one line."""
    return ", ".join(text(f"learning.failure.{one}") for one in Failure if one in failures)


def span_of(gap: Gap) -> str:
    """First and last day on which it was asked."""
    if gap.first_at is None or gap.last_at is None:
        return UNKNOWN
    first, last = local_day(gap.first_at), local_day(gap.last_at)
    return first if first == last else text("learning.span", first=first, last=last)


def told(event: GapEvent) -> str:
    """One line of the trail."""
    if event.undoes is not None:
        return text("learning.event.undone")
    n = number(event.questions)
    if event.kind in _WITH_OTHER:
        where = "other" if event.other else "new"
        return text(f"learning.event.{event.kind}_{where}", n=n, other=event.other or "")
    why = text(f"learning.reopening.{event.reopening}") if event.reopening else ""
    answered = number(event.answered)
    return text(f"learning.event.{event.kind}", n=n, answered=answered, other=event.other or "", why=why)
