"""The learning loop's background work: failing questions come in, are put into gaps, and are asked again.

One reason to change: when the loop does what. It never calls a paid model: vectors of questions are those the console has.
"""

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import inf
from typing import Final

import numpy as np
from anyio import Event, Lock, move_on_after, to_thread

from sipd_core.courtesy import Courtesy
from sipd_core.errors import SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.learning.grouping import Asked
from sipd_core.learning.intake import failed_questions
from sipd_core.learning.model import JUDGED, FailingQuestion, GapState, Proof
from sipd_core.learning.placing import anew, homes, made_ready, menu_of, strange
from sipd_core.store.cases import CaseStore
from sipd_core.store.gap_intake import Candidate
from sipd_core.store.gap_proving import Watched
from sipd_core.store.gap_work import GapWork
from sipd_core.store.times import moment

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 3.0
"""How soon a thumb, a solved ticket, or what another process did is noticed; a failed answer is at once."""
RETRY_SECONDS: Final = 30.0
BATCH: Final = 500
"""Failures of one kind looked through at once."""
PORTION: Final = 100
"""Questions written at once: so many that whoever wants to write beside waits for a moment only."""
COMPARED: Final = 20_000
"""Questions of gaps that further ones are compared with, the most recent ones."""
REGROUP_SECONDS: Final = 600.0
ASK_AGAIN_SECONDS: Final = 600.0
"""How soon a question that is not answered yet is asked again because something else in the base changed."""
UNREAD_SECONDS: Final = 120.0
"""How long a row is waited for that no model has read; then its words must do."""
OVERLAP: Final = 900.0
"""Seconds looked back behind what was seen last: a slow transaction shows what it did late."""
GUESSED: Final = 20
VOTERS: Final = 40
"""Nearest cases that vote for the menu of a gap: the right one is among the first three in nine of ten (MEASURED)."""
READ_AT_ONCE: Final = 8
"""Questions the bundled model reads, on one core, before others get a turn."""
SEEN_STATE: Final = "learning_taken_in"
"""Up to when everything that failed has come in."""
SETTLED_STATE: Final = "learning_settled"
"""The model with which the last regrouping found all questions where they belong; empty while some came in since."""
WORDS_ALONE: Final = "words"
"""Stands for the model while there is none."""
NO_NEIGHBOUR: Final = "-"
NEAR_ENOUGH: Final = 0.05
"""Relevance from which the nearest row is named."""


