"""The entries of the audit: filter, one page at a time, the details of one, and all that fit as a file."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.shell.downloads import download_button
from pages.shell.paging import Pages
from pages.shell.period import period_picker
from pages.shell.plain import plain_line
from pages.shell.work_list import chosen_row
from sipd_core.audit_words import (
    actor_name,
    detail_lines,
    entries_csv,
    kind_name,
    object_name,
    outcome_name,
    place_name,
)
from sipd_core.blocking import BlockingEngine
from sipd_core.deeds import DeedKind, DeedOutcome
from sipd_core.locale_id import moment, number
from sipd_core.periods import Period
from sipd_core.store.audit import AuditEntry, AuditFilter
from sipd_core.texts import text

_PAGES = Pages("audit.page", 25)
_ALL = "all"
WORDS, KINDS, OUTCOME, ACTOR = "cari", "apa", "hasil", "siapa"
"""Keys of the filter's fields, by which the address names them too: a reload or a shared link shows the same entries."""


def draw_entries(engine: BlockingEngine, *, broken_at: int | None) -> None:
    """The list, or what it will hold when there is nothing yet; `broken_at`: number of the first broken entry."""
    st.subheader(text("audit.table.heading"), anchor=False)
    if not engine.audit.head().count:
        with st.container(border=True):
            st.markdown(f"**{text('audit.table.empty_title')}**")
            st.caption(text("audit.table.empty_text"))
        return
    period = period_picker("audit")
    wanted = _filter(engine, period)
    found = _PAGES.read(lambda offset, limit: engine.audit.page(wanted, offset=offset, limit=limit))
    if not found.total:
        st.info(text("audit.table.no_match"), icon=":material/search_off:")
        return
    st.caption(text("audit.table.total", n=number(found.total)))
    chosen = _table(found.entries, f"audit.table.{hash(wanted)}.{_PAGES.number()}", broken_at)
    _PAGES.draw(found.total)
    if chosen is not None:
        with st.container(border=True):
            draw_entry(chosen)
    _draw_export(engine, wanted, period)


def _filter(engine: BlockingEngine, period: Period) -> AuditFilter:
    actors = engine.audit.actors()
    _begin(actors)
    words, kinds = st.columns([3, 2])
    said = words.text_input(
        text("audit.filter.words"),
        type="search",
        placeholder=text("ui.search"),
        key=WORDS,
        live="300ms",
        on_change=_PAGES.begin_anew,
    )
    chosen = kinds.multiselect(
        text("audit.filter.kinds"),
        sorted(map(str, DeedKind), key=kind_name),
        format_func=kind_name,
        placeholder=text("audit.filter.all_kinds"),
        key=KINDS,
        on_change=_PAGES.begin_anew,
    )
    with words:
        outcome = st.segmented_control(
            text("audit.filter.outcome"),
            [_ALL, *map(str, DeedOutcome)],
            required=True,
            format_func=lambda name: text("audit.filter.all") if name == _ALL else outcome_name(name),
            key=OUTCOME,
                on_change=_PAGES.begin_anew,
        )
    actor = kinds.selectbox(
        text("audit.filter.actor"),
        actors,
        index=None,
        placeholder=text("audit.filter.all_actors"),
        key=ACTOR,
        on_change=_PAGES.begin_anew,
    )
    which = "" if outcome in (None, _ALL) else str(outcome)
    _keep({WORDS: [said or ""], KINDS: list(chosen), OUTCOME: [which], ACTOR: [actor or ""]})
    return AuditFilter(tuple(chosen), actor or "", which, period.start, period.end, said or "")


def _begin(actors: tuple[str, ...]) -> None:
    """Fill the fields with what the address names, as far as there is such a thing."""
    named = st.query_params
    outcome, actor = named.get(OUTCOME, ""), named.get(ACTOR, "")
    st.session_state.setdefault(WORDS, named.get(WORDS, ""))
    st.session_state.setdefault(KINDS, [kind for kind in named.get_all(KINDS) if kind in set(map(str, DeedKind))])
    st.session_state.setdefault(OUTCOME, outcome if outcome in set(map(str, DeedOutcome)) else _ALL)
    st.session_state.setdefault(ACTOR, actor if actor in actors else None)


def _keep(fields: Mapping[str, Sequence[str]]) -> None:
    """Write what the fields hold into the address, where they hold anything."""
    for name, values in fields.items():
        said = [value for value in values if value]
        if said and st.query_params.get_all(name) != said:
            st.query_params[name] = said
        if not said:
            st.query_params.pop(name, None)


def _draw_export(engine: BlockingEngine, wanted: AuditFilter, period: Period) -> None:
    """Everything that the filter lets through."""
    days = {"first": period.first.isoformat(), "last": period.last.isoformat()}
    download_button(
        text("audit.table.download"),
        lambda: entries_csv(engine.audit.entries(wanted)),
        file_name=text("audit.table.file", **days),
        mime="text/csv",
        key="audit.download",
    )


def _table(entries: tuple[AuditEntry, ...], key: str, broken_at: int | None) -> AuditEntry | None:
    names = (*(("chain",) if broken_at else ()), "seq", "at", "actor", "kind", "object", "from", "outcome")
    columns = {name: text(f"audit.table.{name}") for name in names}
    looks = {
        columns["seq"]: st.column_config.NumberColumn(width=60),
        columns["at"]: st.column_config.TextColumn(width=165),
        columns["kind"]: st.column_config.TextColumn(width=200),
    }
    return chosen_row(entries, [_line(entry, columns, broken_at) for entry in entries], key, looks, height="content")


def _line(entry: AuditEntry, columns: dict[str, str], broken_at: int | None) -> dict[str, object]:
    mark = {columns["chain"]: _mark(entry.seq, broken_at)} if broken_at else {}
    return mark | {
        columns["seq"]: entry.seq,
        columns["at"]: moment(entry.at),
        columns["actor"]: actor_name(entry),
        columns["kind"]: kind_name(entry.kind),
        columns["object"]: object_name(entry),
        columns["from"]: place_name(entry),
        columns["outcome"]: outcome_name(entry.outcome),
    }


def _mark(seq: int, broken_at: int) -> str:
    """Whether an entry still stands in the chain; of those after the break nothing is known."""
    if seq == broken_at:
        return f"⛔ {text('audit.table.broken_here')}"
    return text("audit.table.broken_before" if seq < broken_at else "audit.table.broken_after")


def draw_entry(entry: AuditEntry) -> None:
    """All of one entry."""
    st.markdown(f"**{text('audit.table.entry', n=number(entry.seq))}** · {plain_line(kind_name(entry.kind))}")
    told = [
        (text("audit.table.at"), moment(entry.at)),
        (text("audit.table.actor"), actor_name(entry)),
        (text("audit.table.object"), object_name(entry) or "—"),
        (text("audit.table.from"), place_name(entry)),
        (text("audit.table.outcome"), outcome_name(entry.outcome)),
        *detail_lines(entry.details),
    ]
    st.markdown("\n".join(f"- {plain_line(name)}: **{plain_line(value)}**" for name, value in told))
    st.caption(f"{text('audit.table.hash')}: `{entry.hash}`")
