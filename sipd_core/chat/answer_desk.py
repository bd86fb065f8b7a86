"""What people do to answers: word them anew, choose a version, approve one for the next time it is asked, take that back.

One reason to change: which answers may be edited and approved.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sipd_core.chat.answer_cache import same_question
from sipd_core.chat.approval import (
    ApprovedAnswer,
    Listed,
    RestsOn,
    Standing,
    case_state,
    found_in,
    standing_of,
)
from sipd_core.chat.escalation import is_for_a_person
from sipd_core.chat.handover import is_own_words
from sipd_core.chat.memory import Memory
from sipd_core.chat.signals import read_signals
from sipd_core.chat.turn import AnsweredBy, Exchange, Turn, VersionKind
from sipd_core.documents import Case
from sipd_core.errors import ApprovalError, NotFoundError
from sipd_core.locale_id import JAKARTA
from sipd_core.privacy import mask
from sipd_core.store.answer_versions import AnswerVersionStore
from sipd_core.store.approved_answers import ApprovedAnswerStore
from sipd_core.store.cases import CaseStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.tables.exports import write_csv
from sipd_core.texts import text

LONGEST = 6_000
"""Characters of an edited answer: two screens, more than any chat message takes."""
EXPORTED = (
    "question", "answer", "standing", "approved_by", "approved_at", "confirmed_by", "confirmed_at", "served", "last_served",
    "helpful", "unhelpful", "cases", "withdrawn_by", "withdrawn_at", "id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Approvable:
    """An answer that can be approved, as it would be."""

    question: str
    answer: str
    cases: tuple[Case, ...]
    """Those it rests on, as they are now; none: on a person's word alone."""
    instead_of: tuple[ApprovedAnswer, ...]
    """Approved answers to the same question, which are withdrawn with it."""


class AnswerDesk:
    """Safe from any thread; what is written is masked first, and durable on return."""

    def __init__(
        self,
        conversations: ConversationStore,
        versions: AnswerVersionStore,
        approved: ApprovedAnswerStore,
        cases: CaseStore,
    ) -> None:
        self._conversations = conversations
        self._versions = versions
        self._cases = cases
        self._approved = approved

    def edit(self, turn_id: str, wording: str, *, actor: str) -> Turn:
        """Keep a person's wording beside an answer and let it count; raises ApprovalError, NotFoundError."""
        written = mask(wording.strip()).text
        if not written:
            raise ApprovalError("an empty answer", text_key="approved.error.empty")
        if len(written) > LONGEST:
            raise ApprovalError("an answer too long", text_key="approved.error.long", limit=LONGEST)
        before = self._conversations.before(turn_id, 0).exchange.answer
        edited = replace(
            before, response=written, for_caller=written, stopped=False, cut=False, caution="", approval=None
        )
        self._versions.add(turn_id, VersionKind.EDITED, edited, actor=actor)
        return edited

    def choose(self, turn_id: str, version: int) -> None:
        """Let this version of an answer count, 0 for the first one; raises NotFoundError."""
        self._versions.choose(turn_id, version)

    def approvable(self, turn_id: str) -> Approvable:
        """What would be approved; raises ApprovalError when the answer cannot be, NotFoundError."""
        there = self._conversations.before(turn_id, 0)
        _check(there.exchange, Memory.from_json(there.state))
        answer, question = there.exchange.answer, there.exchange.message
        now = self._cases.some(_rests_on(answer))
        cases = tuple(case for case in (now.get(id_) for id_ in _rests_on(answer)) if case and case.enabled)
        key = same_question(question)
        same = tuple(
            one for one in self._approved.all() if one.withdrawn_at is None and same_question(one.question) == key
        )
        return Approvable(question, answer.for_caller or answer.response, cases, same)

    def approve(self, turn_id: str, *, actor: str) -> str:
        """Let an answer be served first when its question is asked again; returns its id. Raises as `approvable`."""
        wanted = self.approvable(turn_id)
        rests_on = tuple(RestsOn(case.id, case_state(case)) for case in wanted.cases)
        instead_of = tuple(one.id for one in wanted.instead_of)
        return self._approved.add(
            wanted.question, wanted.answer, turn_id, rests_on, actor=actor, instead_of=instead_of
        )

    def withdraw(self, id_: str, *, actor: str) -> None:
        """Serve it no more; raises NotFoundError, ApprovalError."""
        self._approved.withdraw(id_, actor=actor)

    def restore(self, id_: str, *, actor: str) -> None:
        """Take a withdrawal back; raises NotFoundError, ApprovalError when the question has another answer by now."""
        one = self.listed_one(id_).approved
        key = same_question(one.question)
        others = (other for other in self._approved.all() if other.id != id_ and other.withdrawn_at is None)
        if any(same_question(other.question) == key for other in others):
            raise ApprovalError("another one stands", text_key="approved.error.another")
        self._approved.restore(id_, actor=actor)

    def confirm(self, id_: str, *, actor: str) -> None:
        """Say anew that it holds, with the cases it rests on as they are now; raises NotFoundError, ApprovalError."""
        one = self.listed_one(id_)
        rests_on = tuple(RestsOn(case.id, case_state(case)) for case in one.cases if case and case.enabled)
        self._approved.confirm(id_, rests_on, actor=actor)

    def listed(self, search: str = "", standings: Sequence[Standing] = ()) -> tuple[Listed, ...]:
        """Approved answers that fit, the newest first."""
        kept = self._approved.all()
        cases = self._cases.some({one.case_id for approved in kept for one in approved.rests_on})
        there = found_in([standing_of(approved, cases) for approved in kept], search)
        return tuple(one for one in there if not standings or one.standing in standings)

    def listed_one(self, id_: str) -> Listed:
        """One approved answer; raises NotFoundError."""
        for one in self.listed():
            if one.approved.id == id_:
                return one
        raise NotFoundError(what=text("approved.what.approved"))

    def is_approved(self, turn_id: str) -> bool:
        """Whether an approved answer was made of this one and is not withdrawn."""
        return self._approved.is_made_of(turn_id)

    def export(self, search: str = "", standings: Sequence[Standing] = ()) -> bytes:
        """Those that fit as CSV, safe to open in a spreadsheet; times are Jakarta's."""
        file = io.BytesIO()
        header = [text(f"approved.export.{name}") for name in EXPORTED]
        write_csv(file, header, map(_cells, self.listed(search, standings)))
        return file.getvalue()


