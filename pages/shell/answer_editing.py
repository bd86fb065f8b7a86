"""*Ubah jawaban*: words that are not lost when the dialog is left, and a look at them as they would be kept, masked.

One reason to change: how an answer is worded anew.
"""

import streamlit as st

from pages.shell import session
from pages.shell.frame import errors_kept
from pages.shell.plain import masked_lines, plain, plain_line
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.answer_desk import LONGEST
from sipd_core.chat.turn import Exchange
from sipd_core.locale_id import number
from sipd_core.privacy import Kind, Masked, label, mask
from sipd_core.texts import text


@st.dialog(text("approved.edit_title"), width="medium", icon=":material/edit:")
def edit_answer(engine: BlockingEngine, exchange: Exchange, message: str) -> None:
    """The message to the caller as a text that can be changed; the first answer stays."""
    place = f"{exchange.turn.turn_id}.{exchange.chosen}"
    if session.take_worded(place):
        st.rerun()
    if problem := session.take_problem():
        st.error(plain(problem), icon=":material/error:")
    if session.is_wording_looked_at(place):
        _draw_look(engine, exchange.turn.turn_id, place)
    else:
        _draw_editor(engine, exchange.turn.turn_id, place, message)


def _draw_editor(engine: BlockingEngine, turn_id: str, place: str, first: str) -> None:
    key, kept = f"chat.wording.{place}", session.kept_wording(place)
    st.caption(text("approved.edit_body"))
    if key not in st.session_state:
        st.session_state[key] = kept or first
    label_, area = text("approved.edit_label"), st.container()
    area.text_area(label_, height=260, max_chars=LONGEST, key=key, on_change=_keep, args=(place, key, first))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        args = engine, turn_id, place, key
        st.button(
            text("approved.edit_save"),
            type="primary",
            icon=":material/check:",
            key=f"chat.save.{turn_id}",
            on_click=_save,
            args=args,
        )
        if kept:
            st.button(
                text("approved.edit_reset"),
                icon=":material/undo:",
                type="tertiary",
                key=f"chat.reset.{turn_id}",
                on_click=_reset,
                args=(place, key, first),
            )
            st.caption(text("approved.edit_draft"), width="content")


def _draw_look(engine: BlockingEngine, turn_id: str, place: str) -> None:
    """What was masked, and how the answer reads then: nothing is stored yet."""
    found = mask(session.kept_wording(place).strip())
    st.warning(plain_line(text("approved.look_masked", items=_items(found))), icon=":material/lock:")
    st.caption(text("approved.look_reads"))
    with st.container(border=True, key="wording-look"):
        st.markdown(masked_lines(found.text))
    st.caption(text("approved.look_hint"))
    with st.container(horizontal=True, gap="small"):
        st.button(
            text("approved.look_save"),
            icon=":material/check:",
            key=f"chat.save_masked.{turn_id}",
            on_click=_store,
            args=(engine, turn_id, place),
        )
        st.button(
            text("approved.look_back"),
            type="primary",
            icon=":material/edit:",
            key=f"chat.edit_again.{turn_id}",
            on_click=session.look_at_wording,
            args=(place, False),
        )


def _items(found: Masked) -> str:
    """`1 NOMOR HP, 2 NIP`."""
    kinds = found.counts.items()
    return ", ".join(text("chat.masked_item", n=number(n), kind=label(Kind(kind))) for kind, n in kinds)


def _keep(place: str, key: str, first: str) -> None:
    """Whatever closes the dialog, the words are there when it is opened again."""
    typed = str(st.session_state[key])
    session.keep_wording(place, "" if typed == first else typed)


def _reset(place: str, key: str, first: str) -> None:
    session.keep_wording(place, "")
    st.session_state[key] = first


def _save(engine: BlockingEngine, turn_id: str, place: str, key: str) -> None:
    """Store it, unless something in it would be masked: that is shown first."""
    wording = str(st.session_state[key])
    session.keep_wording(place, wording)
    if mask(wording).counts:
        session.look_at_wording(place, True)
    else:
        _store(engine, turn_id, place)


def _store(engine: BlockingEngine, turn_id: str, place: str) -> None:
    with errors_kept():
        engine.answers.edit(turn_id, session.kept_wording(place), actor=acting_name())
        session.keep_wording(place, "")
        session.note_worded(place)
        session.flash(text("approved.edit_saved"))
    session.look_at_wording(place, False)
