"""The words of alerts: what is watched, the rule for it, how it stands, and what happened. Values alone, no reading."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What is watched; there is one rule for each."""

    ERROR_RATE = "error_rate"
    SLOW = "slow"
    CACHE_HITS = "cache_hits"
    DAILY_BUDGET = "daily_budget"
    MONTHLY_BUDGET = "monthly_budget"
    PROVIDER = "provider"
    DISK = "disk"
    BACKUP = "backup"
    AUDIT = "audit"


class Unit(StrEnum):
    """In what a threshold, and the figure held against it, is counted."""

    PERCENT = "percent"
    SECONDS = "seconds"
    MINUTES = "minutes"
    GIGABYTES = "gigabytes"
    DAYS = "days"
    ENTRY = "entry"
    """Number of the first broken entry of the audit; 0: none is."""


@dataclass(frozen=True, slots=True)
class Trait:
    """What is the same for every rule of a kind."""

    unit: Unit
    lowest: float
    highest: float
    """Between these a threshold is allowed."""
    too_low: bool = False
    """It is bad to fall below the threshold, not to reach it."""
    of_turns: bool = False
    """Measured over the turns of a window, of which there must be enough."""
    fixed: bool = False
    """There is no threshold to choose: whatever is wrong gives alarm."""


TRAITS: dict[Kind, Trait] = {
    Kind.ERROR_RATE: Trait(Unit.PERCENT, 0.1, 100, of_turns=True),
    Kind.SLOW: Trait(Unit.SECONDS, 0.05, 600, of_turns=True),
    Kind.CACHE_HITS: Trait(Unit.PERCENT, 0.1, 100, too_low=True, of_turns=True),
    Kind.DAILY_BUDGET: Trait(Unit.PERCENT, 1, 100),
    Kind.MONTHLY_BUDGET: Trait(Unit.PERCENT, 1, 100),
    Kind.PROVIDER: Trait(Unit.MINUTES, 1, 1_440),
    Kind.DISK: Trait(Unit.GIGABYTES, 0.1, 10_000, too_low=True),
    Kind.BACKUP: Trait(Unit.DAYS, 0.5, 365),
    Kind.AUDIT: Trait(Unit.ENTRY, 1, 1, fixed=True),
}

LONGEST_WINDOW = 1_440
"""Minutes."""
MOST_TURNS = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """When a kind gives alarm."""

    kind: Kind
    enabled: bool
    threshold: float
    """In the unit of the kind."""
    window_minutes: int = 15
    """Only of kinds that are measured over turns."""
    min_turns: int = 20
    """Fewer turns in the window say nothing."""

    @property
    def trait(self) -> Trait:
        return TRAITS[self.kind]

    def is_bad(self, value: float) -> bool:
        """Whether a figure gives alarm."""
        return value < self.threshold if self.trait.too_low else value >= self.threshold


DEFAULTS: dict[Kind, Rule] = {
    Kind.ERROR_RATE: Rule(Kind.ERROR_RATE, True, 5),
    Kind.SLOW: Rule(Kind.SLOW, True, 10),
    Kind.CACHE_HITS: Rule(Kind.CACHE_HITS, False, 10, 240, 50),
    Kind.DAILY_BUDGET: Rule(Kind.DAILY_BUDGET, True, 80),
    Kind.MONTHLY_BUDGET: Rule(Kind.MONTHLY_BUDGET, True, 80),
    Kind.PROVIDER: Rule(Kind.PROVIDER, True, 5),
    Kind.DISK: Rule(Kind.DISK, True, 2),
    Kind.BACKUP: Rule(Kind.BACKUP, True, 2),
    Kind.AUDIT: Rule(Kind.AUDIT, True, 1),
}
"""The rules until people change them."""


class State(StrEnum):
    """How a rule stands."""

    OK = "ok"
    FIRING = "firing"
    NO_DATA = "no_data"


class EventKind(StrEnum):
    """What can be written in the log."""

    FIRED = "fired"
    NO_DATA = "no_data"
    DATA = "data"
    """There are figures again, and they are good."""
    RECOVERED = "recovered"
    ACKNOWLEDGED = "acknowledged"
    SWITCHED_OFF = "switched_off"
    """The rule was switched off while it gave alarm."""
    TEST = "test"
    """Only ever sent, never in the log: a person tries the webhook."""
    ESCALATION = "escalation"
    """Only ever sent, never in the log: a ticket was opened at the escalation desk."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured for one rule."""

    value: float | None
    """In the unit of the kind; None: it cannot be told."""
    turns: int | None = None
    """Of kinds that are measured over turns: how many there were."""
    detail: str = ""
    """Why it cannot be told, or what makes it so, in Indonesian."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one rule stands since when."""

    state: State
    since: datetime
    """Timezone-aware, UTC, as all times here."""
    reading: Reading
    looked_at: datetime
    incident: bool = False
    """It gave alarm and has not been seen to be good since, though its figures may be missing."""
    calm: int = 0
    """Good looks in a row within an incident."""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One line of the log; `threshold` is the one that counted then."""

    id: str
    at: datetime
    rule: Kind
    event: EventKind
    value: float | None
    threshold: float
    detail: str = ""
    actor: str = ""
    """Who acknowledged or switched off."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines of the log are wanted, from `start` to before `end`; of all rules and kinds where none are named."""

    start: datetime
    end: datetime | None = None
    rules: tuple[Kind, ...] = ()
    kinds: tuple[EventKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one process sees of its own surroundings; others cannot."""

    process: str
    seen_at: datetime
    trouble: str
    """Why the provider is left alone, in Indonesian; empty when it is not, or when there is none."""
    trouble_since: datetime | None
    free_bytes: int | None
    """On the fullest of the disks that the console writes to; None when it could not be told."""
    saved_at: datetime | None
    """When the newest backup was made whose file this process can see."""


class Phase(StrEnum):
    """What people are told of a rule, the worst first."""

    FIRING = "firing"
    LOST = "lost"
    """It gave alarm, and there are no figures that tell whether it is over."""
    CALMING = "calming"
    """It gave alarm; the figure is good again, but not yet by enough or for long enough."""
    OK = "ok"
    NO_DATA = "no_data"
    UNSEEN = "unseen"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule and how it stands; `standing` is None while it is switched off or was never looked at."""

    rule: Rule
    standing: Standing | None

    @property
    def phase(self) -> "Phase":
        """How it stands in one word, as people are told."""
        standing = self.standing
        if standing is None:
            return Phase.UNSEEN if self.rule.enabled else Phase.OFF
        if standing.state is State.NO_DATA and standing.incident:
            return Phase.LOST
        if standing.state is State.FIRING and standing.reading.value is not None:
            return Phase.FIRING if self.rule.is_bad(standing.reading.value) else Phase.CALMING
        return Phase(str(standing.state))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message to the webhook."""

    id: str
    made_at: datetime
    event: EventKind
    rule: Kind | None
    """None: a test."""
    attempts: int
    due_at: datetime | None
    """When it is tried next; None once it was delivered or given up."""
    delivered_at: datetime | None
    problem: str
    """Why the last attempt failed, in Indonesian."""
