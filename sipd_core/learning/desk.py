"""The learning desk: what the base lacks, drafts of what it needs, and their publication. Plain calls from any thread.

One reason to change: what people may do about gaps. A remedy is never made up: it is an operator's own words, or what
the admin writes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from sqlalchemy import Connection

from sipd_core.documents import Case, Change, ChangeKind, case_id
from sipd_core.errors import CaseError, GapError, NotFoundError
from sipd_core.knowledge.editing import MAX_CELL
from sipd_core.learning.export import gaps_csv
from sipd_core.learning.model import (
    JUDGED,
    Draft,
    FailingQuestion,
    Gap,
    GapDetail,
    GapEvent,
    GapFigures,
    GapFilter,
    GapPage,
    GapState,
    Remedy,
)
from sipd_core.learning.remedies import OperatorsWords
from sipd_core.privacy import mask
from sipd_core.store.cases import CaseStore
from sipd_core.store.gap_work import GapWork
from sipd_core.store.gaps import GapStore, published
from sipd_core.texts import text

COMPLAINT_LENGTH: Final = 300
"""Characters of a question that become a complaint: the matter stands at its beginning."""
REASON_LENGTH: Final = 500


class Publisher(Protocol):
    """Changes rows as `Engine.change_cases` does, and something else in the same transaction."""

    def __call__(
        self,
        kind: ChangeKind,
        states: Mapping[str, Case | None],
        *,
        actor: str,
        note: str,
        redirects: Mapping[str, str],
        also: Callable[[Connection, Change], None],
    ) -> Change: ...


class LearningDesk:
    """Safe from any thread; every call that changes something is durable on return, and masked."""

    def __init__(
        self,
        store: GapStore,
        work: GapWork,
        cases: CaseStore,
        words: OperatorsWords,
        *,
        publish: Publisher,
        undo: Callable[[str, str], Change],
        look: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        """`look` does all the background work there is now; `wake` lets it be done soon."""
        self._store = store
        self._work = work
        self._cases = cases
        self._words = words
        self._publish = publish
        self._undo = undo
        self._look = look
        self._wake = wake

    # --- what is asked ---------------------------------------------------------------------------------------------

    def gaps(self, wanted: GapFilter, offset: int = 0, limit: int | None = 25) -> GapPage:
        """Gaps that fit: those with the most conversations first, then those most people asked, then the latest."""
        return self._store.page(wanted, offset, limit)

    def figures(self) -> GapFigures:
        """How the loop stands."""
        return self._store.figures()

    def menus(self) -> tuple[str, ...]:
        """The menus of the gaps, by name."""
        return self._store.menus()

    def base_menus(self) -> tuple[str, ...]:
        """The menus of the base, the most frequent first."""
        return tuple(menu for menu, _ in self._cases.menus())

    def detail(self, gap_id: int) -> GapDetail:
        """One gap with its questions and its trail; raises NotFoundError."""
        return self._store.detail(gap_id)

    def outside(self, limit: int = 50) -> tuple[FailingQuestion, ...]:
        """Questions that are of no gap, the most recent first."""
        return self._store.outside(limit)

    def row(self, gap: Gap) -> Case | None:
        """The row of a gap; None when it has none, or it is gone."""
        return self._case(gap.case_id)

    def neighbour(self, gap: Gap) -> Case | None:
        """The nearest row, if it lacks a remedy or what it says did not help: then it may only need to be mended."""
        found = self._case(gap.neighbour)
        doubted = not JUDGED.isdisjoint(gap.failures)
        return found if found is not None and (doubted or not found.remedy) else None

    def completed(self, draft: Draft) -> Case | None:
        """The row that a draft is to complete, if it is there."""
        return self._case(draft.case_id)

    def remedies(self, detail: GapDetail) -> tuple[Remedy, ...]:
        """What operators wrote that solved it, the best first."""
        return self._words.about(detail.questions)

    # --- what people do --------------------------------------------------------------------------------------------

    def suggested(self, detail: GapDetail) -> Draft:
        """The draft that a gap has, or one made of its questions and of what operators wrote; nothing is stored."""
        if detail.gap.draft is not None:
            return detail.gap.draft
        if (row := self.row(detail.gap)) is not None:
            return Draft(row.menu, row.issue, row.remedy, row.id)
        best = next(iter(self.remedies(detail)), None)
        issue, menu = _complaint(detail.gap.title), detail.gap.menu
        if best is None:
            return Draft(menu, issue, "")
        return Draft(menu, issue, best.text, origin=best.origin, source=best.source)

    def draft(self, gap_id: int, *, actor: str) -> Draft:
        """Keep what is suggested as the gap's draft; raises NotFoundError, GapError."""
        suggested = _masked(self.suggested(self.detail(gap_id)))
        self._store.save_draft(gap_id, suggested, actor=actor)
        return suggested

    def save_draft(self, gap_id: int, draft: Draft, *, actor: str) -> None:
        """Keep a draft as a person wrote it, masked; raises NotFoundError, GapError, CaseError when it is too long."""
        self._store.save_draft(gap_id, _checked(draft), actor=actor)

    def publish(self, gap_id: int, draft: Draft, *, actor: str) -> Change:
        """Put a draft into the base, as one change with the gap's own; its questions are asked again by themselves.

        Raises CaseError when it cannot be a row, GapError when the gap is done, NotFoundError.
        """
        written, gap = _whole(_checked(draft)), self._store.get(gap_id)
        if gap.state in (GapState.IGNORED, GapState.MERGED, GapState.EMPTY):
            raise GapError(text_key="learning.error.not_open")
        self._store.save_draft(gap_id, written, actor=actor)
        case = self._target(gap, written)
        key = case_id(case.menu, case.issue)
        note = text("learning.change_note", id=gap.id)

        def also(connection: Connection, change: Change) -> None:
            published(connection, gap_id, case.id, change, actor)

        redirects = {} if key == case.id else {key: case.id}
        change = self._publish(
            ChangeKind.LEARN, {case.id: case}, actor=actor, note=note, redirects=redirects, also=also
        )
        self._wake()
        return change

    def undo_publication(self, gap_id: int, *, actor: str) -> None:
        """Take the row of a gap back, which opens it again; raises GapError when it has none, SipdError."""
        change_id = self._store.get(gap_id).change_id
        if not change_id:
            raise GapError()
        self._undo(change_id, actor)
        self._look()

    def add_wording(self, gap_id: int, turn_id: str, *, actor: str) -> Draft:
        """Let the draft's complaint say it in the words of a question too; raises GapError, NotFoundError, CaseError."""
        detail = self.detail(gap_id)
        question = next((one for one in detail.questions if one.turn_id == turn_id), None)
        if question is None:
            raise GapError()
        draft, wording = self.suggested(detail), _complaint(question.text)
        if wording.casefold() in draft.issue.casefold():
            raise GapError(text_key="learning.error.wording_there")
        draft = replace(draft, issue=f"{draft.issue.rstrip()}\n{wording}")
        self.save_draft(gap_id, draft, actor=actor)
        return draft

    def ignore(self, gap_id: int, reason: str, *, actor: str) -> None:
        """Leave a gap as it is, for a reason; raises GapError, NotFoundError."""
        self._store.ignore(gap_id, _reason(reason), actor=actor)

    def reopen(self, gap_id: int, reason: str, *, actor: str) -> None:
        """Take a gap up again that was closed or ignored; raises GapError, NotFoundError."""
        self._store.reopen(gap_id, _reason(reason), actor=actor)

    def move(self, turn_ids: Sequence[str], gap_id: int, to: int | None, *, actor: str) -> int:
        """Put questions into another gap, or a new one (None); its number. Raises GapError, NotFoundError."""
        goal = self._store.move(turn_ids, gap_id, to, actor=actor)
        self._wake()
        return goal

    def set_aside(self, turn_ids: Sequence[str], gap_id: int, *, actor: str) -> None:
        """Say that questions belong to no gap; raises GapError, NotFoundError."""
        self._store.set_aside(turn_ids, gap_id, actor=actor)
        self._wake()

    def take_in(self, turn_id: str, *, actor: str) -> int:
        """Make a gap of a question that was left out; its number. Raises GapError."""
        made = self._store.take_in(turn_id, actor=actor)
        self._wake()
        return made

    def merge(self, gap_id: int, into: int, *, actor: str) -> None:
        """Let another gap have all questions of this one; raises GapError, NotFoundError."""
        self._store.merge(gap_id, into, actor=actor)
        self._wake()

    def undo(self, gap_id: int, seq: int, *, actor: str) -> GapEvent:
        """Take back what a person did last; raises GapError when `seq` is not that, NotFoundError."""
        undone = self._store.undo(gap_id, seq, actor=actor)
        self._wake()
        return undone

    def ask_again(self, gap_id: int) -> None:
        """Ask the questions of a gap again, now; raises SipdError."""
        self._work.ask_again(gap_id)
        self._look()

    def look(self) -> None:
        """Do all the background work there is, to its end; raises SipdError."""
        self._look()

    def export(self, wanted: GapFilter) -> bytes:
        """The gaps that fit as CSV, safe to open in a spreadsheet; times are Jakarta's."""
        return gaps_csv(self.gaps(wanted, limit=None).gaps)

    # --- how it is done --------------------------------------------------------------------------------------------

    def _case(self, id_: str) -> Case | None:
        if not id_:
            return None
        try:
            return self._cases.get(id_)
        except NotFoundError:
            return None

    def _target(self, gap: Gap, draft: Draft) -> Case:
        """The row that a draft becomes: the gap's own or the one it completes, the one that says the same, or a new one."""
        key = case_id(draft.menu, draft.issue)
        own, same = self.row(gap) or self._case(draft.case_id), self._case(key)
        if own is not None and same is not None and same.id != own.id:
            raise CaseError("repeats another row", text_key="changes.repeats", file=same.file, row=same.row)
        if (there := own or same) is not None:
            edited = replace(there, menu=draft.menu, issue=draft.issue, remedy=draft.remedy)
            return replace(edited, enabled=True, sample=False)
        fresh = Case(key, draft.menu, draft.issue, "", "", "", "", text("changes.written"), None, gap.id)
        return replace(fresh, remedy=draft.remedy)


