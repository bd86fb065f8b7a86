"""The list of approved answers: search, who and when, how often each was served, and one of them with all there is to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import streamlit as st

from pages.shell import session
from pages.shell.answer_approving import draw_case_line
from pages.shell.cards import badge
from pages.shell.downloads import download_button
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.paging import Pages
from pages.shell.plain import answer_markdown, plain, plain_line
from pages.shell.resources import acting_name
from pages.shell.work_list import chosen_row
from sipd_core.chat.answer_desk import AnswerDesk
from sipd_core.chat.approval import Listed, Standing
from sipd_core.locale_id import UNKNOWN, moment, number
from sipd_core.texts import text


class Change(Protocol):
    """What can be done to an approved answer."""

    def __call__(self, id_: str, *, actor: str) -> None: ...


CHAT_PAGE = Path(__file__).resolve().parents[1] / "obrolan.py"
_PAGES = Pages("approved.page", 25)
_ALL = "all"
_WIDTHS = {"question": 210, "standing": 105, "actor": 110, "at": 152, "last": 152, "thumbs": 130}
"""In pixels; with the number of times served they fit beside the menu of a usual screen."""
_LOOKS = {
    Standing.LIVE: ("green", "verified"),
    Standing.STALE: ("orange", "sync_problem"),
    Standing.DOUBTED: ("orange", "thumb_down"),
    Standing.WITHDRAWN: ("gray", "block"),
}


def draw_list(desk: AnswerDesk) -> None:
    """Filter, one page of approved answers, and the chosen one beneath."""
    if not desk.listed():
        _empty()
        return
    search, standings = _filter()
    found = desk.listed(search, standings)
    if not found:
        st.info(text("approved.list.no_match"), icon=":material/search_off:")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(text("approved.list.total", n=number(len(found))), width="content")
        download_button(
            text("approved.list.download"),
            lambda: desk.export(search, standings),
            file_name=text("approved.list.file"),
            mime="text/csv",
            key="approved.download",
        )
    offset = _PAGES.offset(len(found))
    shown = found[offset : offset + _PAGES.size]
    chosen = _table(shown, f"approved.table.{search}.{standings}.{offset}")
    _PAGES.draw(len(found))
    if chosen is not None:
        _draw_one(desk, chosen)


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f":material/verified: **{text('approved.list.empty_title')}**")
        st.write(text("approved.list.empty_text"))
        st.page_link(CHAT_PAGE, label=text("approved.list.chat"), icon=":material/forum:")


def _filter() -> tuple[str, tuple[Standing, ...]]:
    words, stands = st.columns([2, 3], vertical_alignment="bottom")
    search = words.text_input(
        text("approved.list.search"),
        type="search",
        placeholder=text("ui.search"),
        key="approved.search",
        live="300ms",
        on_change=_PAGES.begin_anew,
    )
    standing = stands.segmented_control(
        text("approved.list.standing"),
        [_ALL, *map(str, Standing)],
        default=_ALL,
        required=True,
        format_func=lambda name: text("approved.list.all") if name == _ALL else text(f"approved.standing.{name}"),
        key="approved.standing",
        on_change=_PAGES.begin_anew,
        wrap=True,
    )
    return search or "", () if standing in (None, _ALL) else (Standing(standing),)


def _table(shown: Sequence[Listed], key: str) -> Listed | None:
    names = ("question", "standing", "actor", "at", "served", "last", "thumbs")
    columns = {name: text(f"approved.list.{name}") for name in names}
    looks = {
        **{columns[name]: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()},
        columns["served"]: st.column_config.NumberColumn(width=80),
    }
    return chosen_row(shown, [_line(one, columns) for one in shown], key, looks)


def _line(one: Listed, columns: dict[str, str]) -> dict[str, object]:
    approved = one.approved
    thumbs = text("approved.list.thumbs_value", up=number(approved.helpful), down=number(approved.unhelpful))
    return {
        columns["question"]: approved.question,
        columns["standing"]: text(f"approved.standing.{one.standing}"),
        columns["actor"]: approved.actor,
        columns["at"]: moment(approved.at),
        columns["served"]: approved.served,
        columns["last"]: moment(approved.last_served_at) if approved.last_served_at else UNKNOWN,
        columns["thumbs"]: thumbs if approved.helpful or approved.unhelpful else UNKNOWN,
    }


def _draw_one(desk: AnswerDesk, one: Listed) -> None:
    approved = one.approved
    with st.container(border=True, key="approved-one"):
        color, icon = _LOOKS[one.standing]
        at = moment(approved.withdrawn_at) if approved.withdrawn_at else ""
        meaning = text(f"approved.standing_meaning.{one.standing}", actor=approved.withdrawn_by, at=at)
        mark = badge(color, text(f"approved.standing.{one.standing}"), icon)
        st.markdown(f"{mark} :small[{plain_line(meaning)}]")
        st.markdown(f"**{plain_line(approved.question)}**")
        st.markdown(answer_markdown(approved.answer))
        st.caption(plain_line(" · ".join(_told(one))))
        _draw_cases(one)
        _draw_actions(desk, one)
        draw_problem(f"approved.{approved.id}")


def _told(one: Listed) -> list[str]:
    approved = one.approved
    said = [text("approved.detail.approved", actor=approved.actor, at=moment(approved.at))]
    if approved.confirmed_at != approved.at:
        confirmed = moment(approved.confirmed_at)
        said.append(text("approved.detail.confirmed", actor=approved.confirmed_by, at=confirmed))
    if approved.served:
        last = moment(approved.last_served_at)
        said.append(text("approved.detail.served", n=number(approved.served), at=last))
    else:
        said.append(text("approved.detail.never"))
    return said


def _draw_cases(one: Listed) -> None:
    st.markdown(f":small[**{text('approved.detail.cases')}**]")
    if not one.approved.rests_on:
        st.caption(text("approved.detail.no_cases"))
    for rest, case in zip(one.approved.rests_on, one.cases, strict=True):
        if case is None:
            st.markdown(plain(text("approved.detail.gone", id=rest.case_id)))
            continue
        changed = rest.case_id in one.changed
        draw_case_line(case, badge("orange", text("approved.detail.changed"), "edit") if changed else "")


def _draw_actions(desk: AnswerDesk, one: Listed) -> None:
    id_ = one.approved.id
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if one.standing is Standing.WITHDRAWN:
            _button("restore", "undo", desk.restore, id_, "approved.detail.restored")
            return
        if one.standing is not Standing.LIVE:
            st.button(
                text("approved.detail.confirm"),
                icon=":material/check:",
                type="primary",
                help=text("approved.detail.confirm_help"),
                key=f"approved.confirm.{id_}",
                on_click=_do,
                args=(desk.confirm, id_, "approved.detail.confirmed_said"),
            )
        _button("withdraw", "block", desk.withdraw, id_, "approved.detail.withdrawn")


def _button(name: str, icon: str, change: Change, id_: str, said: str) -> None:
    st.button(
        text(f"approved.detail.{name}"),
        icon=f":material/{icon}:",
        key=f"approved.{name}.{id_}",
        on_click=_do,
        args=(change, id_, said),
    )


def _do(change: Change, id_: str, said: str) -> None:
    """Change one and say so on the next run, where it stays in sight, with the way back."""
    with errors_kept(f"approved.{id_}"):
        change(id_, actor=acting_name())
        session.flash(text(said))
