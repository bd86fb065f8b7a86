"""The words of the learning loop: a question that failed, a gap in the base, what becomes of it. Values and pure decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sipd_core.chat.turn import Verdict


class Failure(StrEnum):
    """Why a question counts as not answered."""

    NOT_FOUND = "not_found"
    PARTIAL = "partial"
    """Only a precedent or a doubtful case was there, and nothing says that it helped."""
    THUMB_DOWN = "thumb_down"
    TICKET = "ticket"
    """A person solved it at the escalation desk."""


JUDGED = frozenset({Failure.THUMB_DOWN, Failure.TICKET})
"""Failures that people saw: a search that finds something is no proof against them unless the row is newer."""


class GapState(StrEnum):
    """Where a gap stands."""

    OPEN = "open"
    DRAFT = "draft"
    PUBLISHED = "published"
    """Its row is in the base; not all of its questions are answered yet."""
    CLOSED = "closed"
    IGNORED = "ignored"
    MERGED = "merged"
    """Its questions went to another gap."""
    EMPTY = "empty"
    """Its questions are gone: moved elsewhere one by one, or deleted with their conversations."""


HIDDEN = (GapState.MERGED, GapState.EMPTY)
"""States that the work list leaves out."""
TO_DO = (GapState.OPEN, GapState.DRAFT, GapState.PUBLISHED)
"""States in which somebody or something still has to act."""


class GapEventKind(StrEnum):
    """What can happen to a gap."""

    OPENED = "opened"
    JOINED = "joined"
    """Further questions of the same meaning failed."""
    REGROUPED = "regrouped"
    """Questions were put elsewhere because their meaning fits better there."""
    DRAFTED = "drafted"
    PUBLISHED = "published"
    ASKED = "asked"
    """Its questions were asked again."""
    CLOSED = "closed"
    REOPENED = "reopened"
    RETURNED = "returned"
    """The row that was gone is back."""
    IGNORED = "ignored"
    MOVED = "moved"
    """A question was moved to another gap."""
    RECEIVED = "received"
    """A question came from another gap."""
    SET_ASIDE = "set_aside"
    """A question belongs to no gap."""
    MERGED = "merged"
    ABSORBED = "absorbed"
    """Another gap was merged into this one."""
    UNDONE = "undone"


UNDOABLE = frozenset(
    {GapEventKind.IGNORED, GapEventKind.REOPENED, GapEventKind.MOVED, GapEventKind.SET_ASIDE, GapEventKind.MERGED}
)
"""What people do that can be taken back here; a publication is undone as the change of rows that it is."""


class Reopening(StrEnum):
    """Why a gap is open again."""

    BY_HAND = "by_hand"
    UNDONE = "undone"
    """Its change of rows was undone."""
    GONE = "gone"
    """Its row was deleted."""
    DISABLED = "disabled"
    FAILED_AGAIN = "failed_again"
    """A question of the same meaning failed since."""
    UNANSWERED = "unanswered"
    """Asked again, a question is not answered any more."""


class RemedyOrigin(StrEnum):
    """Where the words of a remedy come from: always from a person."""

    APPROVED = "approved"
    EDITED = "edited"
    """An answer that an operator worded anew."""
    TICKET = "ticket"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Remedy:
    """An operator's answer that a draft can take its remedy from, masked."""

    text: str
    origin: RemedyOrigin
    source: str
    """Number of the ticket, or id of the turn."""
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A row on its way into the base, masked."""

    menu: str
    issue: str
    remedy: str
    case_id: str = ""
    """The row that it completes; empty: a new one."""
    origin: RemedyOrigin = RemedyOrigin.WRITTEN
    source: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of asking a question again."""

    at: datetime
    verdict: Verdict
    relevance: float
    from_row: bool
    """The gap's row is among the sources."""


class Shortfall(StrEnum):
    """Why a question still keeps its gap open, though the row is there; the value names its entry in `learning.toml`."""

    NOT_ASKED = "not_asked"
    NOT_FOUND = "not_found"
    PARTIAL = "partial"
    OTHER_ROW = "other_row"
    """It is answered, but not by this gap's row."""
    NOT_HELPFUL = "not_helpful"
    """A person said that the answer did not help, after the row was as it is now."""


