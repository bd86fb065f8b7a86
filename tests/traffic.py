"""Months of made-up traffic of a help desk, the same for the same seed: who asked when, and how each turn went.

Office hours with a dip at noon, quiet weekends, peaks at the end of a month, one morning on which the provider was down, an
hour in which the database was locked, a week in which a model without a price was tried.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from sipd_core.cache import VectorOrigin
from sipd_core.chat.turn import EscalationReason, Intent, Verdict
from sipd_core.periods import Period
from sipd_core.prices import PriceTable
from sipd_core.settings import SHIPPED_DATA
from sipd_core.store.traces import OK, STOPPED, Mode
from sipd_core.usage import JAKARTA, CallRecord, Outcome, Usage, jakarta_day

CHAT = "Qwen/Qwen3-30B-A3B-Instruct-2507"
FALLBACK = "openai/gpt-oss-120b"
UNPRICED = "model-uji-coba"
EMBEDDING = "Qwen/Qwen3-Embedding-8B"
_HOURS = (0.1, 0.05, 0.05, 0.05, 0.1, 0.3, 1, 4, 9, 11, 11, 8, 5, 8, 10, 9, 6, 3, 1.5, 1, 0.8, 0.6, 0.4, 0.2)
"""Weight of each hour of Jakarta's clock."""
_WEEKDAYS = (1.25, 1.1, 1.0, 1.0, 0.9, 0.15, 0.08)
_QUESTIONS = (
    ("SP2D - Pencairan", "SP2D belum cair padahal SPM sudah final"),
    ("Login", "akun terkunci setelah salah kata sandi lima kali"),
    ("DPA - Anggaran Kas", "anggaran kas bulanan tidak sama dengan pagu"),
    ("Pelimpahan UP / GU", "pelimpahan UP tidak muncul di bendahara pembantu"),
    ("Rekening Bank - SKPD", "rekening bank SKPD masih menunggu persetujuan"),
    ("SPP - LS", "SPP LS tidak bisa disimpan, sisa pagu dianggap nol"),
    ("Jurnal Umum", "jurnal tidak seimbang padahal angkanya sama"),
    ("LRA", "LRA belum memuat SP2D kemarin"),
    ("Penugasan", "PPTK tidak ada di pilihan penugasan"),
    ("RKA - Rincian Belanja", "rincian belanja hilang setelah ganti sub kegiatan"),
)
_REGIONS = ("kecamatan", "dinas pendidikan", "inspektorat", "sekretariat", "RSUD", "bappeda", "dinas PU", "kelurahan")
_STILL, _THANKS, _MORE = "masih gagal juga min", "terima kasih, sudah bisa", "langkahnya di menu mana ya"
_CAUSES = ("RateLimitedError", "ProviderDownError", "TimedOutError")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One turn, however it went."""

    at: datetime
    message: str
    menu: str
    searched: bool = True
    verdict: Verdict = Verdict.NOT_FOUND
    relevance: float = 0.0
    mode: Mode = Mode.LOCAL
    degraded: str | None = None
    outcome: str = OK
    timings: dict[str, float] = field(default_factory=dict)
    embedding: VectorOrigin | None = None
    calls: tuple[CallRecord, ...] = ()
    failed_attempts: int = 0
    reasons: tuple[EscalationReason, ...] = ()
    helpful: bool | None = None
    by_operator: bool = False
    intent: Intent = Intent.TECHNICAL_ISSUE

    @property
    def chats(self) -> tuple[CallRecord, ...]:
        """Calls that wrote the answer, or tried to."""
        return tuple(call for call in self.calls if call.operation == "chat")

    @property
    def model(self) -> str:
        """Who wrote the words, also those of an answer that was kept."""
        if self.mode is Mode.CACHE:
            return CHAT
        return next((call.model for call in reversed(self.chats) if call.outcome in (Outcome.OK, Outcome.STOPPED)), "")


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation."""

    id: str
    turns: tuple[Exchanged, ...]


