"""Files that wait for an admin's yes, drawn: what was understood, what would be stored, what it costs."""

from typing import Literal

import streamlit as st

from pages.shell import session
from pages.shell.cards import badge
from pages.shell.frame import errors_kept, show_error
from pages.shell.mapping import draw_mapping
from pages.shell.plain import masked_markdown, plain, plain_line, shortened
from pages.shell.rejected import draw_rejected
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ImportReport
from sipd_core.errors import BaseChangedError, SipdError
from sipd_core.knowledge.previews import Draft, DraftState, Estimate, RowView
from sipd_core.locale_id import duration, file_size, number, rupiah, usd
from sipd_core.privacy import Kind, label
from sipd_core.store.meeting import Meeting
from sipd_core.texts import text

POLL_SECONDS = 0.7
ROWS_OPEN = 4
"""First rows that stand open; the others fold away, so that the button is never far."""
_TEXT_SHOWN = 260

_BUSY = (DraftState.WAITING, DraftState.READING, DraftState.STORING)
_LOOKS = {
    DraftState.WAITING: ("gray", "hourglass_empty"),
    DraftState.READING: ("blue", "hourglass_top"),
    DraftState.UNCLEAR: ("orange", "help"),
    DraftState.REFUSED: ("red", "error"),
    DraftState.READY: ("green", "fact_check"),
    DraftState.STORING: ("blue", "save"),
}
_MEETINGS = {
    Meeting.NEW: ("green", "add"),
    Meeting.CHANGED: ("blue", "edit"),
    Meeting.UNCHANGED: ("gray", "check"),
    Meeting.KEPT: ("gray", "lock"),
}


def draw_drafts(engine: BlockingEngine) -> None:
    """Every draft in a line, one of them open; those that are still being read are watched until they are not."""
    drafts = engine.uploads.drafts()
    if not drafts:
        return
    st.subheader(text("imports.drafts.heading"), anchor=False)
    _draw_busy(engine, [draft for draft in drafts if draft.state in _BUSY])
    read = [draft for draft in drafts if draft.state not in _BUSY]
    open_ = session.open_draft([draft.id for draft in read if draft.state is not DraftState.REFUSED])
    for draft in read:
        if draft.state is DraftState.REFUSED:
            _draw_draft(engine, draft)
        elif draft.id == open_:
            _draw_draft(engine, engine.uploads.draft(draft.id))
        else:
            with st.container(border=True, key=f"draft-{draft.id}"):
                _draw_head(engine, draft, closed=True)


def _draw_busy(engine: BlockingEngine, busy: list[Draft]) -> None:
    if not busy:
        return
    watched = {draft.id for draft in busy}

    @st.fragment(run_every=POLL_SECONDS)
    def panel() -> None:
        now = [draft for draft in engine.uploads.drafts() if draft.id in watched]
        if len(now) < len(watched) or any(draft.state not in _BUSY for draft in now):
            st.rerun()
        for draft in now:
            with st.container(border=True):
                _draw_head(engine, draft)
                st.progress(draft.share, text=text(f"imports.state_more.{draft.state}"))

    panel()


def _draw_draft(engine: BlockingEngine, draft: Draft) -> None:
    with st.container(border=True, key=f"draft-{draft.id}"):
        _draw_head(engine, draft)
        if draft.state is DraftState.REFUSED:
            st.error(plain(draft.error or ""), icon=":material/error:")
        elif draft.state is DraftState.UNCLEAR:
            st.warning(f"{plain(draft.error or '')}  \n{text('imports.unclear_hint')}", icon=":material/help:")
            draw_mapping(engine, draft)
        elif draft.report:
            _draw_ready(engine, draft, draft.report)


