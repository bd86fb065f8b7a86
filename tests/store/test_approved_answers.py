"""Versions of answers and approved answers, on both databases: what counts, what is served, what was said of it."""

import itertools
import threading

import pytest
from sqlalchemy import select
from sqlalchemy import text as sql

from sipd_core.chat.approval import RestsOn
from sipd_core.chat.turn import Approval, Exchange, Feedback, VersionKind
from sipd_core.deeds import DeedKind
from sipd_core.errors import ApprovalError, NotFoundError
from sipd_core.store.answer_versions import AnswerVersionStore
from sipd_core.store.approved_answers import ApprovedAnswerStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.schema import approved_cases, audit_entries
from sipd_core.store.times import moment
from tests.builders import make_turn

START = 1_795_323_600
CASES = (RestsOn("kasus-a", "keadaan-a"), RestsOn("kasus-b", "keadaan-b"))


class Desk:
    """The three stores of one database, on one clock that moves a minute with each look at it."""

    def __init__(self, database: Database) -> None:
        ticks = itertools.count(START, 60)
        self.now = lambda: float(next(ticks))
        self.database = database
        self.talks = ConversationStore(database, clock=self.now)
        self.versions = AnswerVersionStore(database, clock=self.now)
        self.approved = ApprovedAnswerStore(database, clock=self.now)

    def exchange(self, session: str = "s1") -> Exchange:
        return self.talks.get(session, 10).exchanges[-1]

    def serve(self, id_: str, turn_id: str, *, helpful: bool | None = None) -> None:
        approval = Approval(id_, "Sari", moment(START), "pertanyaan")
        self.talks.add("pertanyaan", make_turn("s1", turn_id, approval=approval), "")
        if helpful is not None:
            self.talks.set_feedback(turn_id, Feedback(helpful))

    def approve(self, *instead_of: str, actor: str = "Sari") -> str:
        return self.approved.add("pertanyaan", "jawaban", "t1", CASES, actor=actor, instead_of=instead_of)


@pytest.fixture
def desk(database: Database) -> Desk:
    made = Desk(database)
    made.talks.add("pertanyaan", make_turn("s1", "t1"), "")
    return made


def test_versions_are_numbered_and_one_of_them_counts(desk: Desk) -> None:
    for n, kind in enumerate((VersionKind.EDITED, VersionKind.REGENERATED), start=1):
        assert desk.versions.add("t1", kind, make_turn("s1", f"v{n}", response=f"versi {n}"), actor="Sari") == n
    stopped = make_turn("s1", "v3", response="versi 3", stopped=True)
    assert desk.versions.add("t1", VersionKind.CONTINUED, stopped, chosen=False) == 3
    assert (desk.exchange().chosen, desk.exchange().answer.response) == (2, "versi 2")
    desk.versions.choose("t1", 1)
    assert desk.exchange().answer.response == "versi 1"
    desk.versions.choose("t1", 0)
    assert desk.exchange().answer == desk.exchange().turn
    for wrong in (("t1", 9), ("t9", 0)):
        with pytest.raises(NotFoundError):
            desk.versions.choose(*wrong)
    with pytest.raises(NotFoundError):
        desk.versions.add("t9", VersionKind.EDITED, make_turn())