def _complaint(said: str) -> str:
    """A question as a complaint: its own words, cut at a sentence or a word where it is long."""
    line = " ".join(said.split())
    if len(line) <= COMPLAINT_LENGTH:
        return line
    cut = line[:COMPLAINT_LENGTH]
    end = max(cut.rfind(mark) for mark in (". ", "? ", "! "))
    return cut[: end + 1] if end > COMPLAINT_LENGTH // 3 else cut.rsplit(" ", 1)[0]


def _masked(draft: Draft) -> Draft:
    menu, issue, remedy = (mask(said.strip()).text for said in (draft.menu, draft.issue, draft.remedy))
    return replace(draft, menu=menu, issue=issue, remedy=remedy)


def _checked(draft: Draft) -> Draft:
    written = _masked(draft)
    if max(map(len, (written.menu, written.issue, written.remedy))) > MAX_CELL:
        raise CaseError("too long", text_key="changes.too_long", limit=MAX_CELL)
    return written


def _whole(draft: Draft) -> Draft:
    """Raises CaseError for a draft that cannot answer anything."""
    if not any(sign.isalnum() for sign in draft.issue):
        raise CaseError("no complaint", text_key="changes.no_issue")
    for name in ("menu", "remedy"):
        if not any(sign.isalnum() for sign in getattr(draft, name)):
            raise CaseError(f"no {name}", text_key=f"learning.error.no_{name}")
    return draft


def _reason(said: str) -> str:
    return mask(said.strip()).text[:REASON_LENGTH]
