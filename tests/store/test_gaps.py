"""Gaps in SQL: questions come in once, people move, merge, ignore and take back, and every step is written down."""

import itertools
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from sipd_core.chat.turn import Feedback, Verdict
from sipd_core.deeds import CONSOLE, HTTP, DeedKind, Source, acting_as
from sipd_core.errors import GapError, NotFoundError
from sipd_core.learning.model import Draft, Failure, GapEventKind, GapFilter, GapState, Reopening
from sipd_core.store.audit import AuditLog
from sipd_core.store.cases import CaseStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.erasing import Eraser
from sipd_core.store.gap_intake import Candidate
from sipd_core.store.gap_work import Failed, GapWork
from sipd_core.store.gaps import GapStore
from sipd_core.store.schema import conversations, exchange_marks, gap_events, gap_questions
from tests.builders import make_turn

START = 1_795_323_600.0
ADMIN = "Admin Uji"
EVERYTHING = GapFilter()


class Loop:
    """Conversations and gaps of one database, on one clock that moves a minute with each look at it."""

    def __init__(self, database: Database) -> None:
        ticks = itertools.count(START, 60)
        self.now = lambda: float(next(ticks))
        self.talks = ConversationStore(database, clock=self.now)
        self.store = GapStore(database, clock=self.now)
        self.work = GapWork(database, clock=self.now)
        self.turns = itertools.count(1)

    def fail(self, *messages: str, talk: str = "") -> list[str]:
        """Questions that are not found, each in a conversation of its own; the ids of their turns."""
        made = []
        for message in messages:
            n = next(self.turns)
            turn = make_turn(talk or f"s{n}", f"t{n}", verdict=Verdict.NOT_FOUND, sources=(), context_used=False)
            self.talks.add(message, turn, "")
            failed = Candidate(turn.turn_id, turn.session_id, self.now(), self.now(), Failure.NOT_FOUND)
            self.work.add([Failed(failed, message)])
            made.append(turn.turn_id)
        return made

    def gap(self, *messages: str) -> int:
        """One gap with these questions."""
        turns = self.fail(*messages)
        self.work.place([(None, turns)], [])
        return max(gap.id for gap in self.store.page(EVERYTHING, 0, None).gaps)

    def kinds(self, gap_id: int) -> list[GapEventKind]:
        return [event.kind for event in self.store.detail(gap_id).events]

    def texts(self, gap_id: int) -> set[str]:
        return {question.text for question in self.store.detail(gap_id).questions}


@pytest.fixture
def loop(database: Database) -> Loop:
    return Loop(database)


def test_a_failure_comes_in_once_and_a_further_one_of_the_same_question_is_added(loop: Loop) -> None:
    (turn,) = loop.fail("otp tidak masuk")
    (question,) = loop.work.waiting(10)
    again = Candidate(turn, question.conversation_id, 1.0, question.failed_at.timestamp(), Failure.NOT_FOUND)
    assert loop.work.add([Failed(again, "otp tidak masuk")]) == 0
    judged = Candidate(turn, question.conversation_id, 1.0, loop.now(), Failure.THUMB_DOWN)
    assert loop.work.add([Failed(judged, "otp tidak masuk")]) == 1
    (question,) = loop.work.waiting(10)
    assert question.failures == {Failure.NOT_FOUND, Failure.THUMB_DOWN}


def test_questions_are_placed_once_whoever_comes_second(loop: Loop) -> None:
    turns = loop.fail("a", "b", "c")
    assert loop.work.place([(None, turns[:2])], turns[2:]) == 1
    assert loop.work.place([(None, turns)], []) == 0
    (gap,) = loop.store.page(EVERYTHING, 0, 10).gaps
    assert (gap.questions, gap.conversations, gap.title) == (2, 2, "a")
    assert [question.text for question in loop.store.outside(10)] == ["c"]
    assert loop.kinds(gap.id) == [GapEventKind.OPENED]


