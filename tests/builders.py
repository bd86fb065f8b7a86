"""Small makers of domain values for tests: only what a test names differs from the ordinary."""

from dataclasses import replace
from datetime import UTC, datetime

from sipd_core.chat.turn import Escalation, Intent, Turn, Verdict
from sipd_core.documents import Case, Hit, ImportReport, ImportStatus, case_id


def make_case(issue: str = "SP2D belum cair", menu: str = "SP2D - Pencairan", **changes: object) -> Case:
    """A case with a remedy, from row 2 of `uji.csv`."""
    case = Case(
        id=case_id(menu, issue),
        menu=menu,
        issue=issue,
        expected="Kuasa BUD menekan Transfer.",
        note_dev="",
        note_qa="",
        status="",
        file="uji.csv",
        sheet=None,
        row=2,
        remedy="Kuasa BUD menekan Transfer.",
    )
    return replace(case, **changes)  # type: ignore[arg-type]


def make_report(id: str = "batch-1", **changes: object) -> ImportReport:
    """A report that still says nothing of its rows."""
    report = ImportReport(id, "uji.csv", datetime(2026, 11, 22, tzinfo=UTC), ImportStatus.INDEXING)
    return replace(report, **changes)  # type: ignore[arg-type]


def make_turn(session_id: str = "s1", turn_id: str = "t1", **changes: object) -> Turn:
    """A found answer that rests on one case."""
    turn = Turn(
        response="Kuasa BUD menekan Transfer.",
        intent=Intent.TECHNICAL_ISSUE,
        sentiment=0.0,
        suggestions=("Periksa status",),
        context_used=True,
        should_escalate=False,
        session_id=session_id,
        turn_id=turn_id,
        verdict=Verdict.FOUND,
        relevance=0.9,
        sources=(Hit(make_case(), 0.9, 0.88, 0.7),),
        escalation=Escalation(),
        masked={"NIP": 1},
        timings_ms={"total": 12.5, "embed": 7.0, "search": 2.0},
    )
    return replace(turn, **changes)  # type: ignore[arg-type]
