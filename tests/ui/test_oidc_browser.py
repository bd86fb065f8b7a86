"""Single sign-on against a real OpenID provider on loopback, in a real browser."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import oidc_provider_mock
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.chromium import open_page
from tests.ui.server import Console

pytestmark = pytest.mark.browser

PEOPLE = (
    ("citra", {"name": "Citra Dewi", "grup": ["sipd-admin", "lain"]}),
    ("dodi", {"name": "Dodi", "grup": "sipd-operator"}),
    ("eka", {"name": "Eka", "grup": ["tamu"]}),
)
SECRETS = """[auth]
redirect_uri = "{url}/oauth2callback"
cookie_secret = "rahasia uji yang cukup panjang, tiga puluh dua huruf"
client_id = "sipd"
client_secret = "rahasia-klien"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in PEOPLE]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def console(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The real console with a secrets file of its own: Streamlit looks for it in the home of whoever runs it, too."""
    home = tmp_path_factory.mktemp("oidc")
    settings = {
        "SIGN_IN": "oidc", "OIDC_ROLES_CLAIM": "grup", "OIDC_ROLE_MAP": "sipd-admin=admin;sipd-operator=operator",
        "HOME": str(home), "LOAD_SAMPLE_DATA": "false", "BACKUP_TIME": "off",
    }  # fmt: skip
    made = Console(home / "data", **settings)
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text(SECRETS.format(url=made.url, provider=provider), encoding="utf-8")
    made.start()
    yield made
    made.stop(signal.SIGKILL)


def sign_in(page: Page, sub: str) -> None:
    """From the console's page over the provider's."""
    page.get_by_role("link", name="Masuk dengan akun instansi").click()
    page.locator("input[name=sub]").fill(sub)
    page.locator("button").first.click()


def test_an_admin_comes_in_where_he_wanted_to_and_goes_out_everywhere(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/kesehatan?x=1")
    expect(page).to_have_url(f"{console.url}/masuk?ke=%2Fkesehatan%3Fx%3D1")
    sign_in(page, "citra")
    expect(page).to_have_url(re.compile("/kesehatan"))
    expect(page.get_by_role("heading", name="Kesehatan").first).to_be_visible()
    account = page.locator(".st-key-account")
    expect(account).to_contain_text("Citra Dewi")
    expect(account).to_contain_text("Admin")
    page.reload()
    expect(account).to_contain_text("Citra Dewi")
    account.get_by_role("button").click()
    page.get_by_role("button", name="Keluar").click()
    expect(page).to_have_url(re.compile("/masuk|logout|end_session"))
    page.goto(console.url)
    expect(page).to_have_url(f"{console.url}/masuk")


def test_an_operator_finds_no_page_of_admins(browser: Browser, console: Console) -> None:
    page = open_page(browser, console.url)
    sign_in(page, "dodi")
    expect(page.get_by_role("heading", name="Obrolan").first).to_be_visible()
    expect(page.get_by_role("link", name="Pengguna")).to_have_count(0)
    page.goto(f"{console.url}/pengguna")
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text("di luar peran Anda")


def test_without_a_role_somebody_is_told_whom_to_ask(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/biaya")
    sign_in(page, "eka")
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text("Hubungi admin konsol")
    expect(page.get_by_role("link", name="Obrolan")).to_have_count(0)


def test_the_providers_cookie_opens_one_session_only(browser: Browser, console: Console) -> None:
    page = open_page(browser, console.url)
    sign_in(page, "dodi")
    expect(page.get_by_role("heading", name="Obrolan").first).to_be_visible()
    cookies = page.context.cookies()
    assert {"_streamlit_user", "sipd_sesi"} <= {str(cookie["name"]) for cookie in cookies}
    page.context.clear_cookies(name="sipd_sesi")
    page.goto(console.url)
    expect(page).to_have_url(f"{console.url}/masuk")
