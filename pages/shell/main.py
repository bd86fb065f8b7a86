"""Entry script: what every run starts with, and the way to the pages.

It lives in a folder without a `pages` folder beside it: Streamlit would otherwise open page files by their address
before this script has ever run.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st

from pages.shell.brand import picture
from sipd_core.texts import text

PAGES = ROOT / "pages"


def _page(name: str, key: str, icon: str, *, default: bool = False) -> st.Page:
    return st.Page(PAGES / f"{name}.py", title=text(f"ui.nav.{key}"), icon=f":material/{icon}:", default=default)


def main() -> None:
    """Register the pages and run the one asked for."""
    st.logo(picture(f"logo-{'dark' if st.context.theme.type == 'dark' else 'light'}.svg"), size="large")
    page = st.navigation(
        {
            text("ui.nav.desk"): [
                _page("obrolan", "chat", "forum", default=True),
                _page("eskalasi", "escalations", "confirmation_number"),
            ],
            text("ui.nav.base"): [
                _page("pengetahuan", "knowledge", "menu_book"),
                _page("impor", "imports", "upload_file"),
                _page("kesehatan", "health", "health_and_safety"),
                _page("belajar", "learning", "school"),
                _page("laboratorium", "laboratory", "labs"),
                _page("cadangan", "backup", "backup"),
            ],
            text("ui.nav.watch"): [
                _page("kinerja", "performance", "speed"),
                _page("biaya", "cost", "payments"),
                _page("nilai", "value", "savings"),
                _page("peringatan", "alerts", "notifications"),
            ],
            text("ui.nav.safety"): [_page("audit", "audit", "policy")],
        }
    )
    page.run()


main()
