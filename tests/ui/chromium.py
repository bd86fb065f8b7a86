"""The browser of the tests: Debian's Chromium, headless, and a page in it."""

import shutil

from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def open_page(browser: Browser, url: str, width: int = 1440) -> Page:
    """A visitor of his own on this address."""
    page = browser.new_context(locale="id-ID", viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    page.goto(url)
    return page
