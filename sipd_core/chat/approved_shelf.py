"""The approved answer to a question, if there is one that may be served. One reason to change: when it may be.

It must have been approved for the very same question (sameness.py), every case it rests on must be what it was, and
nobody may have doubted or withdrawn it. Whatever is uncertain is not served.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from sipd_core.chat.approval import ApprovedAnswer, Standing, standing_of
from sipd_core.chat.sameness import Asked, agree, asked, is_same, may_be_same
from sipd_core.chat.turn import AnsweredBy, Approval, Turn
from sipd_core.documents import Case, Hit
from sipd_core.errors import EmbeddingError
from sipd_core.knowledge.base import KnowledgeBase, SearchResult
from sipd_core.store.approved_answers import ApprovedAnswerStore, Stamp
from sipd_core.store.cases import CaseStore

log = logging.getLogger(__name__)

Kept = tuple[Asked, ApprovedAnswer]


@dataclass(frozen=True, slots=True)
class Serving:
    """An approved answer that may be served."""

    approved: ApprovedAnswer
    cases: tuple[Case, ...]
    """Those it rests on, in order."""


class ApprovedShelf:
    """Follows the store, whoever writes to it; safe from any thread."""

    def __init__(self, store: ApprovedAnswerStore, cases: CaseStore, base: KnowledgeBase) -> None:
        self._store = store
        self._cases = cases
        self._base = base
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._kept: tuple[Kept, ...] = ()

    async def find(self, question: str, found: SearchResult) -> Serving | None:
        """What to serve for a masked question that the base was searched for; raises StoreError."""
        wanted = await to_thread.run_sync(asked, question)
        kept = await to_thread.run_sync(self._read)
        same = [approved for other, approved in kept if is_same(wanted, other)]
        near = [] if same else [one for one in kept if may_be_same(wanted, one[0])]
        if near:
            same = await self._agreed(near, found)
        return await to_thread.run_sync(self._first_live, same) if same else None

    async def _agreed(self, near: Sequence[Kept], found: SearchResult) -> list[ApprovedAnswer]:
        """Those of which the model and the search say the same as the words."""
        if found.vector is None:
            return []
        try:
            vectors = await self._base.question_vectors([one.text for one, _ in near])
        except EmbeddingError as error:
            log.warning("questions of approved answers could not be embedded: %s", type(error).__name__)
            return []
        if vectors is None or vectors.shape[1] != len(found.vector):
            return []
        hits = {hit.case.id for hit in found.hits}
        return [
            approved
            for (_, approved), vector in zip(near, vectors, strict=True)
            if agree(found.vector, vector) and _found_too(approved, hits)
        ]

    def _first_live(self, same: Sequence[ApprovedAnswer]) -> Serving | None:
        """The newest one that stands."""
        cases = self._cases.some({one.case_id for approved in same for one in approved.rests_on})
        for one in (standing_of(approved, cases) for approved in same):
            if one.standing is Standing.LIVE:
                return Serving(one.approved, tuple(case for case in one.cases if case))
        return None

    def _read(self) -> tuple[Kept, ...]:
        stamp = self._store.stamp()
        with self._lock:
            if stamp != self._stamp:
                known = {approved.question: question for question, approved in self._kept}
                live = [one for one in self._store.all() if one.withdrawn_at is None]
                self._kept = tuple((known.get(one.question) or asked(one.question), one) for one in live)
                self._stamp = stamp
            return self._kept


def served(turn: Turn, serving: Serving) -> Turn:
    """The turn with the approved answer in the place of its own; what the search found and judged stays."""
    approved, found = serving.approved, {hit.case.id: hit for hit in turn.sources}
    first = [found.get(case.id) or Hit(case, relevance=0.0, vector=0.0, lexical=0.0) for case in serving.cases]
    rests = {hit.case.id for hit in first}
    return replace(
        turn,
        response=approved.answer,
        for_caller=approved.answer,
        answered_by=AnsweredBy.APPROVED,
        context_used=bool(rests),
        sources=(*first, *(hit for hit in turn.sources if hit.case.id not in rests)),
        cited=tuple(hit.case.id for hit in first),
        approval=Approval(approved.id, approved.confirmed_by, approved.confirmed_at, approved.question),
    )


def _found_too(approved: ApprovedAnswer, hits: set[str]) -> bool:
    """The search finds one of the cases it rests on for this question too."""
    return not approved.rests_on or any(one.case_id in hits for one in approved.rests_on)
