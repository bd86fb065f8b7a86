"""What a browser's session remembers between two runs of a page."""

from streamlit.testing.v1 import AppTest

from pages.shell.plain import plain
from sipd_core.texts import text


def _asked_by_the_run_and_by_two_timers() -> None:
    import streamlit as st

    from pages.shell import session

    watch = session.watch_for_stop()
    by_the_run, beside_it = session.stop_to_show(), session.stop_to_show()
    watch.closed = True
    st.text(f"{by_the_run} {beside_it} {session.stop_to_show()}")
    session.forget_stop()
    st.text(session.stop_to_show())


def test_a_stop_is_shown_once_what_it_leaves_is_stored() -> None:
    """Streamlit runs a timer also beside a stopped run that still closes its stream: it came too early once."""
    app = AppTest.from_function(_asked_by_the_run_and_by_two_timers).run()
    assert [text.value for text in app.text] == ["False False True", "False"]


def _a_form_with_an_error_of_its_own(place: str) -> None:
    import streamlit as st

    from pages.shell import session
    from pages.shell.frame import draw_problem, errors_kept
    from sipd_core.errors import SipdError

    def fail() -> None:
        with errors_kept("the.form"):
            raise SipdError(text_key="cost.price.no_model")

    if said := session.take_stray_problem():
        st.text(f"top: {said}")
    st.button("go", on_click=fail)
    draw_problem(place)


def test_an_error_is_shown_at_its_form_and_once() -> None:
    app = AppTest.from_function(_a_form_with_an_error_of_its_own, args=("the.form",)).run()
    app = app.button[0].click().run()
    assert [error.value for error in app.error] == [plain(text("cost.price.no_model"))] and not app.text
    app = app.run()
    assert not app.error and not app.text


def test_an_error_whose_form_is_gone_comes_to_the_top() -> None:
    app = AppTest.from_function(_a_form_with_an_error_of_its_own, args=("another",)).run()
    app = app.button[0].click().run()
    assert not app.error and not app.text
    app = app.run()
    assert [line.value for line in app.text] == [f"top: {text('cost.price.no_model')}"]
    assert not app.run().text
