"""Where the rules' figures come from: traces, books, disks, the provider's breakers, the shelf of backups."""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from sipd_core.alerts.model import Sighting
from sipd_core.alerts.rules import Facts, TurnFact
from sipd_core.cache import VectorOrigin
from sipd_core.store.alerts import AlertStore
from sipd_core.store.ledger import CostTracker
from sipd_core.store.times import moment
from sipd_core.store.traces import OK, STOPPED
from sipd_core.usage import jakarta_day

log = logging.getLogger(__name__)

MOST_TURNS = 20_000
"""The newest so many turns of a window speak for it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is read for the rules; safe from any thread but for `trouble`, which is asked on the engine's loop."""

    ledger: CostTracker
    folders: Sequence[Path]
    """Where the console writes."""
    trouble: Callable[[], str | None] | None
    """Why the provider is left alone; None where no provider is set."""
    saved_at: Callable[[], datetime | None]
    """When the newest good backup was made that can be reached from here."""
    catching_up: Callable[[], bool]
    """Whether one is being made, or about to be."""

    def facts(self, store: AlertStore, sightings: Sequence[Sighting], now: datetime) -> Facts:
        """Everything the rules are held against, read now."""
        windows = [rule.window_minutes for rule in store.rules() if rule.enabled and rule.trait.of_turns]
        start = now - timedelta(minutes=max(windows, default=0))
        daily, monthly = self.ledger.budgets
        today = jakarta_day(now)
        return Facts(
            now=now,
            turns=tuple(map(_fact, store.turns_since(start, MOST_TURNS))) if windows else (),
            spent_today=self.ledger.get_daily_cost(today),
            spent_month=self.ledger.get_monthly_cost(today.year, today.month),
            daily_budget=daily,
            monthly_budget=monthly,
            hosted=self.trouble is not None,
            sightings=sightings,
            first_content=store.first_content(),
            catching_up=self.catching_up(),
        )

    def seen(self, process: str, trouble: str | None, since: datetime | None, now: datetime) -> Sighting:
        """What this process sees around itself; `since` when it has been in this trouble."""
        return Sighting(process, now, trouble or "", since if trouble else None, self._free_bytes(), self.saved_at())

    def _free_bytes(self) -> int | None:
        found = [free for folder in self.folders if (free := _free(folder)) is not None]
        return min(found, default=None)


def _free(folder: Path) -> int | None:
    """Free bytes on the disk of a folder, or of the nearest one above it that is there already."""
    there = next((one for one in (folder, *folder.absolute().parents) if one.exists()), None)
    try:
        return shutil.disk_usage(there).free if there else None
    except OSError as error:
        log.warning("free space cannot be told: %s", error)
        return None


def _fact(row: Row[Any]) -> TurnFact:
    asked = row.embedding_cache is not None or row.answer_cached
    hit = row.answer_cached or row.embedding_cache != VectorOrigin.MISS
    answered = row.outcome == OK
    return TurnFact(
        moment(row.at),
        not answered and row.outcome != STOPPED,
        row.total_ms if answered else None,
        hit if asked else None,
    )