def test_what_hits_the_most_callers_comes_first_and_the_latest_of_these(loop: Loop) -> None:
    one, two, three = loop.gap("lama"), loop.gap("banyak a", "banyak b"), loop.gap("baru")
    assert [gap.id for gap in loop.store.page(EVERYTHING, 0, 10).gaps] == [two, three, one]
    assert [gap.id for gap in loop.store.page(EVERYTHING, 1, 1).gaps] == [three]
    assert loop.store.page(GapFilter("BANYAK b"), 0, 10).gaps[0].id == two
    assert loop.store.page(GapFilter(f"#{one}"), 0, 10).gaps[0].id == one
    assert loop.store.page(GapFilter(failure=Failure.TICKET), 0, 10).total == 0
    assert loop.store.page(GapFilter(states=(GapState.CLOSED,)), 0, 10).total == 0


def test_conversations_come_first_and_who_asked_stands_beside_them(loop: Loop) -> None:
    def by(id_: str, where: str = CONSOLE) -> AbstractContextManager[None]:
        return acting_as(Source(where, "10.0.0.1", "Ayu", id_))

    with by("a1"):
        alone = loop.gap("satu operator 1", "satu operator 2", "satu operator 3")
    with by("a1"):
        first = loop.fail("dua orang 1")
    with acting_as(Source(CONSOLE, "10.0.0.9", "Nama Lain", "a1")):
        first += loop.fail("dua orang 2")
    with by("a1", HTTP):
        first += loop.fail("dua orang 3")
    loop.work.place([(None, first)], [])
    shared = max(gap.id for gap in loop.store.page(EVERYTHING, 0, None).gaps)
    nameless = loop.gap("mode terbuka 1", "mode terbuka 2")
    found = loop.store.page(EVERYTHING, 0, 10).gaps
    counts = [(gap.id, gap.conversations, gap.askers) for gap in found]
    assert counts == [(shared, 3, 2), (alone, 3, 1), (nameless, 2, 0)]
    assert loop.store.get(shared).askers == 2


def test_of_a_deleted_conversation_nobody_can_tell_who_asked(loop: Loop, database: Database) -> None:
    with acting_as(Source(CONSOLE, "", "Ayu", "a1")):
        loop.gap("satu", "dua")
    Eraser(database).erase("s1")
    with database.read() as connection:
        left = dict(connection.execute(select(exchange_marks.c.conversation_id, exchange_marks.c.asker)).tuples().all())
    assert left == {"s1": None, "s2": "konsol/a1"}
    assert [(gap.conversations, gap.askers) for gap in loop.store.page(EVERYTHING, 0, 10).gaps] == [(1, 1)]


def test_a_question_is_moved_and_comes_back(loop: Loop) -> None:
    here, there = loop.gap("a", "b"), loop.gap("c")
    (turn,) = [question.turn_id for question in loop.store.detail(here).questions if question.text == "a"]
    loop.store.move([turn], here, there, actor=ADMIN)
    assert (loop.texts(here), loop.texts(there)) == ({"b"}, {"a", "c"})
    assert loop.store.get(here).title == "b", "a gap is named after one of its questions"
    with pytest.raises(GapError):
        loop.store.move([turn], here, there, actor=ADMIN)
    last = loop.store.detail(here).undoable
    assert last is not None and last.kind is GapEventKind.MOVED
    loop.store.undo(here, last.seq, actor=ADMIN)
    assert (loop.texts(here), loop.texts(there)) == ({"a", "b"}, {"c"})
    with pytest.raises(GapError):
        loop.store.undo(here, last.seq, actor=ADMIN)
    new = loop.store.move([turn], here, None, actor=ADMIN)
    assert loop.texts(new) == {"a"} and new not in (here, there)


