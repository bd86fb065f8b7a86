"""The frame of every page: browser title, heading, the one engine, its state, and how errors are shown."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.shell import session
from pages.shell.alerts_banner import draw_banner
from pages.shell.brand import picture, style
from pages.shell.pause import draw_pause, draw_upgrade
from pages.shell.plain import plain, plain_line
from pages.shell.resources import acting_person, get_engine, may, page_engine
from pages.shell.signin_parts import draw_forbidden, draw_open_notice
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import RestoringError, SipdError, UpgradingError
from sipd_core.locale_id import number
from sipd_core.permissions import Permission
from sipd_core.status import EngineStatus
from sipd_core.texts import text


def page_frame(title: str, intro: str = "", *, needs: Permission | None, alerts: bool = True) -> BlockingEngine:
    """Draw the frame and hand over the engine; ends the run with a plain sentence when there is none, or none for this visitor.

    `needs` is what the page asks of whoever looks at it; None: to be signed in.
    Open alerts stand on top of every page but the one that is about them.
    """
    title_of_tab = text("ui.page_title", title=title)
    st.set_page_config(page_title=title_of_tab, page_icon=picture("favicon.png"), layout="wide")
    st.html(style("console.css"))
    if st.context.theme.type == "dark":
        st.html(style("console-dark.css"))
    heading = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    heading.title(title, anchor=False, width="content")
    if intro:
        st.caption(intro)
    engine, status = _engine(needs)
    with heading:
        draw_status(status)
    draw_open_notice()
    _draw_notices(status)
    if alerts and may(Permission.FIGURES):
        with errors_shown():
            draw_banner(engine.alerts)
    return engine


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show an error of the engine where it happened instead of ending the page."""
    try:
        yield
    except SipdError as error:
        show_error(error)


@contextmanager
def errors_kept(place: str = "") -> Iterator[None]:
    """For callbacks, which must not draw: the next run shows the error where `draw_problem` is called with this place.

    Without a place it stands at the top of the page, for buttons that are gone on the next run.
    """
    try:
        yield
    except SipdError as error:
        session.keep_problem(error.user_text, place)


def draw_problem(place: str) -> None:
    """What went wrong at this form or button, beneath which it is called."""
    if said := session.take_problem(place):
        st.error(plain(said), icon=":material/error:")


def show_error(error: SipdError) -> None:
    """What happened and what to do, in the words of the catalogue."""
    st.error(plain(error.user_text), icon=":material/error:")


def draw_status(status: EngineStatus) -> None:
    """Mode, size of the knowledge base and sample rows as small badges."""
    badges = [_mode(status), f":gray-badge[{text('ui.status.cases', cases=number(status.cases))}]"]
    if status.sample_cases:
        badges.append(f":orange-badge[{text('ui.status.samples', n=number(status.sample_cases))}]")
    if status.embedding_model is None and not status.preparing:
        badges.append(f":orange-badge[{text('ui.status.words_only')}]")
    if takeover := status.takeover:
        done = text("ui.status.takeover", done=number(takeover.done), total=number(takeover.total))
        badges.append(f":orange-badge[:material/sync: {done}]")
    st.markdown(" ".join(badges), help=_status_help(status), width="content")


def _mode(status: EngineStatus) -> str:
    """Who writes the answers at the moment."""
    hosted = status.hosted
    if hosted is None:
        return f":blue-badge[:material/computer: {text('ui.status.local')}]"
    if hosted.trouble:
        return f":orange-badge[:material/cloud_off: {text('ui.status.local_for_now')}]"
    return f":blue-badge[:material/cloud: {plain_line(hosted.model.rpartition('/')[2])}]"


def _engine(needs: Permission | None) -> tuple[BlockingEngine, EngineStatus]:
    try:
        person = acting_person()
        if needs is not None and not person.may(needs):
            get_engine().sign_in.note_refusal(person, needs)
            draw_forbidden(person, needs)
            st.stop()
        engine = page_engine()
        return engine, engine.status()
    except UpgradingError:
        draw_upgrade()
        st.stop()
    except RestoringError:
        draw_pause(get_engine())
        st.stop()
    except SipdError as error:
        st.subheader(text("ui.status.unavailable"), anchor=False)
        show_error(error)
        st.stop()


def _status_help(status: EngineStatus) -> str:
    remedies = text("ui.status.cases_help", remedies=number(status.cases_with_remedy), menus=number(status.menus))
    said = [text("ui.status.local_help")]
    if hosted := status.hosted:
        said = [text("ui.status.hosted_help", model=hosted.model or hosted.embedding_model, host=hosted.host)]
        said += [hosted.trouble] if hosted.trouble else []
    if status.takeover:
        said.append(text("ui.status.takeover_help", model=status.wanted_model))
        if status.takeover.error:
            said.append(text("ui.status.takeover_paused", reason=status.takeover.error))
    return "\n\n".join(plain(part) for part in [*said, remedies])


def _draw_notices(status: EngineStatus) -> None:
    if status.degraded:
        st.warning(plain(status.degraded), icon=":material/warning:")
    elif status.preparing:
        st.info(text("ui.status.preparing"), icon=":material/hourglass_top:")
    if problem := session.take_stray_problem():
        st.error(plain(problem), icon=":material/error:")
        st.toast(plain(problem), icon=":material/error:", duration="long")  # the top may be scrolled away
    if said := session.take_flash():
        st.toast(plain(said), icon=":material/check:")
