"""Hostile content in a real browser: on every page, in rows, messages, answers, notes, names of files and of people, and in
the address. It is shown as text; nothing runs, and nothing is asked for."""

import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect

from sipd_core.texts import text
from tests.hostile import MARKED, QUESTION, Beacon, bare, beacon, fill, hostile_csv, payloads
from tests.ui.chromium import open_page
from tests.ui.console import started
from tests.ui.server import Console
from tests.ui.test_browser import ask, refused_by_policy, upload

pytestmark = pytest.mark.browser

PAGES = (
    "", "pengetahuan", "jawaban", "eskalasi", "impor", "kesehatan", "laboratorium", "kinerja", "biaya", "nilai", "peringatan",
    "audit", "cadangan", "belajar", "pengguna", "kunci_api", "akun",
)  # fmt: skip
PARAMETERS = ("percakapan", "tiket", "periode", "kunci", "halaman")
ICON = "fonts.gstatic.com/s/i/short-term/release/materialsymbols"
"""Streamlit asks for the icon of the tab there; the policy never lets it out."""
RUNS = ("script", "iframe", "object", "embed", "base", "form", "meta[http-equiv=refresh]")


@dataclass
class Desk:
    """A running console full of it, and what it heard."""

    console: Console
    beacon: Beacon
    conversation: str
    session: str = ""


@dataclass
class Watched:
    """A page with everything noted down that must not happen."""

    page: Page
    home: str
    dialogs: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)
        self.page.on("console", lambda said: self._console(said.text))
        self.page.on("pageerror", lambda error: self._console(str(error)))

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.asked.append(request)

    def _console(self, said: str) -> None:
        if "Content Security Policy" in said and ICON not in said:
            self.violations.append(said[:300])

    @property
    def main(self):  # type: ignore[no-untyped-def]
        return self.page.get_by_test_id("stMainBlockContainer")

    def settle(self) -> None:
        """Wait until the page is drawn."""
        self.main.locator("h1").wait_for()
        self.page.wait_for_function("!document.querySelector('[data-testid=stStatusWidgetRunningIcon]')")
        self.page.wait_for_timeout(400)

    def check(self, where: str, beacon: Beacon) -> None:
        """Nothing ran, nothing was asked for, and no element of it stands in the page."""
        self.settle()
        assert self.page.evaluate("window.jahat") is None, where
        asked = [request.url for request in self.asked if not (refused_by_policy(request) and ICON in request.url)]
        assert (self.dialogs, asked, beacon.asked) == ([], [], []), where
        main = '[data-testid="stMainBlockContainer"], [data-testid="stSidebar"], [role="dialog"]'
        found = self.page.evaluate(
            """([area, runs, beacon]) => [...document.querySelectorAll(area)].flatMap(part => [
                ...part.querySelectorAll(runs),
                ...[...part.querySelectorAll('*')].filter(one => [...one.attributes].some(has =>
                    (has.name.startsWith('on')) || /^\\s*javascript:/i.test(has.value) ||
                    (['src', 'href', 'srcset', 'action', 'data', 'poster'].includes(has.name) && has.value.includes(beacon)))),
            ].filter(one => !one.closest('.st-key-keys')).map(one => one.outerHTML.slice(0, 200)))""",
            [main, ", ".join(RUNS), bare(beacon.url)],
        )
        assert found == [], where


@pytest.fixture(scope="module")
def desk(
    prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Desk]:
    data = shutil.copytree(prepared_folder, tmp_path_factory.mktemp("hostile") / "data")
    bad_files = Path(__file__).resolve().parents[3] / "shared" / "eval" / "bad_files"
    with beacon() as heard:
        engine = started(data)
        turn = fill(engine, heard.url, bad_files if bad_files.is_dir() else None)
        engine.close()
        console = Console(data, LOAD_SAMPLE_DATA="false")
        console.start()
        try:
            yield Desk(console, heard, turn.session_id)
        finally:
            console.stop(signal.SIGKILL)


