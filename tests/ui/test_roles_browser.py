"""Pages and roles in a real browser, one path of each kind: signed in, expired, nobody; and the day of an operator."""

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pages.shell.places import ACCOUNT, GROUPS, Place
from sipd_core.passwords import Passwords
from sipd_core.permissions import Permission, Role, rights
from sipd_core.sign_in import REMEMBERED_SECONDS
from sipd_core.store.database import Database
from sipd_core.store.people import PeopleStore
from sipd_core.store.sessions import SessionStore
from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.server import Console
from tests.ui.signing_in import PASSWORD, QUICK

pytestmark = pytest.mark.browser

PLACES = tuple(place for places in GROUPS.values() for place in places)
WHO: dict[str, tuple[Role, ...]] = {role.value: (role,) for role in Role} | {"tanpa": (), "kepala": tuple(Role)}
QUESTION = "Kode OTP untuk tanda tangan elektronik tidak pernah masuk ke email bendahara."
REMEMBERED_MS = (REMEMBERED_SECONDS + 0.5) * 1_000
"""So long a console goes by what it knew of a session, when another process ends it."""


class House:
    """A console on which everybody of WHO has an account, and its database as another console has it."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'sipd.db'}")
        self.people = PeopleStore(self.database)
        self.ids: dict[str, str] = {}
        hashed = Passwords(QUICK).hash(PASSWORD)
        with self.database.write() as connection:
            for login, roles in WHO.items():
                self.ids[login] = self.people.add(connection, login, login.title(), roles)
                self.people.set_password(connection, self.ids[login], hashed)
        self.console = Console(folder, SIGN_IN="accounts", LOAD_SAMPLE_DATA="false", BACKUP_TIME="off")
        self.console.start()

    def sign_in(self, browser: Browser, login: str) -> Page:
        """A browser of his own, in which somebody is signed in."""
        page = open_page(browser, f"{self.console.url}/masuk")
        page.locator("#nama").fill(login)
        page.locator("#sandi").fill(PASSWORD)
        page.get_by_role("button", name="Masuk").click()
        expect(page.locator(".st-key-account")).to_contain_text(login.title())
        return page

    def end_sessions(self, login: str) -> None:
        """As an admin at another console does."""
        with self.database.write() as connection:
            assert SessionStore(self.database, idle=7_200, longest=43_200).end(connection, self.ids[login])

    def close(self) -> None:
        self.console.stop(signal.SIGKILL)
        self.database.close()


@pytest.fixture(scope="module")
def house(prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(Path(shutil.copytree(prepared_folder, tmp_path_factory.mktemp("house") / "data")))
    yield made
    made.close()


def main_of(page: Page) -> Locator:
    return page.get_by_test_id("stMainBlockContainer")


def offered(login: str) -> list[Place]:
    return [place for place in PLACES if place.needs in rights(WHO[login])]


def seen(what: Locator) -> None:
    expect(what).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("login", [role.value for role in Role])
def test_a_role_has_its_pages_and_no_other(browser: Browser, house: House, login: str) -> None:
    page = house.sign_in(browser, login)
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(links).to_have_text([re.compile(text(f"ui.nav.{place.key}")) for place in offered(login)])
    open_to_him = offered(login)[-1]
    page.goto(f"{house.console.url}/{open_to_him.file}")
    seen(page.get_by_role("heading", level=1))
    expect(main_of(page)).not_to_contain_text(text("sign_in.forbidden.title"))
    for closed in [place for place in PLACES if place not in offered(login)][-1:]:
        page.goto(f"{house.console.url}/{closed.file}")
        expect(main_of(page)).to_contain_text(text("sign_in.forbidden.title"))
        expect(main_of(page).get_by_role("button")).to_have_count(0)
    page.context.close()


def test_without_a_role_every_page_says_only_that(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "tanpa")
    expect(main_of(page)).to_contain_text(text("sign_in.forbidden.no_role_title"))
    page.goto(f"{house.console.url}/eskalasi")
    expect(main_of(page)).to_contain_text(text("sign_in.forbidden.no_role_title"))
    expect(main_of(page).get_by_role("button")).to_have_count(0)
    page.context.close()


def test_nobody_is_led_to_the_door_from_every_page(browser: Browser, house: House) -> None:
    page = open_page(browser, f"{house.console.url}/audit")
    expect(page).to_have_url(f"{house.console.url}/masuk?ke=%2Faudit")
    for place in (*PLACES, ACCOUNT):
        answer = page.request.get(f"{house.console.url}/{place.file}", headers={"Accept": "text/html"}, max_redirects=0)
        assert (answer.status, answer.headers["location"]) == (303, f"/masuk?ke=%2F{place.file}")
    page.context.close()


def test_a_session_that_ended_opens_nothing_and_does_nothing(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, Role.ADMIN.value)
    page.get_by_role("link", name=text("ui.nav.backup"), exact=True).click()
    make = page.get_by_role("button", name=text("backup.make.button"))
    seen(make)
    house.end_sessions(Role.ADMIN.value)
    page.wait_for_timeout(REMEMBERED_MS)
    make.click()
    expect(main_of(page)).to_contain_text(text("sign_in.out.title"))
    with house.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM backups").scalar_one() == 0
    page.goto(f"{house.console.url}/cadangan")
    expect(page).to_have_url(f"{house.console.url}/masuk?ke=%2Fcadangan")
    page.context.close()


def test_nothing_is_done_from_a_page_that_was_open_before_a_role_was_taken(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "kepala")
    page.goto(f"{house.console.url}/cadangan")
    make = page.get_by_role("button", name=text("backup.make.button"))
    seen(make)
    house.people.set_roles(house.ids["kepala"], [Role.OPERATOR])
    page.wait_for_timeout(REMEMBERED_MS)
    make.click()
    expect(main_of(page)).to_contain_text(text("sign_in.forbidden.title"))
    with house.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM backups").scalar_one() == 0
    page.context.close()


def test_the_day_of_an_operator(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, Role.OPERATOR.value)
    assert Permission.LEARN_PUBLISH not in rights(WHO["operator"])
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(QUESTION)
    box.press("Enter")
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text(text("chat.verdict.not_found"), timeout=60_000)
    page.get_by_role("button", name=text("chat.escalate"), exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name=text("chat.escalate_confirm")).click()
    card = page.get_by_role("dialog").get_by_test_id("stCode")
    seen(card)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    seen(page.get_by_role("link", name="#1").first)

    page.get_by_role("link", name=text("ui.nav.learning"), exact=True).click()
    table = page.get_by_test_id("stDataFrame")
    seen(table)
    table.click(position={"x": 18, "y": 52})
    seen(page.get_by_role("heading", name="#1"))
    expect(main_of(page)).to_contain_text(text("learning.head.askers", n="1"))
    page.get_by_role("button", name=text("learning.action.draft")).first.click()
    seen(page.get_by_role("textbox", name=text("learning.draft.remedy"), exact=True))
    expect(main_of(page)).to_contain_text(text("learning.draft.admin_publishes"))
    expect(page.get_by_role("button", name=text("learning.action.publish"))).to_have_count(0)

    page.get_by_role("link", name=text("ui.nav.escalations"), exact=True).click()
    seen(page.get_by_test_id("stDataFrame"))
    page.get_by_test_id("stDataFrame").click(position={"x": 18, "y": 52})
    seen(page.get_by_role("heading", name="#1"))
    expect(page.get_by_role("button", name=text("retention.button"))).to_have_count(0)
    page.get_by_role("button", name=text("desk.action.take"), exact=True).click()
    page.get_by_role("button", name=text("desk.action.active"), exact=True).click()
    page.get_by_role("button", name=text("desk.action.done"), exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=text("desk.move.done_yes")).click()
    moved = text("desk.event.moved", before=text("desk.status.active"), after=text("desk.status.done"))
    seen(page.get_by_text(moved).first)
    expect(main_of(page)).to_contain_text("Operator")
    page.context.close()