class Traffic:
    """Iterate over it for the conversations in the order in which they began; `turns` in all, of `days` days up to `until`."""

    def __init__(self, *, turns: int, days: int, until: datetime, seed: int) -> None:
        self._turns = turns
        self._until = until
        self._period = Period.of_days(days, jakarta_day(until))
        self._chance = random.Random(seed)
        self._days = list(self._period)
        self._day_weights = list(accumulate(_weight(day) for day in self._days))
        self._prices = PriceTable.load(SHIPPED_DATA / "prices.csv")
        last = self._period.last
        self._outage = _at(last - timedelta(days=max(days // 3, 1)), 9, 15), timedelta(hours=2, minutes=30)
        self._locked = _at(last - timedelta(days=max(days // 5, 1)), 14, 0), timedelta(minutes=50)
        tried = max(days // 2, 2)
        self._trial = Period(last - timedelta(days=tried), last - timedelta(days=max(tried - 7, 1)))

    def __iter__(self) -> Iterator[Talk]:
        lengths = self._lengths()
        for started, length in zip(sorted(self._start() for _ in lengths), lengths, strict=True):
            yield self._talk(started, length)

    def _lengths(self) -> list[int]:
        lengths, left = [], self._turns
        while left:
            lengths.append(min(self._chance.choices((1, 2, 3, 4, 6), (42, 28, 16, 9, 5))[0], left))
            left -= lengths[-1]
        return lengths

    def _start(self) -> datetime:
        while True:
            day = self._chance.choices(self._days, cum_weights=self._day_weights)[0]
            hour = self._chance.choices(range(24), _HOURS)[0]
            at = _at(day, hour, 0) + timedelta(seconds=self._chance.uniform(0, 3600))
            if at < self._until - timedelta(minutes=1):
                return at

    def _talk(self, started: datetime, length: int) -> Talk:
        chance = self._chance
        menu, about = chance.choice(_QUESTIONS)
        told = f"{about} di {chance.choice(_REGIONS)} {chance.randint(1, 400)}"
        common = chance.random() < 0.22
        turns: list[Exchanged] = []
        at, failed, ended = started, 0, False
        for place in range(length):
            message = about if common and not place else told
            if place:
                message = chance.choices((_STILL, _MORE, _THANKS), (35, 40, 25))[0]
            failed += message is _STILL
            turn = self._turn(at, message, menu, first=not place, common=common, failed=failed)
            ended = message is _THANKS
            turns.append(self._judged(turn, last=place == length - 1, thanked=ended))
            at = min(at + timedelta(seconds=chance.lognormvariate(4.6, 0.8)), self._until - timedelta(milliseconds=1))
        return Talk(f"{chance.getrandbits(128):032x}", tuple(turns))

    def _judged(self, turn: Exchanged, *, last: bool, thanked: bool) -> Exchanged:
        """With a thumb for some answers, and a hand-over by the operator for a few."""
        chance = self._chance
        if turn.outcome != OK or not turn.searched:
            return turn
        good = {Verdict.FOUND: 0.84, Verdict.PARTIAL: 0.58, Verdict.NOT_FOUND: 0.2}[turn.verdict]
        helpful = chance.random() < good if chance.random() < 0.24 else None
        by_operator = last and not thanked and turn.verdict is Verdict.NOT_FOUND and chance.random() < 0.2
        return replace(turn, helpful=helpful, by_operator=by_operator)

    def _turn(self, at: datetime, message: str, menu: str, *, first: bool, common: bool, failed: int) -> Exchanged:
        chance = self._chance
        if message is _THANKS:
            timings = {"mask": 0.4, "embed": 0.0, "search": 0.0, "first_token": 2.1, "classify": 0.3, "total": 2.8}
            return Exchanged(at, message, menu, searched=False, timings=timings)
        if _within(at, self._locked) and chance.random() < 0.35:
            timings = {"total": 15_000 + chance.uniform(0, 400)}
            return Exchanged(at, message, menu, outcome="StoreLockedError", timings=timings)
        verdict = chance.choices(tuple(Verdict), (70, 17, 13))[0]
        low, high = {Verdict.FOUND: (0.7, 0.99), Verdict.PARTIAL: (0.35, 0.7), Verdict.NOT_FOUND: (0.0, 0.3)}[verdict]
        reasons = self._reasons(failed)
        common_fields = {"verdict": verdict, "relevance": chance.uniform(low, high), "failed_attempts": failed}
        told = Exchanged(at, message, menu, reasons=reasons, **common_fields)  # type: ignore[arg-type]
        if first and common and chance.random() < 0.8 and verdict is Verdict.FOUND and not _within(at, self._outage):
            total = chance.uniform(4, 9)
            timings = {"mask": 0.5, "embed": 0.0, "search": 0.0, "first_token": total - 1, "classify": 1.2, "total": total}
            return _with(told, mode=Mode.CACHE, timings=timings)
        return self._asked(told)

    def _asked(self, told: Exchanged) -> Exchanged:
        """The turn with its embedding, its search and, where there is something to write from, its model."""
        chance, down = self._chance, _within(told.at, self._outage)
        origin = chance.choices(tuple(VectorOrigin), (26, 2, 72))[0]
        embed = {VectorOrigin.MEMORY: 0.1, VectorOrigin.DURABLE: 1.2}.get(origin) or self._slow(62, 0.45)
        timings = {"mask": chance.uniform(0.3, 1.5), "embed": embed, "search": self._slow(11, 0.4)}
        calls: list[CallRecord] = []
        lost = down and origin is VectorOrigin.MISS
        if origin is VectorOrigin.MISS:
            calls.append(self._embedding(told.at, embed, failed=down))
        spent = sum(timings.values())
        if told.verdict is Verdict.NOT_FOUND:
            timings |= {"first_token": spent + 2, "classify": 1.3, "total": spent + 5}
            mode, degraded, outcome = (Mode.DEGRADED, "ProviderDownError", OK) if lost else (Mode.LOCAL, None, OK)
        else:
            written, mode, degraded, outcome, first, whole = self._written(told.at, down)
            calls += written
            timings |= {"first_token": spent + first, "classify": 1.3, "total": spent + whole}
            if lost:
                mode, degraded = Mode.DEGRADED, "ProviderDownError"
        return _with(
            told, mode=mode, degraded=degraded, outcome=outcome, timings=timings, calls=tuple(calls),
            embedding=None if lost else origin,
        )  # fmt: skip

    def _written(self, at: datetime, down: bool) -> tuple[list[CallRecord], Mode, str | None, str, float, float]:
        """Calls that write an answer, who answers in the end and why, how it ends, and after how many milliseconds."""
        chance = self._chance
        first, whole = self._slow(480, 0.4), self._slow(2_100, 0.5)
        usage = Usage(chance.randint(700, 2_400), chance.randint(60, 320), chance.choice((0, 0, 512)))
        if down or chance.random() < 0.006:
            cause = "ProviderDownError" if down else chance.choice(_CAUSES)
            failed = self._chat(at, CHAT, Usage(0), 4_000.0, Outcome.FAILED, error=cause, retried=(cause,) * 3)
            if down or chance.random() < 0.5:
                return [failed], Mode.DEGRADED, cause, OK, 4_000 + first, 4_005 + first
            second = self._chat(at, FALLBACK, usage, whole, Outcome.OK)
            return [failed, second], Mode.DEGRADED, cause, OK, 4_000 + first, 4_000 + first + whole
        model = UNPRICED if jakarta_day(at) in self._trial and chance.random() < 0.12 else CHAT
        if chance.random() < 0.018:
            said = Usage(usage.prompt, usage.completion // 3, 0, estimated=True)
            call = self._chat(at, model, said, first + whole / 3, Outcome.STOPPED)
            return [call], Mode.HOSTED, None, STOPPED, first, first + whole / 3
        retried = (chance.choice(_CAUSES),) if chance.random() < 0.012 else ()
        wait = 900.0 * len(retried)
        used = usage if chance.random() > 0.01 else Usage(usage.prompt, usage.completion, 0, estimated=True)
        call = self._chat(at, model, used, wait + first + whole, Outcome.OK, retried=retried)
        return [call], Mode.HOSTED, None, OK, wait + first, wait + first + whole

    def _chat(
        self,
        at: datetime,
        model: str,
        usage: Usage,
        latency: float,
        outcome: Outcome,
        *,
        error: str | None = None,
        retried: tuple[str, ...] = (),
    ) -> CallRecord:
        request = f"req-{self._chance.getrandbits(48):012x}"
        cost = self._cost(model, at, usage)
        return CallRecord(
            at, "chat", model, usage, 1, latency, cost, retries=len(retried), outcome=outcome, request_id=request,
            error=error, retried_for=retried,
        )  # fmt: skip

    def _embedding(self, at: datetime, latency: float, *, failed: bool) -> CallRecord:
        usage = Usage(0 if failed else self._chance.randint(28, 90))
        outcome, error = (Outcome.FAILED, "ProviderDownError") if failed else (Outcome.OK, None)
        cost = self._cost(EMBEDDING, at, usage)
        return CallRecord(at, "query_embedding", EMBEDDING, usage, 1, latency, cost, outcome=outcome, error=error)

    def _cost(self, model: str, at: datetime, usage: Usage) -> Decimal | None:
        price = self._prices.price(model, jakarta_day(at))
        return Decimal(0) if not usage.total else price.cost(usage) if price else None

    def _reasons(self, failed: int) -> tuple[EscalationReason, ...]:
        if failed >= 2:
            return (EscalationReason.STILL_UNSOLVED,)
        if self._chance.random() > 0.03:
            return ()
        kinds = (EscalationReason.MONEY_AT_RISK, EscalationReason.WANTS_PERSON, EscalationReason.VERY_NEGATIVE)
        return (self._chance.choices(kinds, (4, 4, 2))[0],)

    def _slow(self, median: float, spread: float) -> float:
        """Milliseconds with the long tail that networks have."""
        tail = 6.0 if self._chance.random() < 0.012 else 1.0
        return self._chance.lognormvariate(math.log(median), spread) * tail


def _with(turn: Exchanged, **changes: object) -> Exchanged:
    return replace(turn, **changes)  # type: ignore[arg-type]


def _weight(day: date) -> float:
    month_end = (day + timedelta(days=3)).month != day.month
    return _WEEKDAYS[day.weekday()] * (1.9 if month_end else 1.0)


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=JAKARTA).astimezone(UTC)


def _within(at: datetime, stretch: tuple[datetime, timedelta]) -> bool:
    return stretch[0] <= at < stretch[0] + stretch[1]