def _draw_head(engine: BlockingEngine, draft: Draft, *, closed: bool = False) -> None:
    color, icon = _LOOKS[draft.state]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall"):
        state = badge(color, text(f"imports.state.{draft.state}"), icon)
        st.markdown(f"**{plain_line(draft.file)}** {state} :gray[:small[{file_size(draft.size)}]]", width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            if closed:
                st.button(
                    text("imports.open"),
                    icon=":material/visibility:",
                    key=f"imports.open.{draft.id}",
                    on_click=session.show_draft,
                    args=(draft.id,),
                )
            st.button(
                text("imports.discard"),
                icon=":material/close:",
                type="tertiary",
                key=f"imports.discard.{draft.id}",
                on_click=_discard,
                args=(engine, draft.id),
                disabled=draft.state is DraftState.STORING,
            )


def _discard(engine: BlockingEngine, draft_id: str) -> None:
    with errors_kept():
        engine.uploads.discard(draft_id)


def _draw_ready(engine: BlockingEngine, draft: Draft, report: ImportReport) -> None:
    if draft.recomputed:
        st.info(text("imports.recomputed"), icon=":material/sync:")
    _draw_doubts(draft)
    _draw_counts(report)
    st.markdown(_estimate_line(draft.estimate))
    names = {
        "preview": text("imports.tab.preview"),
        "columns": text("imports.tab.columns"),
        "rejected": text("imports.tab.rejected", n=number(report.rejected)),
    }
    preview, columns, rejected = st.tabs(list(names.values()), key=f"imports.tabs.{draft.id}")
    with preview:
        _draw_rows(draft)
    with columns:
        draw_notices(report)
        draw_mapping(engine, draft)
    with rejected:
        draw_rejected(engine, report, draft_id=draft.id)
    _draw_confirm(engine, draft, report)


def _draw_doubts(draft: Draft) -> None:
    """What the admin should know before anything else: what is left out, and what is read because of an earlier choice."""
    doubtful = [view.sheet or "" for view in draft.sheets if view.doubtful]
    if doubtful:
        st.warning(plain(text("imports.doubtful", sheets=", ".join(doubtful))), icon=":material/help:")
    if any(view.remembered for view in draft.sheets):
        st.info(text("imports.remembered"), icon=":material/history:")


def _draw_counts(report: ImportReport) -> None:
    """The dry run in figures: exactly what the import would do."""
    unchanged_help = text("imports.count_help.unchanged", kept=number(report.kept)) if report.kept else None
    figures = [
        ("new", report.accepted - report.changed, None),
        ("changed", report.changed, None),
        ("unchanged", report.unchanged, unchanged_help),
        ("duplicates", report.duplicates, text("imports.count_help.duplicates")),
        ("rejected", report.rejected - report.duplicates, text("imports.count_help.rejected")),
        ("masked", report.masked, masked_help(report)),
    ]
    with st.grid(columns=len(figures), min_column_width=110, gap="small"):
        for name, value, why in figures:
            st.metric(text(f"imports.count.{name}"), number(value), help=why)


def draw_notices(report: ImportReport) -> None:
    """What the reader decided by itself, folded away."""
    if report.notices:
        with st.expander(text("imports.notices", n=number(len(report.notices))), type="compact"):
            st.caption(plain("\n".join(report.notices)))


def masked_help(report: ImportReport) -> str | None:
    """What was masked, by kind."""
    if not report.masked_kinds:
        return None
    kinds = sorted(report.masked_kinds.items(), key=lambda item: -item[1])
    listed = ", ".join(text("imports.masked_kind", n=number(n), kind=label(Kind(kind))) for kind, n in kinds)
    return plain_line(text("imports.count_help.masked", kinds=listed))


def _estimate_line(estimate: Estimate | None) -> str:
    """What follows after the import: texts, time and money."""
    icon = ":material/neurology:"
    if estimate is None:
        return f"{icon} {text('imports.estimate.not_ready')}"
    if not estimate.texts:
        return f"{icon} {text('imports.estimate.nothing')}"
    time = text("imports.estimate.unmeasured")
    if estimate.seconds is not None:
        time = text("imports.estimate.time", time=duration(max(estimate.seconds, 1.0) * 1_000))
    told = text("imports.estimate.texts", n=number(estimate.texts), time=time, cost=_cost(estimate))
    return f"{icon} {told}"


def _cost(estimate: Estimate) -> str:
    if estimate.free:
        return text("imports.estimate.free")
    if estimate.cost_usd is None:
        return text("imports.estimate.unknown_price")
    return text("imports.estimate.cost", usd=usd(estimate.cost_usd), rupiah=rupiah(estimate.cost_idr))


def _draw_rows(draft: Draft) -> None:
    if not draft.rows:
        st.caption(text("imports.no_rows"))
        return
    st.caption(text("imports.preview_hint"))
    for row in draft.rows[:ROWS_OPEN]:
        _draw_row(row)
    if further := draft.rows[ROWS_OPEN:]:
        with st.expander(text("imports.more_rows", n=number(len(further))), type="compact"):
            for row in further:
                _draw_row(row)


def _draw_row(row: RowView) -> None:
    case = row.case
    color, icon = _MEETINGS[row.meeting]
    kind = ("green", "imports.kind.remedy") if case.remedy else ("orange", "imports.kind.precedent")
    marks = [
        badge(color, text(f"imports.meeting.{row.meeting}"), icon),
        badge("blue", case.menu or text("chat.card.no_menu"), "folder_open"),
        badge(kind[0], text(kind[1])),
    ]
    place = text("imports.place_sheet", sheet=case.sheet, row=number(case.row)) if case.sheet else ""
    place = place or text("imports.place", row=number(case.row))
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f":small[{' '.join(marks)}] :gray[:small[{plain_line(place)}]]")
        st.markdown(masked_markdown(shortened(case.issue, _TEXT_SHOWN)))
        if case.remedy:
            st.markdown(f":green[:material/task_alt:] :small[{masked_markdown(shortened(case.remedy, _TEXT_SHOWN))}]")


def _draw_confirm(engine: BlockingEngine, draft: Draft, report: ImportReport) -> None:
    key = "imports.confirm" if report.accepted else "imports.confirm_nothing"
    said = text(key, n=number(report.accepted))
    kind: Literal["primary", "secondary"] = "primary" if report.accepted else "secondary"
    if st.button(said, type=kind, icon=":material/download_done:", key=f"imports.confirm.{draft.id}"):
        _confirm(engine, draft)


def _confirm(engine: BlockingEngine, draft: Draft) -> None:
    try:
        with st.spinner(text("imports.storing")):
            report = engine.uploads.confirm(draft.id, acting_name())
    except BaseChangedError as error:
        session.keep_problem(error.user_text)
        st.rerun()
    except SipdError as error:
        show_error(error)
        return
    key = "imports.stored" if report.accepted else "imports.stored_nothing"
    session.flash(text(key, file=report.file, n=number(report.accepted)))
    st.rerun()
