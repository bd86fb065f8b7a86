"""The desk at which a person mends the base: what was found is decided here, each decision one change of the rows.

One reason to change: what may be done about what was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from sipd_core.documents import Case, Change, ChangeKind, case_id
from sipd_core.errors import SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.inspection import Inspection
from sipd_core.knowledge.judgement import FieldName
from sipd_core.knowledge.repairs import MenuPlan, MergePlan, plan_menus, plan_merge
from sipd_core.locale_id import number
from sipd_core.store.cases import CaseStore
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.texts import text

SETTLE_SECONDS: Final = 3.0
"""How long a decision waits for the lists to show it; longer work goes on by itself."""


class Changer(Protocol):
    """Does a person's decision about rows, as `BlockingEngine.change_cases` does."""

    def __call__(
        self,
        kind: ChangeKind,
        states: Mapping[str, Case | None],
        *,
        actor: str,
        note: str = ...,
        redirects: Mapping[str, str] | None = ...,
        menus: Mapping[str, str] | None = ...,
    ) -> Change: ...


class HealthDesk(Inspection):
    """What is wrong with the base, and decisions about it. Safe from any thread."""

    def __init__(self, cases: CaseStore, vectors: EmbeddingStore, base: KnowledgeBase, change: Changer) -> None:
        super().__init__(cases, vectors, base)
        self._change = change
        self._planned: tuple[int, Mapping[str, str], MenuPlan] | None = None

    def write_remedy(self, case_ids: Sequence[str], remedy: str, *, actor: str) -> Change:
        """Give cases a remedy; raises SipdError for an empty one, NotFoundError when a case is gone."""
        wanted = _filled(remedy)
        cases = self._cases.several(case_ids)
        states: dict[str, Case | None] = {case.id: replace(case, remedy=wanted) for case in cases}
        return self._decide(ChangeKind.EDIT, states, actor, text("health.notes.remedy", n=number(len(states))))

    def accept_text(self, id_: str, name: FieldName, *, actor: str) -> Change:
        """Let a text that was judged none be the remedy of its case after all; raises NotFoundError, SipdError."""
        case = self._cases.get(id_)
        edited = replace(case, remedy=_filled(getattr(case, name)))
        return self._decide(ChangeKind.EDIT, {id_: edited}, actor, text("health.notes.accepted"))

    def plan_merge(self, case_ids: Sequence[str], survivor: str, remedy: str) -> MergePlan:
        """What a merge would do; raises NotFoundError when a case is gone, SipdError when fewer than two are left."""
        if len(case_ids) < 2 or survivor not in case_ids:
            raise SipdError("a merge needs two cases", text_key="health.errors.too_few")
        return plan_merge(self._cases.several(case_ids), survivor, remedy, self._cases.reports())

    def merge(self, plan: MergePlan, *, actor: str) -> Change:
        """Do what was planned, in one change, on the rows as they are now; raises as `plan_merge`."""
        kept = plan.survivor
        plan = self.plan_merge([kept.id, *(case.id for case in plan.gone)], kept.id, kept.remedy)
        note = text("health.notes.merged", n=number(len(plan.gone) + 1))
        return self._decide(ChangeKind.MERGE, plan.states, actor, note, redirects=plan.redirects)

    def plan_menus(self, names: Mapping[str, str]) -> MenuPlan:
        """What filing spellings under their names would do; raises SipdError for a name that says nothing."""
        wanted, version = {spelling: _filled(name) for spelling, name in names.items()}, self._cases.version
        known = self._planned
        if known is None or known[:2] != (version, wanted):  # a page asks at every rerun, the rows are many
            known = version, wanted, plan_menus(wanted, self._cases.all(disabled=True))
            self._planned = known
        return known[2]

    def apply_menus(self, plan: MenuPlan, *, actor: str) -> Change:
        """Do what was planned, in one change, on the rows as they are now; later imports follow it.

        Raises SipdError when it changes nothing.
        """
        plan = self.plan_menus(plan.names)
        if not plan.names:
            raise SipdError("no spelling differs from its name", text_key="health.errors.no_menus")
        note = text("health.notes.menus", n=number(len(plan.names)), cases=number(len(plan.states)))
        return self._decide(ChangeKind.MENUS, plan.states, actor, note, redirects=plan.redirects, menus=plan.names)

    def assign_menu(self, case_ids: Sequence[str], menu: str, *, actor: str) -> Change:
        """File cases under a menu they did not name; raises SipdError for an empty one, NotFoundError."""
        name = _filled(menu)
        cases = self._cases.several(case_ids)
        states: dict[str, Case | None] = {case.id: replace(case, menu=name) for case in cases}
        keys = {case_id(name, case.issue): case.id for case in cases}
        note = text("health.notes.menu_given", n=number(len(cases)), menu=name)
        return self._decide(ChangeKind.EDIT, states, actor, note, redirects=keys)

    def _decide(
        self,
        kind: ChangeKind,
        states: Mapping[str, Case | None],
        actor: str,
        note: str,
        *,
        redirects: Mapping[str, str] | None = None,
        menus: Mapping[str, str] | None = None,
    ) -> Change:
        made = self._change(kind, states, actor=actor, note=note, redirects=redirects, menus=menus)
        self.settle(SETTLE_SECONDS)
        return made


def _filled(written: str) -> str:
    if not (said := written.strip()):
        raise SipdError("empty text", text_key="health.errors.empty")
    return said