def test_a_gap_whose_last_question_leaves_is_empty_until_it_comes_back(loop: Loop) -> None:
    here = loop.gap("a")
    (question,) = loop.store.detail(here).questions
    loop.store.save_draft(here, Draft("Menu", "a", "langkah"), actor=ADMIN)
    loop.store.set_aside([question.turn_id], here, actor=ADMIN)
    gap = loop.store.get(here)
    assert (gap.state, gap.draft) == (GapState.EMPTY, None)
    assert loop.store.page(EVERYTHING, 0, 10).total == 0
    assert loop.store.figures().outside == 1
    last = loop.store.detail(here).undoable
    assert last is not None
    loop.store.undo(here, last.seq, actor=ADMIN)
    assert (loop.store.get(here).state, loop.texts(here)) == (GapState.OPEN, {"a"})
    loop.store.set_aside([question.turn_id], here, actor=ADMIN)
    made = loop.store.take_in(question.turn_id, actor=ADMIN)
    assert loop.texts(made) == {"a"}
    with pytest.raises(GapError):
        loop.store.take_in(question.turn_id, actor=ADMIN)


def test_gaps_are_merged_and_parted_again(loop: Loop) -> None:
    here, there = loop.gap("a", "b"), loop.gap("c")
    loop.store.merge(here, there, actor=ADMIN)
    assert loop.texts(there) == {"a", "b", "c"}
    merged = loop.store.get(here)
    assert (merged.state, merged.merged_into) == (GapState.MERGED, there)
    assert loop.store.page(EVERYTHING, 0, 10).total == 1
    with pytest.raises(GapError):
        loop.store.merge(there, here, actor=ADMIN)
    with pytest.raises(GapError):
        loop.store.merge(there, there, actor=ADMIN)
    last = loop.store.detail(here).undoable
    assert last is not None and last.kind is GapEventKind.MERGED
    loop.store.undo(here, last.seq, actor=ADMIN)
    assert (loop.texts(here), loop.texts(there)) == ({"a", "b"}, {"c"})
    assert loop.store.get(here).state is GapState.OPEN
    with pytest.raises(NotFoundError):
        loop.store.merge(here, 99, actor=ADMIN)


def test_a_gap_is_ignored_for_a_reason_and_opened_again(loop: Loop) -> None:
    gap_id = loop.gap("a")
    with pytest.raises(GapError):
        loop.store.ignore(gap_id, "  ", actor=ADMIN)
    loop.store.save_draft(gap_id, Draft("Menu", "a", "langkah"), actor=ADMIN)
    loop.store.ignore(gap_id, "bukan urusan kami", actor=ADMIN)
    assert (loop.store.get(gap_id).state, loop.store.get(gap_id).note) == (GapState.IGNORED, "bukan urusan kami")
    with pytest.raises(GapError):
        loop.store.ignore(gap_id, "lagi", actor=ADMIN)
    with pytest.raises(GapError):
        loop.store.save_draft(gap_id, Draft("Menu", "a", "lain"), actor=ADMIN)
    last = loop.store.detail(gap_id).undoable
    assert last is not None
    loop.store.undo(gap_id, last.seq, actor=ADMIN)
    assert loop.store.get(gap_id).state is GapState.DRAFT
    loop.store.ignore(gap_id, "bukan urusan kami", actor=ADMIN)
    loop.store.reopen(gap_id, "ternyata perlu", actor=ADMIN)
    gap = loop.store.get(gap_id)
    assert (gap.state, gap.reopening, gap.note) == (GapState.OPEN, Reopening.BY_HAND, "")
    notes = [event.note for event in loop.store.detail(gap_id).events if event.note]
    assert notes == ["bukan urusan kami", "bukan urusan kami", "ternyata perlu"], "the trail keeps every word"


def test_what_people_decide_is_in_the_audit(loop: Loop, database: Database) -> None:
    gap_id = loop.gap("a")
    loop.store.save_draft(gap_id, Draft("Menu", "a", "rahasia 081234567890"), actor=ADMIN)
    loop.store.ignore(gap_id, "cukup", actor=ADMIN)
    found = [entry for entry in AuditLog(database).entries() if entry.kind == DeedKind.GAP]
    told = [(entry.actor, entry.object, entry.details["what"]) for entry in found]
    assert told == [(ADMIN, str(gap_id), "draft"), (ADMIN, str(gap_id), "ignored")]
    assert "rahasia" not in repr(found)