@dataclass(frozen=True, slots=True)
class FailingQuestion:
    """A question of a conversation that was not answered; its text is masked."""

    turn_id: str
    conversation_id: str
    at: datetime
    """When it was asked. Timezone-aware, UTC, as all times here."""
    text: str
    failures: frozenset[Failure]
    failed_at: datetime
    """When it was last seen to fail: asked, judged, or solved by a person."""
    gap_id: int | None = None
    """None: it is of no gap."""
    pinned: bool = False
    """A person put it where it is."""
    proof: Proof | None = None

    def shortfall(self, published_at: datetime | None) -> Shortfall | None:
        """What it lacks to count as answered by a row that is as it is since `published_at`; None: nothing."""
        proof = self.proof
        if proof is None or published_at is None or proof.at < published_at:
            return Shortfall.NOT_ASKED
        if proof.verdict is not Verdict.FOUND:
            return Shortfall.PARTIAL if proof.verdict is Verdict.PARTIAL else Shortfall.NOT_FOUND
        if not proof.from_row:
            return Shortfall.OTHER_ROW
        judged = not JUDGED.isdisjoint(self.failures)
        return Shortfall.NOT_HELPFUL if judged and self.failed_at > published_at else None


@dataclass(frozen=True, slots=True)
class Gap:
    """A matter that the base does not answer, as the work list shows it; texts are masked."""

    id: int
    state: GapState
    created_at: datetime
    updated_at: datetime
    menu: str
    """Guessed from the nearest cases; empty while none was looked for, or none is near."""
    title: str
    """The most typical of its questions."""
    questions: int
    conversations: int
    """How often it has hit somebody. At a help desk one operator asks for many callers, each in a conversation of his own,
    so these are counted first; one person who asks the same again and again shows in `askers`."""
    askers: int
    """Accounts and keys that asked, as far as they are known: 0 in open mode."""
    first_at: datetime | None
    last_at: datetime | None
    failures: frozenset[Failure]
    draft: Draft | None = None
    case_id: str = ""
    """The row that was published for it."""
    change_id: str = ""
    published_at: datetime | None = None
    closed_at: datetime | None = None
    answered: int = 0
    """Questions that are answered by the row as it is now."""
    neighbour: str = ""
    """Id of the nearest row in the base, which may be what only needs to be completed."""
    reopening: Reopening | None = None
    """Why it is open again, if it is."""
    merged_into: int | None = None
    note: str = ""
    """Why it is ignored."""

    @property
    def unproven(self) -> bool:
        """Its row is there, its questions were asked again, and not all are answered."""
        return self.state is GapState.PUBLISHED and self.answered < self.questions


@dataclass(frozen=True, slots=True)
class GapEvent:
    """One line of a gap's trail; nothing is ever changed in it, and it is kept for ever."""

    seq: int
    at: datetime
    actor: str
    """Empty: the console by itself."""
    kind: GapEventKind
    note: str = ""
    """What a person wrote, masked."""
    questions: int = 0
    answered: int = 0
    other: int | None = None
    """The other gap of a move or a merge."""
    change_id: str = ""
    reopening: Reopening | None = None
    turn_ids: tuple[str, ...] = ()
    """Questions it is about."""
    before: GapState | None = None
    undoes: int | None = None
    undone_by: int | None = None


@dataclass(frozen=True, slots=True)
class GapDetail:
    """All there is to know of one gap."""

    gap: Gap
    questions: tuple[FailingQuestion, ...]
    """The most recent first."""
    events: tuple[GapEvent, ...]
    """Oldest first."""

    @property
    def undoable(self) -> GapEvent | None:
        """What a person did last, if it can be taken back."""
        return undoable(self.events)


@dataclass(frozen=True, slots=True)
class GapFilter:
    """What of the work list is wanted; everything by default, merged ones left out."""

    search: str = ""
    states: tuple[GapState, ...] = ()
    failure: Failure | None = None
    menu: str | None = None


@dataclass(frozen=True, slots=True)
class GapPage:
    """A piece of the work list."""

    gaps: tuple[Gap, ...]
    total: int


@dataclass(frozen=True, slots=True)
class GapFigures:
    """How the loop stands."""

    by_state: dict[GapState, int]
    closed_this_week: int
    """Closed within seven days and closed still."""
    to_close: timedelta | None
    """Median time from the first failing question to the closing, of the gaps that are closed."""
    outside: int
    """Questions that were taken for no matter of this help desk."""

    @property
    def open(self) -> int:
        return sum(self.by_state.get(state, 0) for state in TO_DO)

    @property
    def total(self) -> int:
        return sum(self.by_state.values())


def undoable(events: Sequence[GapEvent]) -> GapEvent | None:
    """The last thing that a person did, if it can be taken back; what came after by itself does not count."""
    done = [event for event in events if event.actor and event.undone_by is None and event.undoes is None]
    last = max(done, key=lambda event: event.seq, default=None)
    return last if last and last.kind in UNDOABLE else None
