"""Six weeks of calls, turns and conversations of every kind, small enough to reckon by hand, put into the real stores."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import insert

from sipd_core.chat.turn import Feedback
from sipd_core.prices import DatedPrice, Price
from sipd_core.rates import DatedRate
from sipd_core.settings import SHIPPED_DATA
from sipd_core.spending.room import Spending
from sipd_core.spending.tariffs import Tariffs
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.outcomes import OutcomeStore
from sipd_core.store.schema import traces
from sipd_core.usage import CallRecord, Outcome, Usage, jakarta_day
from tests.builders import make_turn

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
CHAT, EMBEDDING, UNKNOWN = "uji/chat", "uji/vektor", "uji/baru"
DAYS = 45
OUTCOMES = (Outcome.OK, Outcome.OK, Outcome.OK, Outcome.OK, Outcome.STOPPED, Outcome.BROKEN, Outcome.FAILED)


class Desk:
    """A spending room over a database, its clock at noon of TODAY."""

    def __init__(self, database: Database, *, daily: str | None = None, monthly: str | None = None) -> None:
        self.database = database
        self.now = NOW.timestamp()
        clock = lambda: self.now  # noqa: E731
        budgets = [Decimal(budget) if budget else None for budget in (daily, monthly)]
        self.tariffs = Tariffs(database, SHIPPED_DATA / "prices.csv", None, Decimal(16_000), clock)
        self.books = CostTracker(
            database, daily_budget=budgets[0], monthly_budget=budgets[1], usd_idr=self.tariffs.rate_today, clock=clock
        )
        self.talks = ConversationStore(database, clock=clock)
        store = OutcomeStore(database, clock=clock)
        resolved = lambda period: store.resolved(period, timedelta(hours=48))  # noqa: E731
        self.room = Spending(database, self.books, self.tariffs, resolved=resolved, clock=clock)

    def price(self, model: str, prompt: str, cached: str, completion: str, day: date = date(2026, 9, 1)) -> None:
        price = Price(Decimal(prompt), Decimal(cached), Decimal(completion))
        self.tariffs.set_price(DatedPrice(model, day, price), actor="Sari")

    def call(self, at: datetime, operation: str, model: str, used: Usage, **changes: object) -> CallRecord:
        price = self.tariffs.prices.price(model, jakarta_day(at))
        cost = None if price is None else price.cost(used)
        call = replace(CallRecord(at, operation, model, used, 1, 20.0, cost), **changes)  # type: ignore[arg-type]
        self.books.record(call)
        return call

    def turn(self, at: datetime, session: str, *, embedding: str | None, kept: bool = False) -> str:
        """A turn with its trace; the conversation's first one makes the conversation."""
        turn_id = f"{session}-{at.timestamp():.0f}"
        self.now = at.timestamp()
        self.talks.add("sp2d belum cair", make_turn(session, turn_id), "")
        self.now = NOW.timestamp()
        row = {
            "turn_id": turn_id,
            "conversation_id": session,
            "at": at.timestamp(),
            "day": jakarta_day(at).isoformat(),
            "mode": "cache" if kept else "hosted",
            "outcome": "ok",
            "timings": "{}",
            "embedding_cache": embedding,
            "answer_cached": kept,
        }
        with self.database.write() as connection:
            connection.execute(insert(traces), row)
        return turn_id


def filled(desk: Desk, seed: int = 3) -> None:
    """Every kind of call and turn, on most of DAYS days, with two changes of the rate and one of a price."""
    draw = random.Random(seed)
    desk.price(CHAT, "0.10", "0.025", "0.30")
    desk.price(CHAT, "0.12", "0.03", "0.40", date(2026, 11, 5))
    desk.price(EMBEDDING, "0.01", "0.01", "0")
    changing_rates(desk)
    for ago in range(DAYS):
        if ago % 6 != 5:
            for n in range(draw.randrange(1, 6)):
                _conversation(desk, draw, NOW - timedelta(days=ago, minutes=draw.randrange(1, 700)), f"c{ago}-{n}")


def changing_rates(desk: Desk) -> None:
    """Two changes of the rate, the second within the last month."""
    for day, rupiah in ((date(2026, 10, 20), "16321.5"), (date(2026, 11, 10), "16750")):
        desk.tariffs.set_rate(DatedRate(day, Decimal(rupiah)), actor="Sari")


def _conversation(desk: Desk, draw: random.Random, at: datetime, session: str) -> None:
    origin = draw.choice(("memory", "miss", "miss", None))
    kept = origin is None
    turn_id = desk.turn(at, session, embedding=origin, kept=kept)
    if origin == "miss":
        desk.call(at, "query_embedding", EMBEDDING, Usage(draw.randrange(5, 60)), texts=draw.randrange(1, 4))
    if not kept:
        model = UNKNOWN if draw.random() < 0.15 else CHAT
        prompt = draw.randrange(200, 3_000)
        used = Usage(prompt, draw.randrange(300), cached=draw.randrange(prompt), estimated=draw.random() < 0.2)
        desk.call(at, "chat", model, used, conversation=session, outcome=draw.choice(OUTCOMES))
    if draw.random() < 0.3:
        desk.call(at, "index_embedding", EMBEDDING, Usage(draw.randrange(9_000)), texts=30)
    if draw.random() < 0.3:
        desk.talks.set_feedback(turn_id, Feedback(helpful=draw.random() < 0.6))