def test_regrouping_leaves_alone_what_people_touched_and_keeps_numbers(loop: Loop) -> None:
    one, two = loop.gap("a", "b"), loop.gap("c")
    loose = {member.turn_id: member.gap_id for member in loop.work.members(100) if member.loose}
    assert set(loose.values()) == {one, two}
    (c,) = [turn for turn, gap in loose.items() if gap == two]
    loop.store.save_draft(one, Draft("Menu", "a", ""), actor=ADMIN)
    assert {member.gap_id for member in loop.work.members(100) if member.loose} == {two}
    assert loop.work.regroup([(two, list(loose))]) == 0, "a drafted gap keeps its questions"
    assert loop.work.regroup([(one, [c])]) == 1
    assert loop.texts(one) == {"a", "b", "c"}
    assert (loop.store.get(two).state, loop.store.get(two).merged_into) == (GapState.MERGED, one)


def test_questions_go_with_their_conversation_and_the_trail_stays(loop: Loop, database: Database) -> None:
    gap_id = loop.gap("a", "b")
    loop.store.save_draft(gap_id, Draft("Menu", "a", "langkah"), actor=ADMIN)
    with database.write() as connection:
        connection.execute(delete(conversations))
    loop.work.settle()
    gap = loop.store.get(gap_id)
    assert (gap.state, gap.draft, gap.title) == (GapState.EMPTY, None, "")
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(gap_questions)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(gap_events)).scalar_one() == 2


def test_what_two_people_do_at_once_is_done_once(loop: Loop) -> None:
    gap_id, goal = loop.gap("a"), loop.gap("b")
    (question,) = loop.store.detail(gap_id).questions
    outcomes: list[str] = []

    def move() -> None:
        try:
            loop.store.move([question.turn_id], gap_id, goal, actor=ADMIN)
            outcomes.append("moved")
        except GapError:
            outcomes.append("refused")

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["moved", "refused", "refused", "refused"]
    assert loop.texts(goal) == {"a", "b"}


def test_failures_are_read_from_what_conversations_leave_behind(loop: Loop) -> None:
    good = make_turn("g", "tg")
    loop.talks.add("SP2D belum cair", good, "")
    loop.talks.set_feedback("tg", Feedback(False, "tidak cocok"))
    found, _ = loop.work.candidates(0.0, 100)
    assert [(one.turn_id, one.failure) for one in found] == [("tg", Failure.THUMB_DOWN)]
    assert loop.work.candidates(loop.now() + 3600, 100)[0] == []
    loop.work.add([Failed(found[0], "SP2D belum cair")])
    assert loop.work.candidates(0.0, 100)[0] == []
    loop.talks.set_feedback("tg", Feedback(True))
    assert loop.work.forgive() == 1 and loop.work.waiting(10) == ()


PUBLISH = """
import os, signal, sys
from functools import partial
from sipd_core.documents import ChangeKind
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database
from sipd_core.store.gaps import published
from tests.builders import make_case

url, gap_id, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
database, case = Database(url), make_case("otp tidak masuk", "TTE")

def also(connection, change):
    published(connection, gap_id, case.id, change, "Admin Uji")
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)

CaseStore(database).change(ChangeKind.LEARN, {case.id: case}, actor="Admin Uji", note="uji", also=also)
os.kill(os.getpid(), signal.SIGKILL)
"""
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("when", "state", "changes"), [("before", GapState.OPEN, 0), ("after", GapState.PUBLISHED, 1)])
def test_killed_while_it_is_published_a_gap_and_its_row_are_there_together_or_not_at_all(
    tmp_path: Path, when: str, state: GapState, changes: int
) -> None:
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    database = Database(url)
    gap_id = Loop(database).gap("otp tidak masuk")
    database.close()
    ended = subprocess.run([sys.executable, "-c", PUBLISH, url, str(gap_id), when], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    database = Database(url)
    cases = CaseStore(database)
    assert GapStore(database).get(gap_id).state is state
    assert (len(cases.changes(10)), len(cases.all())) == (changes, changes)
    database.close()
