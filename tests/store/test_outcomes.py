"""One outcome per conversation, by what was said in it and of it, on Jakarta's days."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sipd_core.chat.escalation import ConversationState
from sipd_core.chat.memory import Memory
from sipd_core.chat.turn import Escalation, EscalationReason, Feedback, Turn, Verdict
from sipd_core.periods import Period
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.outcomes import (
    LOST,
    RESOLVED,
    ConversationOutcome,
    Outcome,
    OutcomeStore,
    ResolvedBy,
    mark,
    tally,
)
from tests.builders import make_case, make_turn

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC).timestamp()
DAY = Period(date(2026, 11, 22), date(2026, 11, 22))
QUIET = timedelta(hours=24)
HOUR = 3_600.0
FAILED = Memory(ConversationState(turns=2, failed_attempts=1)).to_json()
NEVER = make_turn(verdict=Verdict.NOT_FOUND, sources=())
GREETING = make_turn(verdict=Verdict.NOT_FOUND, sources=(), searched=False)


@dataclass
class Desk:
    """A store with a clock of its own, and what it makes of a conversation."""

    database: Database
    now: float = START
    turns: int = 0

    def __post_init__(self) -> None:
        self.store = ConversationStore(self.database, clock=lambda: self.now)
        self.outcomes = OutcomeStore(self.database, clock=lambda: self.now)

    def say(self, message: str = "sp2d belum cair", turn: Turn | None = None, session: str = "s1") -> str:
        self.turns += 1
        made = replace(turn or make_turn(), session_id=session, turn_id=f"t{self.turns}")
        self.store.add(message, made, FAILED if message.startswith("masih") else "")
        return made.turn_id

    def thumb(self, turn_id: str, helpful: bool) -> None:
        self.store.set_feedback(turn_id, Feedback(helpful))

    def later(self, hours: float) -> None:
        self.now += hours * HOUR

    def found(self) -> ConversationOutcome:
        (one,) = self.outcomes.of(DAY, QUIET)
        return one


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_young_is_open_and_silence_after_a_remedy_is_taken_for_resolved(desk: Desk) -> None:
    desk.say()
    desk.later(23.9)
    assert desk.found().outcome is Outcome.OPEN
    desk.later(0.2)
    assert (desk.found().outcome, desk.found().resolved_by) == (Outcome.ASSUMED, ResolvedBy.QUIET)
    assert desk.outcomes.of(DAY, timedelta(hours=48))[0].outcome is Outcome.OPEN, "the quiet period is a setting"


def test_silence_without_a_remedy_is_not(desk: Desk) -> None:
    desk.say(turn=NEVER, session="nothing found")
    desk.say(turn=make_turn(sources=(replace(make_turn().sources[0], case=make_case(remedy="")),)), session="precedent")
    desk.later(25)
    assert {one.outcome for one in desk.outcomes.of(DAY, QUIET)} == {Outcome.UNRESOLVED}


def test_silence_after_a_complaint_that_it_failed_is_not(desk: Desk) -> None:
    desk.say()
    desk.say("masih gagal juga min, sama saja")
    desk.later(25)
    assert desk.found().outcome is Outcome.UNRESOLVED


def test_a_thumb_confirms_at_once_and_the_last_one_counts(desk: Desk) -> None:
    turn = desk.say()
    desk.thumb(turn, True)
    assert (desk.found().outcome, desk.found().resolved_by) == (Outcome.CONFIRMED, ResolvedBy.THUMB)
    desk.later(1)
    desk.thumb(turn, False)
    assert (desk.found().outcome, desk.found().helpful, desk.found().unhelpful) == (Outcome.OPEN, 0, 1)
    desk.later(25)
    assert desk.found().outcome is Outcome.UNRESOLVED, "silence does not outweigh a thumb down"


def test_words_confirm_too(desk: Desk) -> None:
    desk.say()
    desk.say("sudah bisa, terima kasih", GREETING)
    assert (desk.found().outcome, desk.found().resolved_by) == (Outcome.CONFIRMED, ResolvedBy.WORDS)
    assert (desk.found().questions, desk.found().messages) == (1, 2)


def test_words_of_success_that_were_looked_up_are_no_question(desk: Desk) -> None:
    desk.say()
    desk.say("alhamdulillah sudah bisa, terima kasih", NEVER)
    assert (desk.found().outcome, desk.found().questions) == (Outcome.CONFIRMED, 1)


def test_thanks_alone_neither_confirm_nor_reopen(desk: Desk) -> None:
    desk.say()
    desk.say("terima kasih", GREETING)
    assert desk.found().outcome is Outcome.OPEN
    desk.later(25)
    desk.say("terima kasih", GREETING)
    desk.later(25)
    assert (desk.found().outcome, desk.found().reopened) == (Outcome.ASSUMED, 0)


def test_a_question_after_a_thumb_reopens(desk: Desk) -> None:
    desk.thumb(desk.say(), True)
    desk.later(1)
    desk.say("sp2d tadi kembali lagi ke draf")
    assert (desk.found().outcome, desk.found().reopened) == (Outcome.REOPENED, 1)
    desk.later(25)
    assert (desk.found().outcome, desk.found().reopened) == (Outcome.ASSUMED, 1), "resolved again, and counted apart"


def test_a_question_after_the_quiet_period_reopens(desk: Desk) -> None:
    desk.say()
    desk.later(25)
    desk.say("kendala sp2d muncul lagi", NEVER)
    assert (desk.found().outcome, desk.found().reopened) == (Outcome.REOPENED, 1)
    desk.later(25)
    assert desk.found().outcome is Outcome.REOPENED, "never resolved again"


def test_a_question_before_it_was_resolved_reopens_nothing(desk: Desk) -> None:
    desk.say()
    desk.later(1)
    last = desk.say("kalau tombolnya abu-abu bagaimana")
    desk.later(30)
    desk.thumb(last, True)
    assert (desk.found().outcome, desk.found().reopened) == (Outcome.CONFIRMED, 0)


def test_a_thumb_for_an_earlier_answer_says_nothing_of_the_last_question(desk: Desk) -> None:
    first = desk.say()
    desk.say("sekarang dpa tidak bisa dicetak", NEVER)
    desk.thumb(first, True)
    desk.later(25)
    assert (desk.found().outcome, desk.found().reopened, desk.found().helpful) == (Outcome.UNRESOLVED, 0, 1)


def test_whatever_was_escalated_stays_so_with_every_reason_once(desk: Desk) -> None:
    money, asked = EscalationReason.MONEY_AT_RISK, EscalationReason.WANTS_PERSON
    desk.say(turn=make_turn(should_escalate=True, escalation=Escalation((money,), "Ada uang.")))
    turn = desk.say(turn=make_turn(should_escalate=True, escalation=Escalation((asked, money), "Minta petugas.")))
    desk.store.escalate("s1", turn, Escalation((EscalationReason.BY_OPERATOR,), "Diminta."), "")
    desk.thumb(turn, True)
    found = desk.found()
    assert (found.outcome, found.resolved_by) == (Outcome.ESCALATED, None)
    assert found.reasons == (money, asked, EscalationReason.BY_OPERATOR)


def test_greetings_alone_are_no_question(desk: Desk) -> None:
    desk.say("halo", GREETING)
    assert desk.found().outcome is Outcome.NO_QUESTION
    assert desk.outcomes.tally(DAY, QUIET).conversations == 0


def test_times_run_from_the_first_question_to_its_answer_and_to_the_last(desk: Desk) -> None:
    desk.say("halo", GREETING)
    desk.later(1)
    desk.say(turn=make_turn(timings_ms={"total": 2_500.0}))
    desk.later(0.5)
    desk.say("kalau tombolnya abu-abu bagaimana")
    desk.later(1)
    desk.say("terima kasih", GREETING)
    assert (desk.found().first_answer_seconds, desk.found().last_answer_seconds) == (2.5, 1_802.5)


def test_a_time_that_was_not_measured_is_unknown(desk: Desk) -> None:
    desk.say(turn=make_turn(timings_ms={}))
    assert (desk.found().first_answer_seconds, desk.found().last_answer_seconds) == (None, None)


def test_a_conversation_belongs_to_the_jakarta_day_on_which_it_began(desk: Desk) -> None:
    for hour, session in ((16.9, "evening"), (17.1, "night")):
        desk.now = datetime(2026, 11, 22, tzinfo=UTC).timestamp() + hour * HOUR
        desk.say(session=session)
    desk.later(24)
    desk.say(session="evening")
    assert [one.id for one in desk.outcomes.of(DAY, QUIET)] == ["evening"]
    assert [one.id for one in desk.outcomes.of(Period.of_days(2, date(2026, 11, 23)), QUIET)] == ["evening", "night"]


def test_counts_are_a_partition_of_the_conversations(desk: Desk) -> None:
    """Whatever happens, each conversation has one outcome, and what was resolved was neither escalated nor denied."""
    draw = random.Random(5)
    said = ("sp2d belum cair", "masih gagal juga", "sudah bisa, terima kasih", "terima kasih", "kenapa dpa kosong ya")
    urgent = make_turn(should_escalate=True, escalation=Escalation((EscalationReason.SECURITY,), "Akun."))
    for _ in range(400):
        message = draw.choice(said)
        turn = GREETING if message == "terima kasih" else draw.choices((make_turn(), NEVER, urgent), (6, 3, 1))[0]
        session = f"s{draw.randrange(60)}"
        spoken = desk.say(message, turn, session)
        if draw.random() < 0.3:
            desk.thumb(spoken, draw.random() < 0.6)
        desk.later(draw.choice((0.01, 0.2, 5)))
    found = desk.outcomes.of(Period.of_days(60, date(2026, 12, 30)), QUIET)
    counted = tally(found)
    assert len({one.id for one in found}) == len(found) == 60
    assert sum(counted.by_outcome.values()) == 60
    rest = counted[Outcome.OPEN]
    assert counted.conversations == counted.resolved + counted.lost + rest
    assert not RESOLVED & LOST
    for one in found:
        assert (one.outcome is Outcome.ESCALATED) == bool(one.reasons)
        assert (one.resolved_by is not None) == (one.outcome in RESOLVED)
        assert one.outcome is not Outcome.REOPENED or one.reopened
    assert len(counted.by_outcome) >= 5, "the draw reaches most outcomes"
    for quiet in (timedelta(hours=1), QUIET):
        found = desk.outcomes.of(Period.of_days(60, date(2026, 12, 30)), quiet)
        wanted = {one.id: one.outcome in RESOLVED for one in found if one.outcome is not Outcome.NO_QUESTION}
        resolved = desk.outcomes.resolved(Period.of_days(60, date(2026, 12, 30)), quiet)
        assert list(resolved.items()) == list(wanted.items())


@pytest.mark.parametrize(
    ("message", "state", "asked", "said"),
    [
        ("sudah bisa, terima kasih", Memory().to_json(), False, "solved"),
        ("masih gagal", FAILED, True, "unsolved"),
        ("sp2d belum cair", Memory(ConversationState(turns=1)).to_json(), True, ""),
        ("sp2d belum cair", "", True, ""),
        ("sudah bisa, tapi sekarang bagaimana cara mencetak spm?", "", True, ""),
    ],
)
def test_what_a_message_says(message: str, state: str, asked: bool, said: str) -> None:
    marked = mark(message, make_turn(), state)
    assert (marked["asked"], marked["said"]) == (asked, said)