def test_two_who_word_an_answer_at_once_both_have_their_version(desk: Desk) -> None:
    def word(n: int) -> None:
        desk.versions.add("t1", VersionKind.EDITED, make_turn("s1", f"v{n}", response=f"versi {n}"), actor=f"p{n}")

    threads = [threading.Thread(target=word, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [version.seq for version in desk.exchange().versions] == list(range(1, 9))
    assert len({version.actor for version in desk.exchange().versions}) == 8


def test_a_turn_is_found_with_what_went_before_it(desk: Desk) -> None:
    desk.talks.add("kedua", make_turn("s1", "t2"), '{"n": 2}')
    desk.talks.add("ketiga", make_turn("s1", "t3"), '{"n": 3}')
    there = desk.talks.before("t3", 5)
    assert (there.exchange.message, [one.message for one in there.history]) == ("ketiga", ["pertanyaan", "kedua"])
    assert (there.state, there.state_before) == ('{"n": 3}', '{"n": 2}')
    assert desk.talks.before("t1", 5).state_before is None
    with pytest.raises(NotFoundError):
        desk.talks.before("t9", 5)


def test_an_approved_answer_tells_its_story(desk: Desk) -> None:
    id_ = desk.approve()
    desk.serve(id_, "t2", helpful=True)
    desk.serve(id_, "t3", helpful=False)
    desk.serve(id_, "t4")
    (one,) = desk.approved.all()
    assert (one.question, one.answer, one.actor, one.rests_on) == ("pertanyaan", "jawaban", "Sari", CASES)
    assert (one.served, one.helpful, one.unhelpful, one.doubts) == (3, 1, 1, 0)
    assert one.last_served_at is not None and one.last_served_at > one.at
    assert desk.approved.is_made_of("t1") and not desk.approved.is_made_of("t2")


def test_doubts_begin_anew_with_a_confirmation(desk: Desk) -> None:
    id_ = desk.approve()
    for n in (2, 3):
        desk.serve(id_, f"t{n}", helpful=False)
    assert desk.approved.all()[0].doubts == 2
    desk.approved.confirm(id_, CASES[:1], actor="Budi")
    (one,) = desk.approved.all()
    assert (one.doubts, one.unhelpful, one.confirmed_by, one.rests_on) == (0, 2, "Budi", CASES[:1])


def test_each_change_is_seen_by_the_stamp_and_by_the_audit(desk: Desk) -> None:
    stamps = [desk.approved.stamp()]
    first = desk.approve()
    stamps.append(desk.approved.stamp())
    desk.approved.withdraw(first, actor="Sari")
    stamps.append(desk.approved.stamp())
    desk.approved.restore(first, actor="Sari")
    stamps.append(desk.approved.stamp())
    second = desk.approve(first, actor="Budi")
    stamps.append(desk.approved.stamp())
    desk.approved.confirm(second, CASES, actor="Budi")
    stamps.append(desk.approved.stamp())
    desk.serve(second, "t2", helpful=False)
    stamps.append(desk.approved.stamp())
    assert all(before != after for before, after in itertools.pairwise(stamps))
    assert {one.id: one.withdrawn_by for one in desk.approved.all()} == {first: "Budi", second: ""}
    with desk.database.read() as connection:
        kinds = connection.execute(select(audit_entries.c.kind).order_by(audit_entries.c.seq)).scalars().all()
    assert [kind for kind in kinds if kind.startswith(("answer", "approval"))] == [
        DeedKind.ANSWER_APPROVED,
        DeedKind.APPROVAL_WITHDRAWN,
        DeedKind.APPROVAL_RESTORED,
        DeedKind.ANSWER_APPROVED,
        DeedKind.APPROVAL_CONFIRMED,
    ]


def test_what_stands_otherwise_by_now_is_refused(desk: Desk) -> None:
    id_ = desk.approve()
    with pytest.raises(ApprovalError):
        desk.approved.restore(id_, actor="Sari")
    desk.approved.withdraw(id_, actor="Sari")
    for late in (desk.approved.withdraw, lambda id_, actor: desk.approved.confirm(id_, CASES, actor=actor)):
        with pytest.raises(ApprovalError):
            late(id_, actor="Budi")
    with pytest.raises(NotFoundError):
        desk.approved.withdraw("tidak-ada", actor="Sari")


def test_words_are_sealed_in_the_database(desk: Desk) -> None:
    desk.approve()
    desk.versions.add("t1", VersionKind.EDITED, make_turn("s1", "v1", response="kalimat rahasia"), actor="Sari")
    with desk.database.read() as connection:
        approved = connection.execute(sql("SELECT question, answer FROM approved_answers")).one()
        (version,) = connection.execute(sql("SELECT turn FROM answer_versions")).scalars()
        assert connection.execute(select(approved_cases)).all()
    assert all(cell.startswith("s1:") for cell in (*approved, version)) and "rahasia" not in version
