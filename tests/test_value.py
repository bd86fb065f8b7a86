"""Reports of value: every figure computed anew with pandas from what is exported beside it."""

import io
import math
import random
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from sipd_core.chat.escalation import ConversationState
from sipd_core.chat.memory import Memory
from sipd_core.chat.turn import Escalation, EscalationReason, Feedback, Verdict
from sipd_core.periods import Period
from sipd_core.rates import DatedRate, RateTable
from sipd_core.roi import Bound, Figure, work_out
from sipd_core.store.assumptions import Assumptions
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.outcomes import Outcome
from sipd_core.texts import text
from sipd_core.usage import CallRecord, Usage
from sipd_core.value import MEMBERS, ValueReport, ValueRoom, supposed_year
from sipd_core.value_exports import counted, everything
from sipd_core.value_words import computed, formula, shown
from tests.builders import make_turn

START = datetime(2026, 11, 1, 1, 0, tzinfo=UTC).timestamp()
MONTH = Period.of_month(2026, 11)
NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC).timestamp()
HOUR = 3_600.0


class Desk:
    """A help desk of its own time, with the room that values it."""

    def __init__(self, database: Database) -> None:
        self.now = START
        self.turns = 0
        self.store = ConversationStore(database, clock=lambda: self.now)
        self.ledger = CostTracker(database, usd_idr=lambda: Decimal(16_000), clock=lambda: self.now)
        self.room = ValueRoom(database, self.ledger, rates=lambda: RATES, clock=lambda: self.now)

    def say(self, session: str, message: str = "sp2d belum cair", **changes: object) -> str:
        self.turns += 1
        turn = make_turn(session, f"t{self.turns}", **changes)
        failed = Memory(ConversationState(turns=2, failed_attempts=int(message.startswith("masih"))))
        self.store.add(message, turn, failed.to_json())
        return turn.turn_id

    def spend(self, cost: str | None) -> None:
        at = datetime.fromtimestamp(self.now, UTC)
        self.ledger.record(CallRecord(at, "chat", "m", Usage(10), 1, 1.0, None if cost is None else Decimal(cost)))


RATES = RateTable(Decimal(16_000), (DatedRate(date(2026, 11, 10), Decimal(16_500)),))


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def busy(desk: Desk) -> ValueReport:
    """Three weeks of everything that can happen, and the report of them."""
    draw = random.Random(11)
    urgent = {"should_escalate": True, "escalation": Escalation((EscalationReason.SECURITY,), "Akun.")}
    for n in range(120):
        desk.now = START + n * 3.7 * HOUR
        for _ in range(draw.randint(1, 3)):
            missed = {"verdict": Verdict.NOT_FOUND, "sources": ()} if draw.random() < 0.2 else {}
            told = draw.choice(("sp2d belum cair", "masih gagal juga", "=dpa kosong"))
            waited = {"timings_ms": {"total": draw.uniform(80, 4_000)}} if draw.random() < 0.9 else {"timings_ms": {}}
            turn = desk.say(f"s{n}", told, **(urgent if draw.random() < 0.06 else {}), **missed, **waited)
            if draw.random() < 0.4:
                desk.store.set_feedback(turn, Feedback(draw.random() < 0.7))
            desk.now += draw.uniform(10, 4_000)
        desk.spend(str(Decimal(draw.randrange(10**6)).scaleb(-7)))
    desk.now = START + 2 * HOUR
    desk.say("early", "halo", searched=False, sources=(), verdict=Verdict.NOT_FOUND)
    desk.say("again")
    desk.now += 60 * HOUR
    desk.say("again", "sp2d kembali jadi draf")
    desk.now = NOW
    return desk.room.report(MONTH)


def exported(report: ValueReport) -> dict[str, pd.DataFrame]:
    with zipfile.ZipFile(io.BytesIO(everything(report))) as archive:
        names = ("conversations", "costs", "assumptions", "figures")
        return {name: pd.read_csv(archive.open(text(f"value.file.{name}"))) for name in names}