class Learner:
    """Runs on the engine's loop; what it writes is durable and can be done again."""

    def __init__(
        self,
        work: GapWork,
        cases: CaseStore,
        base: KnowledgeBase,
        courtesy: Courtesy,
        *,
        ready: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._work = work
        self._cases = cases
        self._base = base
        self._courtesy = courtesy
        self._ready = ready
        self._clock = clock
        self._awaited = 0
        """People who wait for a look to end: it does not pause for others then."""
        self._wake = Event()
        self._working = Lock()
        self._known: dict[str, Asked] = {}
        self._known_of = ""
        """The model and calibration that `_known` was made with."""
        self._regrouped_at: float | None = None

    def wake(self) -> None:
        """Look now: something may have failed. Call it on the engine's loop."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; it never takes the engine down with it."""
        await self._ready()
        while True:
            pause = LOOK_SECONDS
            try:
                await self._look()
            except SipdError as error:
                log.warning("the learning loop pauses: %s", error)
                pause = RETRY_SECONDS
            except Exception:
                log.exception("the learning loop stumbled (code %s)", uuid.uuid4().hex[:8])
                pause = RETRY_SECONDS
            with move_on_after(pause):
                await self._wake.wait()
            self._wake = Event()

    async def look(self) -> None:
        """One look at everything there is to do, to its end, for somebody who waits for it; raises SipdError."""
        self._awaited += 1
        try:
            await self._look()
        finally:
            self._awaited -= 1

    async def _look(self) -> None:
        await self._ready()
        async with self._working:
            await self._take_in()
            while waiting := await to_thread.run_sync(self._work.waiting, PORTION):
                await self._place(waiting)
            await self._regroup()
            await to_thread.run_sync(self._work.settle)
            await self._guess()
            await self._prove()

    # --- questions come in -----------------------------------------------------------------------------------------

    async def _take_in(self) -> None:
        stored = await to_thread.run_sync(self._cases.state, SEEN_STATE)
        seen = float(stored or 0.0)
        await to_thread.run_sync(self._work.forgive)
        limit, whole = BATCH, 0.0
        while whole < inf:
            found, whole = await to_thread.run_sync(self._work.candidates, max(seen - OVERLAP, 0.0), limit)
            await self._add(found)
            latest = whole if whole < inf else max((one.failed_at for one in found), default=seen)
            limit = BATCH if latest > seen else limit * 2  # more of one kind than that within the overlap
            if latest > seen:
                seen = latest
                await to_thread.run_sync(self._cases.set_state, SEEN_STATE, repr(seen))

    async def _add(self, found: Sequence[Candidate]) -> None:
        for at in range(0, len(found), PORTION):
            began = time.monotonic()
            failed = await to_thread.run_sync(failed_questions, self._work, found[at : at + PORTION])
            await to_thread.run_sync(self._work.add, failed)
            await self._rest(began)

    async def _place(self, waiting: Sequence[FailingQuestion]) -> None:
        """Put questions into the gaps they belong to, or into new ones."""
        began = time.monotonic()
        members = await to_thread.run_sync(self._work.members, COMPARED)
        outside = await self._outside(waiting)
        compared = await self._compared([*(one.turn_id for one in members), *(one.turn_id for one in waiting)])
        inside = [compared[one.turn_id] for one in waiting if one.turn_id in compared and one.turn_id not in outside]
        groups = await to_thread.run_sync(homes, members, compared, inside, self._breather())
        await to_thread.run_sync(self._cases.set_state, SETTLED_STATE, "")
        made = await to_thread.run_sync(self._work.place, groups, sorted(outside))
        log.info("%d failing questions came in, %d new gaps, %d outside", len(waiting), made, len(outside))
        await self._rest(began)

    async def _outside(self, questions: Sequence[FailingQuestion]) -> set[str]:
        """Questions that are no matter of this help desk; what a person judged or solved always is one."""
        doubted = [one for one in questions if JUDGED.isdisjoint(one.failures)]
        calibration, outside = self._base.calibration, set[str]()
        for start in range(0, len(doubted), READ_AT_ONCE):
            began, some = time.monotonic(), doubted[start : start + READ_AT_ONCE]
            vectors = await self._base.at_hand([one.text for one in some])
            outside |= await to_thread.run_sync(strange, some, vectors, calibration)
            await self._rest(began)
        return outside

    async def _compared(self, ids: Iterable[str]) -> dict[str, Asked]:
        """Questions made ready for comparison, by turn; each is read once as long as the same model serves."""
        side, calibration = self._base.serving, self._base.calibration
        mean = np.asarray(calibration.mean_query, np.float32) if calibration.has_vectors else None
        made_with = f"{side.name if side else ''}/{hash(calibration.mean_query)}"
        if made_with != self._known_of:
            self._known, self._known_of = {}, made_with
        wanted = list(ids)
        missing = [id_ for id_ in wanted if id_ not in self._known]
        for start in range(0, len(missing), READ_AT_ONCE):
            began = time.monotonic()
            texts = await to_thread.run_sync(self._work.texts, missing[start : start + READ_AT_ONCE])
            vectors = await self._base.at_hand(list(texts.values()))
            self._known |= await to_thread.run_sync(made_ready, texts, vectors, mean)
            await self._rest(began)
        self._known = {id_: self._known[id_] for id_ in wanted if id_ in self._known}
        return self._known

    async def _regroup(self) -> None:
        """Now and then look at all questions anew that no person has put anywhere: some fit better together by now."""
        side, now = self._base.serving, self._clock()
        model = side.name if side else WORDS_ALONE
        due = self._regrouped_at is None or now - self._regrouped_at >= REGROUP_SECONDS
        if not due or await to_thread.run_sync(self._cases.state, SETTLED_STATE) == model:
            return
        members = await to_thread.run_sync(self._work.members, COMPARED)
        compared = await self._compared(one.turn_id for one in members)
        there = [one for one in members if one.turn_id in compared]
        moves = await to_thread.run_sync(anew, there, compared, self._breather())
        moved = 0
        for move in moves:
            began = time.monotonic()
            moved += await to_thread.run_sync(self._work.regroup, [move])
            await self._rest(began)
        self._regrouped_at = now
        await to_thread.run_sync(self._cases.set_state, SETTLED_STATE, "" if moved else model)
        if moved:
            log.info("%d failing questions fit better elsewhere", moved)

    # --- and others are let pass -----------------------------------------------------------------------------------

    async def _rest(self, began: float) -> None:
        """After a portion of work that was begun at that moment, let others have the processor."""
        await self._courtesy.give_way(time.monotonic() - began, self._hurries)

    def _breather(self) -> Callable[[], None]:
        return self._courtesy.breather(self._hurries)

    def _hurries(self) -> bool:
        return self._awaited > 0

    async def _guess(self) -> None:
        """Find the menu and the nearest row of gaps that are new."""
        waiting = await to_thread.run_sync(self._work.to_guess, GUESSED)
        await self._base.at_hand([title for _, title in waiting])
        for gap_id, title in waiting:
            began = time.monotonic()
            trial = await self._base.try_out(title, self._base.retrieval, VOTERS)
            hits = trial.result.hits
            orders = {one.case_id: one.order for one in trial.ranking.cases}
            near = hits[0].case.id if hits and hits[0].relevance >= NEAR_ENOUGH else NO_NEIGHBOUR
            await to_thread.run_sync(self._work.guess, gap_id, menu_of(hits, orders), near)
            await self._rest(began)

    # --- and are asked again ---------------------------------------------------------------------------------------

    async def _prove(self) -> None:
        """See whether the rows of gaps are still there, and ask again what is due."""
        await self._base.refresh()
        for seen in await to_thread.run_sync(self.check_rows):
            if self._is_due(seen):
                await self._ask(seen)

    def check_rows(self) -> tuple[Watched, ...]:
        """Reopen gaps whose row is gone, let those wait for proof whose row is back; returns those with a row."""
        side = self._base.serving
        there = []
        for seen in self._work.watched(side.name if side else ""):
            loss = seen.loss
            if loss is not None and seen.state in (GapState.PUBLISHED, GapState.CLOSED):
                self._work.lose(seen, loss)
            elif loss is None and seen.state in (GapState.OPEN, GapState.DRAFT):
                self._work.regain(seen)
                self._wake.set()
            elif loss is None:
                there.append(seen)
        return tuple(there)

    def _is_due(self, seen: Watched) -> bool:
        now, version = self._clock(), self._base.version
        waits = self._base.serving is not None and not seen.searchable
        if version < seen.version or (waits and now - seen.since < UNREAD_SECONDS):
            return False
        if seen.asked_at is None or seen.asked_version is None or seen.asked_version < seen.version:
            return True
        stale = seen.asked_version < version and now - seen.asked_at >= ASK_AGAIN_SECONDS
        return stale and seen.state is GapState.PUBLISHED

    async def _ask(self, seen: Watched) -> None:
        """Search for every question of a gap as the chat would; nobody writes an answer."""
        questions = await to_thread.run_sync(self._work.questions, seen.gap_id)
        version = self._base.version
        results: dict[str, Proof] = {}
        texts = list(dict.fromkeys(question.text for question in questions))
        await self._base.at_hand(texts)  # from SQL, where they are since they failed: no provider reads them again
        for text in texts:
            began = time.monotonic()
            result = (await self._base.try_out(text, self._base.retrieval)).result
            if result.degraded:
                log.warning("a gap's questions are asked again later: %s", result.degraded)
                return
            from_row = seen.case is not None and any(hit.case.id == seen.case.id for hit in result.hits)
            results[text] = Proof(moment(self._clock()), result.verdict, result.relevance, from_row)
            await self._rest(began)
        proofs = {question.turn_id: results[question.text] for question in questions}
        closed = await to_thread.run_sync(self._work.record, seen, proofs, version)
        log.info("gap %d: %d questions asked again, %s", seen.gap_id, len(proofs), "closed" if closed else "not closed")
