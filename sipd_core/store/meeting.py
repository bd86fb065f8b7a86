"""How a row of a file meets the row that is there. One reason to change: whose word counts when they differ.

Pure. A person's decision (an edit, a deletion, a merge) stands against the file that was known when it was made; what
a later file says anew is taken over, field by field, unless the person changed that field too.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from sipd_core.documents import Case

CONTENT = ("menu", "issue", "expected", "note_dev", "note_qa", "status", "remedy")
"""What makes two rows the same, wherever they stand."""


class Meeting(StrEnum):
    """How it went."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """As `unchanged`, because a person decided so."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the row that a file's row stands for."""

    current: Case | None
    """The row as it is, None when there is none."""
    imported: Case | None
    """What the newest import said of it; None when no import ever did, or all are undone."""
    decided: bool
    """The newest change of the row is a person's."""


def meet(incoming: Case, known: Known, *, merged: bool = False) -> tuple[Meeting, Case | None]:
    """How `incoming` meets what is known, and the row as it is then.

    `merged`: the row was merged into the current one, which says nothing of what this file's row says.
    """
    current = known.current
    if current is None:
        seen = known.imported is not None or known.decided
        return (Meeting.KEPT, None) if seen else (Meeting.NEW, incoming)
    if merged:
        return Meeting.KEPT, current
    if same(incoming, current):
        return (Meeting.KEPT if known.decided else Meeting.UNCHANGED), current
    if not known.decided:
        return Meeting.CHANGED, incoming
    result = combined(incoming, known.imported or current, current)
    return (Meeting.KEPT if same(result, current) else Meeting.CHANGED), result


def combined(incoming: Case, before: Case, current: Case) -> Case:
    """The current row with every field that the file says anew and that the person left as it was."""
    fresh = {
        name: getattr(incoming, name)
        for name in CONTENT
        if getattr(incoming, name) != getattr(before, name) and getattr(current, name) == getattr(before, name)
    }
    return replace(current, **fresh)


def same(case: Case, other: Case) -> bool:
    """Equal in content. A sample row uploaded again as it is (out of an export) stays a sample."""
    return all(getattr(case, name) == getattr(other, name) for name in CONTENT)