def anew(files: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Every figure of the page, by nothing but the exported rows."""
    talks, costs = files["conversations"], files["costs"]
    given = files["assumptions"].set_index("name")["value"]
    counts = talks["outcome"].value_counts()
    found = {
        name: float(counts.get(name, 0))
        for name in ("confirmed", "assumed", "escalated", "unresolved", "reopened", "open")
    }
    found["conversations"] = float((talks["outcome"] != "no_question").sum())
    found["helpful"], found["unhelpful"] = float(talks["helpful"].sum()), float(talks["unhelpful"].sum())
    found["model_costs"] = float((costs["cost_usd"] * costs["usd_idr"]).sum())
    for name in ("first", "last"):
        seconds = talks[f"{name}_answer_seconds"].dropna().sort_values().tolist()
        for rank, share in (("p50", 0.5), ("p95", 0.95)):
            found[f"{name}_{rank}"] = seconds[math.ceil(share * len(seconds)) - 1]
    resolved = found["confirmed"] + found["assumed"]
    lost = found["escalated"] + found["unresolved"] + found["reopened"]
    gain = given["minutes_by_hand"] - given["minutes_with_console"]
    wasted = lost * given["minutes_with_console"]
    running = given["running_per_month"] * 12 * given["days"] / 365
    ticket, wage = given["cost_per_ticket"], given["wage_per_hour"]
    sure = (found["confirmed"] * gain - wasted) / 60 * wage + found["confirmed"] * ticket
    savings = (resolved * gain - wasted) / 60 * wage + resolved * ticket
    net = savings - found["model_costs"] - running
    year = net / given["days"] * 365
    return found | {
        "resolved": resolved,
        "lost": lost,
        "resolved_share": resolved / found["conversations"],
        "confirmed_share": found["confirmed"] / found["conversations"],
        "escalated_share": found["escalated"] / found["conversations"],
        "satisfaction": found["helpful"] / (found["helpful"] + found["unhelpful"]),
        "adoption": found["conversations"] / given["days"] / given["users_per_day"],
        "minutes_saved": resolved * gain - wasted,
        "time_savings": (resolved * gain - wasted) / 60 * wage,
        "ticket_savings": resolved * ticket,
        "savings": savings,
        "running": running,
        "net": net,
        "minutes_confirmed": found["confirmed"] * gain - wasted,
        "net_confirmed": sure - found["model_costs"] - running,
        "net_year": year,
        "roi_year": (year - given["investment"]) / given["investment"],
        "payback_days": given["investment"] / (net / given["days"]),
    }


def test_every_figure_recomputes_from_the_export_beside_it(desk: Desk) -> None:
    report = busy(desk)
    assert report.worth.payback_days.value is not None, "the draw leaves nothing to earn"
    files = exported(report)
    found = anew(files)
    figures = {figure.name: figure for figure in (*counted(report), *report.times, *report.worth)}
    assert set(found) == set(figures)
    for name, value in found.items():
        assert float(figures[name].value or 0) == pytest.approx(value, rel=1e-9, abs=2e-3), name
        assert float(files["figures"].set_index("name")["value"][name]) == pytest.approx(value, rel=1e-9, abs=2e-3), (
            name
        )
    assert all(found[name] for name in ("confirmed", "assumed", "escalated", "unresolved", "reopened")), "all occur"


def test_a_title_cannot_run_in_a_spreadsheet(desk: Desk) -> None:
    titles = exported(busy(desk))["conversations"]["title"]
    assert (titles == "'=dpa kosong").any()
    assert not titles.str.startswith("=").any()


def test_each_count_stands_for_its_conversations(desk: Desk) -> None:
    report = busy(desk)
    for figure in counted(report)[:7]:
        assert len(report.members(figure.name)) == figure.value
    assert len(report.members("resolved")) == report.worth.resolved.value
    assert len(report.members("lost")) == report.worth.lost.value
    assert {one.id for one in report.members("no_question")} == {"early"}
    assert "again" in {one.id for one in report.members("reopened_ever")}
    assert {Outcome(name) for name in MEMBERS if name in set(Outcome)} == set(Outcome), "every outcome can be opened"
    with pytest.raises(KeyError):
        report.members("net")


def test_days_that_have_not_come_cost_nothing(desk: Desk) -> None:
    assert busy(desk).measured.days.value == 20


def test_rupiah_follow_the_rate_of_each_day(desk: Desk) -> None:
    desk.spend("1")
    desk.now += 10 * 24 * HOUR
    desk.spend("2")
    report = desk.room.report(MONTH)
    assert report.measured.model_costs.value == 16_000 + 33_000
    assert report.rate == 16_500


def test_an_unknown_price_makes_the_net_an_upper_bound(desk: Desk) -> None:
    desk.say("a")
    desk.spend("0.5")
    desk.spend(None)
    desk.now = NOW
    report = desk.room.report(MONTH)
    assert (report.measured.model_costs.bound, report.unknown_price_calls) == (Bound.AT_LEAST, 1)
    assert shown(report.measured.model_costs) == "≥ Rp 8.000"
    assert report.worth.net.bound is Bound.AT_MOST
    assert shown(report.worth.net).startswith("≤ ")
    assert report.worth.savings.bound is Bound.EXACT


def test_costs_of_which_nothing_is_known_are_no_zero(desk: Desk) -> None:
    desk.say("a")
    desk.spend(None)
    desk.spend("0")
    report = desk.room.report(MONTH)
    for figure in (report.measured.model_costs, report.worth.net, report.worth.net_year, report.worth.payback_days):
        assert shown(figure) == "—"
    assert report.worth.savings.value is not None


def test_a_period_without_anything_has_no_shares(desk: Desk) -> None:
    report = desk.room.report(MONTH)
    unknown = {figure.name for figure in report.worth if figure.value is None}
    assert unknown == {"resolved_share", "confirmed_share", "escalated_share", "satisfaction", "payback_days"}
    assert {figure.value for figure in report.times} == {None}
    future = desk.room.report(Period.of_month(2027, 5))
    assert future.measured.days.value == 0 and future.worth.net_year.value is None


def test_assumptions_change_the_figures_at_once(desk: Desk) -> None:
    desk.say("a")
    desk.now = NOW
    before = desk.room.report(MONTH)
    assert before.change is None
    saved = desk.room.assumptions.save(
        replace(Assumptions(), minutes_by_hand=Decimal(35), quiet_hours=Decimal(720)), actor="Bu Rina", based_on=None
    )
    after = desk.room.report(MONTH)
    assert after.change == saved
    assert (before.worth.minutes_saved.value, after.worth.minutes_saved.value) == (15, 0)
    desk.room.assumptions.save(replace(Assumptions(), minutes_by_hand=Decimal(35)), actor="a", based_on=saved.seq)
    assert desk.room.report(MONTH).worth.minutes_saved.value == 30


def test_a_thumb_is_seen_at_once(desk: Desk) -> None:
    turn = desk.say("a")
    assert desk.room.report(MONTH).tally[Outcome.OPEN] == 1
    desk.store.set_feedback(turn, Feedback(True))
    assert desk.room.report(MONTH).tally[Outcome.CONFIRMED] == 1
    desk.store.set_feedback(turn, Feedback(False))
    assert desk.room.report(MONTH).tally[Outcome.OPEN] == 1, "the same moment, the other thumb"


def test_a_formula_is_said_in_words_and_with_its_numbers(desk: Desk) -> None:
    for session in "ab":
        desk.store.set_feedback(desk.say(session), Feedback(True))
    desk.now = NOW
    worth = desk.room.report(MONTH).worth
    assert formula(worth.minutes_saved) == (
        "selesai tanpa petugas × (menit manual − menit dengan konsol) − tidak selesai di konsol × menit dengan konsol"
    )
    assert computed(worth.minutes_saved) == "2 × (20 menit − 5 menit) − 0 × 5 menit = 30 menit"
    assert computed(worth.time_savings) == "30 menit ÷ 60 × Rp 35.000 = Rp 17.500"
    assert computed(worth.running) == "Rp 500.000 × 12 × 20 hari ÷ 365 = Rp 328.767"
    assert computed(worth.resolved_share) == "2 ÷ 2 = 100,0%"
    assert computed(Figure("helpful", None)) == "—"


def test_a_year_like_the_period_saves_what_the_period_saved_day_by_day(desk: Desk) -> None:
    assert supposed_year(desk.room.report(MONTH)) is None, "nothing was asked yet"
    report = busy(desk)
    year = supposed_year(report)
    assert year is not None and report.worth.savings.value is not None and report.measured.days.value
    expected = report.worth.savings.value / report.rate / report.measured.days.value * 365
    assert float(work_out(year).savings.value or 0) == pytest.approx(float(expected))


def test_every_reason_of_an_escalation_is_counted(desk: Desk) -> None:
    both = Escalation((EscalationReason.SECURITY, EscalationReason.DATA_AT_RISK), "Akun dan data.")
    for session in "ab":
        desk.say(session, should_escalate=True, escalation=both)
    report = desk.room.report(MONTH)
    assert report.reasons == {EscalationReason.SECURITY: 2, EscalationReason.DATA_AT_RISK: 2}
    assert report.tally[Outcome.ESCALATED] == 2
    assert report.period == MONTH and report.made_at - datetime.fromtimestamp(desk.now, UTC) == timedelta(0)
