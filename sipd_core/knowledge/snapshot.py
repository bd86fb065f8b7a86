"""One state of the base in memory, as searches see it. One reason to change: how it follows what SQL says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sipd_core.documents import Case
from sipd_core.embeddings import Vectors
from sipd_core.knowledge.biases import ViewBiases
from sipd_core.knowledge.calibration import Calibration
from sipd_core.knowledge.lexical import LexicalIndex, kept
from sipd_core.knowledge.lexical.segments import Lexicon, Segments
from sipd_core.knowledge.relevance import Ranker
from sipd_core.knowledge.side import Side, latest_calibration
from sipd_core.knowledge.views import lexical_entry
from sipd_core.store.cases import CaseStore
from sipd_core.store.schema import EPOCH_STATE, SERVING_STATE


@dataclass(frozen=True)
class Snapshot:
    """What a search needs, swapped whole when the base or the serving side changes."""

    version: int
    epoch: str
    """Which restore of the base it is of."""
    side: Side | None
    cases: Mapping[str, Case]
    aliases: Mapping[str, tuple[str, ...]]
    """Case id -> further content ids under which rows report it."""
    lexical: LexicalIndex
    biases: ViewBiases

    @cached_property
    def ranker(self) -> Ranker:
        """What orders and judges these rows."""
        return Ranker(self.lexical, self.biases.calibration, self.cases)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """`cases`, `samples`, `with_remedy`, `menus`: worked out when a page first asks, as it takes a look at every row."""
        rows = self.cases.values()
        return {
            "cases": len(rows),
            "samples": sum(case.sample for case in rows),
            "with_remedy": sum(bool(case.remedy) for case in rows),
            "menus": len({case.menu for case in rows}),
        }


def _no_vectors(case_ids: Collection[str]) -> tuple[list[str], Vectors]:
    """What a base that no model has read knows of its views."""
    return [], np.empty((0, 0), np.float32)


def unread() -> Snapshot:
    """The state before anything was read: rows of the first release are of version 0."""
    return Snapshot(-1, "", None, {}, {}, LexicalIndex(), ViewBiases(Calibration.prior(), _no_vectors))


def load(old: Snapshot, store: CaseStore, side: Side | None, words_file: Path | None) -> Snapshot:
    """The rows as SQL has them, searched with `side`: what changed since `old`; raises StoreError."""
    epoch = store.state(EPOCH_STATE) or ""
    if epoch != old.epoch:
        old = unread()  # versions of the base as it was before a restore say nothing of it
    delta = store.since(old.version)
    changed = {case.id: case for case in delta.changed}
    cases = {id_: case for id_, case in {**old.cases, **changed}.items() if id_ not in delta.removed}
    lexical = _lexical(old, cases, changed, delta.removed, words_file)
    calibration = latest_calibration(store, side.name if side else store.state(SERVING_STATE))
    if side is old.side and calibration == old.biases.calibration:
        biases = old.biases.without([*changed, *delta.removed])
    else:
        biases = ViewBiases(calibration, side.vectors_of if side else _no_vectors)
    return Snapshot(delta.version, epoch, side, cases, store.aliases(), lexical, biases)


def _lexical(
    old: Snapshot,
    cases: Mapping[str, Case],
    changed: Mapping[str, Case],
    removed: Collection[str],
    words_file: Path | None,
) -> LexicalIndex:
    """The words of `cases`; at the start those that were kept on disk, as far as they are still the rows' words."""
    rows = old.lexical.rows
    if old.version < 0:
        rows = kept.read(words_file) if words_file is not None else Segments(Lexicon())
        removed = rows.row_of.keys() - cases.keys()
    rows = rows.updated(map(lexical_entry, changed.values()), removed)
    return old.lexical if rows is old.lexical.rows else LexicalIndex(rows=rows)
