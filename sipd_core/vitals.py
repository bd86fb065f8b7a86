"""Which parts of the console work: each is asked, none is believed. One reason to change: a part to look at."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import literal, select

from sipd_core.errors import SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.exact import ExactIndex
from sipd_core.locale_id import file_size
from sipd_core.status import Condition, Part, PartHealth
from sipd_core.store.database import Database
from sipd_core.texts import text

KEPT_SECONDS = 2.0
"""A look is good for so long: probes may come as often as they like."""
LOW_BYTES = 500 * 2**20
"""Free space below which a day's work may no longer fit."""


class Vitals:
    """Looks at the parts; safe to call from any thread."""

    def __init__(
        self,
        database: Database,
        base: KnowledgeBase,
        *,
        folder: Path,
        trouble: Callable[[], str | None] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folder` holds the data; `trouble` says why the provider is left alone, None where there is no provider."""
        self._database = database
        self._base = base
        self._folder = folder
        self._trouble = trouble
        self._clock = clock
        self._looking = threading.Lock()
        self._seen: tuple[PartHealth, ...] = ()
        self._seen_at = 0.0

    def look(self) -> tuple[PartHealth, ...]:
        """Every part, as it was a moment ago."""
        with self._looking:
            if not self._seen or self._clock() - self._seen_at >= KEPT_SECONDS:
                self._seen = self._sql(), self._chroma(), self._model(), self._provider(), self._disk()
                self._seen_at = self._clock()
            return self._seen

    def _sql(self) -> PartHealth:
        return self._asked(Part.SQL, self._ask_sql, text("api.part.sql_down"))

    def _ask_sql(self) -> None:
        with self._database.read() as connection:
            connection.execute(select(literal(1))).scalar_one()

    def _chroma(self) -> PartHealth:
        serving = self._base.serving
        if serving is None:
            return PartHealth(Part.CHROMA, Condition.OFF, text("api.part.chroma_off"))
        if isinstance(serving.index, ExactIndex):
            return PartHealth(Part.CHROMA, Condition.DEGRADED, text("api.part.chroma_exact"))
        return self._asked(Part.CHROMA, serving.index.size, text("api.part.chroma_down"))

    def _model(self) -> PartHealth:
        if self._base.serving is None:
            return PartHealth(Part.MODEL, Condition.DEGRADED, text("api.part.model_off"))
        return PartHealth(Part.MODEL, Condition.OK)

    def _provider(self) -> PartHealth:
        if self._trouble is None:
            return PartHealth(Part.PROVIDER, Condition.OFF, text("api.part.provider_off"))
        trouble = self._trouble()
        return PartHealth(Part.PROVIDER, Condition.DEGRADED if trouble else Condition.OK, trouble or "")

    def _disk(self) -> PartHealth:
        free = shutil.disk_usage(self._folder).free
        if free < LOW_BYTES:
            return PartHealth(Part.DISK, Condition.DEGRADED, text("api.part.disk_low", free=file_size(free)))
        return PartHealth(Part.DISK, Condition.OK)

    @staticmethod
    def _asked(part: Part, ask: Callable[[], object], down: str) -> PartHealth:
        began = time.perf_counter()
        try:
            ask()
        except SipdError:
            return PartHealth(part, Condition.DOWN, down)
        return PartHealth(part, Condition.OK, milliseconds=(time.perf_counter() - began) * 1_000)
