"""What a browser's session remembers between two runs of a page."""

from streamlit.testing.v1 import AppTest


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
