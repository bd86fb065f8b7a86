"""What a person sees of a hosted model: its name and cost, its end when stopped, its absence when it fails."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from pages.shell import resources
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import VersionKind
from sipd_core.settings import load_settings
from sipd_core.texts import text
from tests.provider import CHAT_MODEL, Length, Provider, ServerError, Truncate
from tests.ui.chromium import open_page
from tests.ui.console import LOG, Opener, as_file, shown
from tests.ui.server import Console
from tests.ui.test_browser import ask

SHORT_NAME = CHAT_MODEL.rpartition("/")[2]


def read(app: AppTest) -> str:
    """What a visitor reads, without the marks that keep text from being Markdown."""
    return shown(app).replace("\\", "")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(dimension=64) as made:
        yield made


@pytest.fixture
def hosted(folder: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockingEngine]:
    """The prepared folder, answers by the provider, embeddings by the bundled model."""
    settings = load_settings(
        _env_file=None,
        sipd_data_dir=folder,
        load_sample_data=False,
        nebius_base_url=provider.url,
        nebius_api_key=provider.key,
        nebius_embedding_model="local",
        max_retries=0,
    )
    engine = BlockingEngine(settings)
    engine.import_files([("log.csv", as_file(LOG))])
    engine.wait_until_indexed(120)
    monkeypatch.setattr(resources, "_engine", engine)
    yield engine
    engine.close()


def test_the_frame_names_the_model_and_where_texts_go(hosted: BlockingEngine, open_page: Opener) -> None:  # noqa: F811
    app = open_page()
    assert SHORT_NAME in read(app) and text("ui.status.local") not in read(app)
    helps = [one.help for one in app.markdown if one.help]
    assert any("127\\.0\\.0\\.1" in told for told in helps)


def test_an_answer_tells_its_writer_its_cost_and_its_cases(
    hosted: BlockingEngine,
    open_page: Opener,  # noqa: F811
) -> None:
    app = open_page()
    app.chat_input[0].set_value("SP2D belum cair padahal SPM sudah final").run()
    assert f"{SHORT_NAME} · US$" in read(app) and "[K1]" in read(app)
    app.button(key="chat.new").click().run()
    app.chat_input[0].set_value("SP2D belum cair padahal SPM sudah final").run()
    assert "dari cache" in shown(app)


def test_a_failing_provider_is_named_and_the_desk_goes_on(
    hosted: BlockingEngine,
    open_page: Opener,  # noqa: F811
    provider: Provider,
) -> None:
    provider.script("chat", ServerError(), forever=True)
    app = open_page()
    for _ in range(3):
        app.chat_input[0].set_value("SP2D belum cair padahal SPM sudah final").run()
        assert not app.exception
        assert "Mode lokal" in app.warning[-1].value and "Setujui ulang SPM" in shown(app)
        app.button(key="chat.new").click().run()
    assert text("ui.status.local_for_now") in shown(app)


def test_a_cut_answer_never_stays(hosted: BlockingEngine, open_page: Opener, provider: Provider) -> None:  # noqa: F811
    provider.script("chat", Truncate(3))
    app = open_page()
    app.chat_input[0].set_value("SP2D belum cair padahal SPM sudah final").run()
    page = shown(app)
    assert "Langkah yang pernah" not in page and "Setujui ulang SPM" in page
    assert text("errors.provider.broken") in read(app)


def test_an_answer_cut_at_its_limit_is_gone_on_with_by_a_click(
    hosted: BlockingEngine, open_page: Opener, provider: Provider
) -> None:
    provider.script("chat", Length())
    app = open_page()
    app.chat_input[0].set_value("SP2D belum cair padahal SPM sudah final").run()
    (exchange,) = hosted.conversation(app.query_params["percakapan"]).exchanges
    assert text("approved.cut") in [one.value for one in app.info] and exchange.turn.cut
    provider.answer = lambda _: "lalu tekan Simpan. [K1]"
    app.button(key=f"chat.go_on.{exchange.turn.turn_id}").click().run()
    assert not app.exception and "lalu tekan Simpan" in read(app)
    assert text("approved.cut") not in [one.value for one in app.info]
    (exchange,) = hosted.conversation(app.query_params["percakapan"]).exchanges
    assert exchange.version is not None and exchange.version.kind is VersionKind.CONTINUED


def test_an_answer_written_anew_by_a_model_stands_beside_the_first(
    hosted: BlockingEngine, open_page: Opener, provider: Provider
) -> None:
    app = open_page()
    app.chat_input[0].set_value("SP2D belum cair padahal SPM sudah final").run()
    (exchange,) = hosted.conversation(app.query_params["percakapan"]).exchanges
    provider.answer = lambda _: "Mintalah Kuasa BUD menekan Transfer. [K1]"
    app.session_state["chat.rewrite"] = ("anew", exchange.turn.turn_id)
    app.run()
    assert "Mintalah Kuasa BUD" in read(app) and text("approved.version_first") in str(app.segmented_control[0].options)
    provider.script("chat", ServerError(), forever=True)
    app.session_state["chat.rewrite"] = ("anew", exchange.turn.turn_id)
    app.run()
    assert not app.exception and "Mode lokal" in read(app)


@pytest.mark.browser
def test_stop_keeps_what_had_come_and_ends_the_call(
    browser: Browser,  # noqa: F811
    tmp_path: Path,
    provider: Provider,
) -> None:
    provider.tokens, provider.token_delay = 400, 0.05
    console = Console(
        tmp_path / "data",
        NEBIUS_BASE_URL=provider.url,
        NEBIUS_API_KEY=provider.key,
        NEBIUS_EMBEDDING_MODEL="local",
    )
    console.start()
    try:
        page = open_page(browser, console.url)
        ask(page, "gak bisa login, katanya akun tidak aktif")
        answer = page.get_by_test_id("stChatMessage").nth(1)
        expect(answer).to_contain_text("Langkah yang pernah berhasil")
        page.get_by_test_id("stChatInputStopButton").click()
        expect(answer).to_contain_text(re.compile("dihentikan sebelum selesai"))
        expect(answer).to_contain_text("Langkah yang pernah berhasil")
        expect(page).to_have_url(re.compile("percakapan="))
        page.reload()
        expect(page.get_by_test_id("stChatMessage").nth(1)).to_contain_text("dihentikan sebelum selesai")
        assert len(provider.cancelled) == 1
        closing = open_page(browser, console.url)
        ask(closing, "SP2D belum cair padahal SPM sudah final dari kemarin")
        expect(closing.get_by_test_id("stChatMessage").nth(1)).to_contain_text("Langkah yang pernah berhasil")
        closing.close()
        page.wait_for_timeout(3_000)
        assert len(provider.cancelled) == 2, "closing the tab ends the call too"
        assert provider.key not in console.log()
    finally:
        console.stop(signal.SIGKILL)
