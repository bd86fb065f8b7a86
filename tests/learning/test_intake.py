"""Failing questions come in many at once: which message each is about, and how much is read for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from sipd_core.chat.turn import Feedback, Verdict
from sipd_core.learning.intake import failed_questions
from sipd_core.learning.model import Failure
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.gap_intake import Candidate
from sipd_core.store.gap_work import GapWork
from sipd_core.store.traces import TraceStore, TurnTrace
from sipd_core.store.times import moment
from tests.builders import make_turn

START = 1_795_323_600.0
OTP, BKU = "kode OTP tidak masuk ke email bendahara", "saldo BKU tidak sama dengan rekening koran bank"
STILL = "masih belum bisa"


class Desk:
    """Conversations in which nothing is found."""

    def __init__(self, database: Database) -> None:
        self.now = START
        self.talks = ConversationStore(database, clock=lambda: self.now)
        self.traces = TraceStore(database)
        self.work = GapWork(database, clock=lambda: self.now)
        self.turns = 0

    def say(self, message: str, talk: str, *, verdict: Verdict = Verdict.NOT_FOUND) -> str:
        self.turns += 1
        self.now += 60.0
        turn = make_turn(talk, f"t{self.turns}", verdict=verdict, sources=(), context_used=False)
        self.talks.add(message, turn, "")
        self.traces.add(TurnTrace(turn.turn_id, talk, moment(self.now), verdict=verdict))
        return turn.turn_id

    def candidates(self) -> list[Candidate]:
        found, _ = self.work.candidates(0.0, 500)
        return found


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database within the block."""
    heard: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        heard.append(statement)

    event.listen(database._engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(database._engine, "before_cursor_execute", hear)


def test_what_goes_on_about_a_problem_stands_for_the_question_before_it(database: Database) -> None:
    desk = Desk(database)
    asked = desk.say(OTP, "a", verdict=Verdict.FOUND)
    desk.say(STILL, "a")
    desk.say(STILL, "a")
    alone = desk.say(STILL, "b")
    other = desk.say(BKU, "a")
    found = {(one.candidate.turn_id, one.text) for one in failed_questions(desk.work, desk.candidates())}
    assert found == {(asked, OTP), (alone, STILL), (other, BKU)}


def test_a_conversation_that_is_gone_leaves_no_question(database: Database) -> None:
    desk = Desk(database)
    turn = desk.say(OTP, "a")
    gone = Candidate("fort", "x", START, START, Failure.NOT_FOUND)
    (left,) = failed_questions(desk.work, [gone, *desk.candidates()])
    assert left.candidate.turn_id == turn


def test_many_failures_are_read_by_as_many_statements_as_a_few(database: Database) -> None:
    desk, counts = Desk(database), []
    for wanted in (3, 60):
        while desk.turns < 2 * wanted:
            desk.say(OTP, f"s{desk.turns // 2}", verdict=Verdict.FOUND)
            desk.say(STILL, f"s{desk.turns // 2}")
        with statements(database) as heard:
            found = desk.candidates()
            assert len(failed_questions(desk.work, found)) == len(found) == wanted
        counts.append(len(heard))
    assert counts[0] == counts[1]


def test_an_intake_that_was_broken_off_goes_on_where_it_was(database: Database) -> None:
    desk = Desk(database)
    turns = [desk.say(f"{OTP} nomor {'abcde'[at]}", f"s{at}") for at in range(5)]
    assert desk.work.add(failed_questions(desk.work, desk.candidates()[:2])) == 2
    left = desk.candidates()
    assert [one.turn_id for one in left] == turns[2:]
    assert desk.work.add(failed_questions(desk.work, left)) == 3
    assert desk.candidates() == []
    texts = desk.work.texts([*turns, "fort"])
    assert texts == {turn: f"{OTP} nomor {'abcde'[at]}" for at, turn in enumerate(turns)}


def test_nothing_is_passed_over_where_one_kind_of_failure_fills_a_portion_before_another(database: Database) -> None:
    desk = Desk(database)
    turns = [desk.say(f"{OTP} {at}", f"s{at}") for at in range(6)]
    desk.talks.set_feedback(turns[5], Feedback(False))
    found, whole = desk.work.candidates(0.0, 3)
    assert [one.turn_id for one in found] == turns[:3], "the thumb is of a time up to which not all were read"
    taken = {one.turn_id for one in found}
    while whole < float("inf"):
        more, whole = desk.work.candidates(whole, 3)
        taken |= {one.turn_id for one in more}
    assert taken == set(turns)
    assert (turns[5], Failure.THUMB_DOWN) in {(one.turn_id, one.failure) for one in more}