@pytest.fixture
def watched(browser: Browser, desk: Desk) -> Iterator[Watched]:
    page = open_page(browser, f"{desk.console.url}/audit")
    yield Watched(page, desk.console.url)
    page.context.close()


def test_every_page_shows_it_as_text(watched: Watched, desk: Desk) -> None:
    for path in PAGES:
        watched.page.goto(f"{desk.console.url}/{path}")
        watched.check(path or "obrolan", desk.beacon)
    assert watched.violations == []


def test_what_stands_in_the_address_is_never_drawn(watched: Watched, desk: Desk) -> None:
    link = f"](javascript:window.jahat=1) ![x]({bare(desk.beacon.url)}/alamat.png)"
    evil = quote(f"{MARKED}<script>window.jahat=1</script>{link}", safe="")
    query = "&".join(f"{name}={evil}" for name in PARAMETERS)
    for path in ("", "eskalasi", "audit", "nilai", "kinerja", "jawaban", "pengetahuan"):
        watched.page.goto(f"{desk.console.url}/{path}?{query}#{evil}")
        watched.check(f"{path}?…", desk.beacon)
    watched.page.goto(f"{desk.console.url}/{evil}")
    watched.check("unknown path", desk.beacon)


def test_a_conversation_a_ticket_and_an_approved_answer(watched: Watched, desk: Desk) -> None:
    page, main = watched.page, watched.main
    page.goto(f"{desk.console.url}/?percakapan={desk.conversation}")
    expect(main).to_contain_text("<img src=x onerror=")
    expect(main).to_contain_text(f"![x]({bare(desk.beacon.url)}/ubah.png)")
    watched.check("conversation", desk.beacon)
    for fold in main.get_by_text(re.compile("Solusi|kasus lain")).all():
        fold.click()
    watched.check("its cases", desk.beacon)
    main.get_by_role("button", name=text("approved.edit"), exact=True).click()
    watched.check("editor", desk.beacon)
    page.keyboard.press("Escape")
    main.get_by_role("button", name=text("chat.handover"), exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("<img src=x onerror=")
    watched.check("card", desk.beacon)
    page.goto(f"{desk.console.url}/eskalasi?tiket=1")
    expect(main).to_contain_text("<img src=x onerror=")
    for fold in main.get_by_text(re.compile(r"^Jawaban")).all():
        fold.click()
    watched.check("ticket", desk.beacon)
    page.goto(f"{desk.console.url}/jawaban")
    page.get_by_test_id("stDataFrame").click(position={"x": 18, "y": 52})
    expect(page.locator(".st-key-approved-one")).to_contain_text("<img src=x onerror=")
    watched.check("approved", desk.beacon)


def test_asked_uploaded_tried_and_looked_at_row_by_row(watched: Watched, desk: Desk, tmp_path: Path) -> None:
    page, main = watched.page, watched.main
    page.goto(desk.console.url)
    ask(page, f"{QUESTION.format(n=7)} {payloads(desk.beacon.url)[7]}")
    expect(main).to_contain_text("Hitung Ulang")
    watched.check("asked", desk.beacon)
    file = tmp_path / f"{MARKED.replace('/', '')} ![x](y).csv"
    file.write_bytes(hostile_csv(desk.beacon.url).replace(b"kedua", b"ketiga"))
    upload(page, file)
    expect(main).to_contain_text("Uji coba selesai")
    watched.check("preview", desk.beacon)
    page.goto(f"{desk.console.url}/pengetahuan")
    page.get_by_test_id("stDataFrame").first.click(position={"x": 18, "y": 52})
    watched.check("row", desk.beacon)
    page.goto(f"{desk.console.url}/laboratorium")
    main.get_by_role("textbox").first.fill(f"{QUESTION.format(n=3)} {MARKED}")
    main.get_by_role("button", name=text("laboratory.try.button")).click()
    expect(main).to_contain_text("Gudang Uji")
    watched.check("lab", desk.beacon)
    page.goto(f"{desk.console.url}/audit")
    page.get_by_test_id("stDataFrame").first.click(position={"x": 18, "y": 52})
    watched.check("audit entry", desk.beacon)
    assert watched.violations == []
