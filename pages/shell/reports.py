"""Who reported a case: every row of every file that tells it, with when and where, drawn beneath the case."""

import streamlit as st

from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case, ReportedBy
from sipd_core.locale_id import number
from sipd_core.texts import text

MOST_SHOWN = 500


def draw_reports(engine: BlockingEngine, case: Case) -> None:
    """Nothing for a case that a single row tells without a date or a region."""
    reports = engine.reported_by(case.id)
    if len(reports) < 2 and not any(report.date or report.region for report in reports):
        return
    regions = len({report.region.strip().casefold() for report in reports if report.region.strip()})
    key = "imports.reports.title_regions" if regions > 1 else "imports.reports.title"
    title = text(key, n=number(len(reports)), regions=number(regions))
    with st.expander(title, icon=":material/campaign:", type="compact"):
        st.dataframe([_line(report) for report in reports[:MOST_SHOWN]], hide_index=True, width="stretch")


def _line(report: ReportedBy) -> dict[str, str]:
    place = f"{report.file} · {report.sheet}" if report.sheet else report.file
    values = {"date": report.date, "region": report.region, "place": place, "row": number(report.row)}
    return {text(f"imports.reports.{name}"): value for name, value in values.items()}
