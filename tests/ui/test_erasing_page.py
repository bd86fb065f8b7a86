"""Deleting the open conversation: only for those who may, after a question that names what goes."""

import pytest
from streamlit.testing.v1 import AppTest

from sipd_core.blocking import BlockingEngine
from sipd_core.errors import NotFoundError
from sipd_core.texts import text
from tests.ui.console import Opener


def pressed(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def test_the_open_conversation_is_deleted_after_a_question(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("obrolan")
    assert not [one for one in app.button if one.key == "chat.erase"], "nothing is stored yet"
    app.chat_input[0].set_value("sp2d belum cair").run()
    talk = engine.conversations()[0].id
    app = pressed(app.run(), "chat.erase")
    told = " ".join(one.value for one in (*app.markdown, *app.warning, *app.caption))
    assert text("retention.messages", n="1") in told and text("retention.irreversible") in told
    assert text("retention.archive_none") in told
    app = pressed(app, "chat.erase.yes")
    assert not app.exception
    with pytest.raises(NotFoundError):
        engine.conversation(talk)
    assert talk not in {one.id for one in engine.conversations()}
    assert "percakapan" not in app.query_params