def unfit(exchange: Exchange) -> str:
    """Why an answer would never be served however often it is asked again: a name of `approved.error`; empty when it may be.

    What a person must decide is never answered otherwise, and the console's own words without a case say nothing.
    """
    answer = exchange.answer
    if not answer.searched:
        return "talk"
    if answer.stopped or answer.cut:
        return "part"
    if answer.context_used or answer.answered_by is not AnsweredBy.LOCAL:
        return ""
    if is_for_a_person(read_signals(exchange.message)):
        return "handed_on"
    return "" if is_own_words(exchange) else "nothing"


def _check(exchange: Exchange, memory: Memory) -> None:
    """Raises ApprovalError when an answer says nothing by itself, or its question means nothing without what went before."""
    problem = unfit(exchange)
    if problem not in ("talk", "part") and memory.problem != exchange.message:
        problem = "follow_up"
    if problem:
        raise ApprovalError(problem, text_key=f"approved.error.{problem}")


def _rests_on(answer: Turn) -> tuple[str, ...]:
    """Ids of the cases that an answer rests on."""
    if answer.cited:
        return answer.cited
    return tuple(hit.case.id for hit in answer.sources[:1]) if answer.context_used else ()


def _cells(one: Listed) -> list[object]:
    approved = one.approved
    cases = "; ".join(f"{case.file}:{case.row}" for case in one.cases if case)
    return [
        approved.question,
        approved.answer,
        text(f"approved.standing.{one.standing}"),
        approved.actor,
        _local(approved.at),
        approved.confirmed_by,
        _local(approved.confirmed_at),
        approved.served,
        _local(approved.last_served_at),
        approved.helpful,
        approved.unhelpful,
        cases,
        approved.withdrawn_by,
        _local(approved.withdrawn_at),
        approved.id,
    ]


def _local(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(JAKARTA):%Y-%m-%d %H:%M:%S}"
