"""Gold sets: choose, make, fill from files, edit, take out with a way back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from pages.shell import lab_editor, lab_state, lab_talks
from pages.shell.cards import badge
from pages.shell.downloads import csv_bytes, download_button
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.uploader import label_uploader
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import number
from sipd_core.store.gold import GoldReport, GoldSet
from sipd_core.texts import text

FILE_TYPES = ["csv", "tsv", "txt", "xlsx"]
LONGEST_NAME = 80


def draw(engine: BlockingEngine) -> None:
    """The chosen set and what may be done to it."""
    sets = engine.laboratory.gold.sets()
    if not sets:
        _empty(engine)
        return
    chosen = choose_set(sets, engine)
    if chosen is None:
        return
    _head(engine, chosen)
    _report(chosen)
    labels = [text(f"laboratory.sets.add_{name}") for name in ("file", "talk", "one")]
    upload, talks, one = st.tabs(labels, key="lab.sets.add")
    with upload:
        _upload(engine, chosen)
    with talks:
        lab_talks.draw(engine, chosen)
    with one:
        lab_talks.draw_one(engine, chosen)
    lab_editor.draw(engine, chosen)


def choose_set(sets: Sequence[GoldSet], engine: BlockingEngine, *, with_new: bool = True) -> GoldSet | None:
    """The set that all sections of the page are about."""
    known = {one.id: one for one in sets}
    if st.session_state.get(lab_state.SET) not in known:
        st.session_state[lab_state.SET] = next(iter(known))
    choice, act = st.columns([3, 2], vertical_alignment="bottom")
    chosen = choice.selectbox(
        text("laboratory.sets.choose"), list(known), format_func=lambda id_: known[id_].name, key=lab_state.SET
    )
    if with_new:
        with act.container(horizontal=True):
            _new(engine)
            _samples(engine, sets)
    return known.get(chosen or "")


def draw_no_sets(engine: BlockingEngine) -> None:
    """What to do first, where a section needs a set."""
    _empty(engine)


def _empty(engine: BlockingEngine) -> None:
    with st.container(border=True):
        st.markdown(f"**{text('laboratory.sets.empty_title')}**")
        st.write(text("laboratory.sets.empty_body"))
        with st.container(horizontal=True):
            _samples(engine, (), primary=True)
            _new(engine)


def _samples(engine: BlockingEngine, sets: Sequence[GoldSet], *, primary: bool = False) -> None:
    if any(one.name == text("laboratory.sample_set") for one in sets):
        return
    st.button(
        text("laboratory.sets.samples"),
        icon=":material/science:",
        type="primary" if primary else "secondary",
        help=text("laboratory.sets.samples_help"),
        key="lab.sets.samples",
        on_click=_add_samples,
        args=(engine,),
    )


def _add_samples(engine: BlockingEngine) -> None:
    with errors_kept():
        made, report = engine.laboratory.add_samples(lab_state.actor())
        lab_state.choose_set(made.id)
        lab_state.keep_report(made.id, report)


def _new(engine: BlockingEngine) -> None:
    with _naming("new", "add", ""):
        pressed = text("laboratory.sets.create")
        st.form_submit_button(pressed, type="primary", on_click=_create, args=(engine, _name_key("new")))


def _create(engine: BlockingEngine, key: str) -> None:
    with errors_kept():
        if name := st.session_state[key].strip():
            lab_state.choose_set(engine.laboratory.gold.create(name, actor=lab_state.actor()).id)
            lab_state.next_round()


@contextmanager
def _naming(action: str, icon: str, name: str) -> Iterator[None]:
    """A small form for the name of a set, which closes once it was saved."""
    with (
        st.popover(
            text(f"laboratory.sets.{action}"),
            icon=f":material/{icon}:",
            key=f"lab.sets.{action}.open.{lab_state.rounds()}",
        ),
        st.form(f"lab.sets.{action}", border=False),
    ):
        st.text_input(text("laboratory.sets.name"), name, max_chars=LONGEST_NAME, key=_name_key(action))
        yield


def _name_key(action: str) -> str:
    return f"lab.sets.{action}.name.{lab_state.rounds()}"


def _head(engine: BlockingEngine, chosen: GoldSet) -> None:
    """How many questions of which kind, and what may be done to the whole set."""
    lost = engine.laboratory.lost(chosen.id)
    badges = [
        badge("blue", text("laboratory.sets.inside", n=number(chosen.questions - chosen.outside))),
        badge("gray", text("laboratory.sets.outside", n=number(chosen.outside))),
    ]
    if lost:
        badges.append(badge("orange", text("laboratory.sets.lost", n=number(lost)), "link_off"))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(" ".join(badges), width="content", help=text("laboratory.sets.kinds_help"))
        with st.container(horizontal=True, width="content"):
            _rename(engine, chosen)
            download_button(
                text("laboratory.sets.export"),
                lambda: engine.laboratory.export(chosen.id),
                file_name=text("laboratory.sets.export_file"),
                mime="text/csv",
                icon=":material/download:",
                key="lab.sets.export",
                on_click="ignore",
            )
            remove = text("laboratory.sets.remove")
            st.button(remove, icon=":material/delete:", key="lab.sets.remove", on_click=_remove, args=(engine, chosen))


def _rename(engine: BlockingEngine, chosen: GoldSet) -> None:
    with _naming("rename", "edit", chosen.name):
        pressed = text("laboratory.sets.save_name")
        key = _name_key("rename")
        st.form_submit_button(pressed, type="primary", on_click=_save_name, args=(engine, chosen, key))


def _save_name(engine: BlockingEngine, chosen: GoldSet, key: str) -> None:
    with errors_kept():
        if name := st.session_state[key].strip():
            engine.laboratory.gold.rename(chosen.id, name)
            lab_state.next_round()


def _remove(engine: BlockingEngine, chosen: GoldSet) -> None:
    with errors_kept():
        engine.laboratory.gold.remove_set(chosen.id)
        said = text("laboratory.sets.removed", name=chosen.name, n=number(chosen.questions))

        def back(engine: BlockingEngine) -> None:
            engine.laboratory.gold.restore_set(chosen.id)
            lab_state.choose_set(chosen.id)

        lab_state.offer_undo(said, back)


def _upload(engine: BlockingEngine, chosen: GoldSet) -> None:
    st.caption(text("laboratory.sets.format"))
    label_uploader(text("laboratory.sets.pick"), text("laboratory.sets.drop"))
    file = st.file_uploader(
        text("laboratory.sets.file"),
        FILE_TYPES,
        key=f"lab.sets.upload.{lab_state.rounds()}",
        label_visibility="collapsed",
    )
    label = text("laboratory.sets.take")
    if st.button(label, type="primary", icon=":material/upload:", disabled=file is None, key="lab.sets.take") and file:
        with errors_shown():
            lab_state.keep_report(chosen.id, engine.laboratory.upload(chosen.id, file.name, file))
            st.rerun()


def _report(chosen: GoldSet) -> None:
    """What came of the last file for this set; rows that were not taken are named."""
    report = lab_state.report(chosen.id)
    if report is None:
        return
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(" ".join(_counts(report)), width="content")
            close = text("laboratory.undo.close")
            st.button(close, type="tertiary", key="lab.sets.close_report", on_click=lab_state.forget_report)
        if report.rejections:
            _rejections(report)


def _counts(report: GoldReport) -> list[str]:
    looks = {"added": "green", "changed": "blue", "unchanged": "gray", "masked": "violet"}
    badges = [
        badge(color, text(f"laboratory.report.{name}", n=number(getattr(report, name))))
        for name, color in looks.items()
        if getattr(report, name) or name == "added"
    ]
    if report.rejections:
        badges.append(badge("orange", text("laboratory.report.rejected", n=number(len(report.rejections)))))
    return badges


def _rejections(report: GoldReport) -> None:
    header = [text("laboratory.report.row"), text("laboratory.report.reason")]
    rows = [(rejection.row, rejection.reason) for rejection in report.rejections]
    st.dataframe(
        [dict(zip(header, (number(row), reason), strict=True)) for row, reason in rows],
        hide_index=True,
        width="stretch",
        column_config={header[0]: st.column_config.TextColumn(width="small")},
    )
    download_button(
        text("laboratory.report.download"),
        lambda: csv_bytes(header, rows),
        file_name=text("laboratory.report.file"),
        mime="text/csv",
        icon=":material/download:",
        key="lab.sets.rejections",
        on_click="ignore",
    )
