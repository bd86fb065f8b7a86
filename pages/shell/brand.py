"""Logo, browser icon and style sheet, read once: Streamlit would read the files anew at every rerun of every page."""

import base64
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "brand"
_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


@cache
def picture(name: str) -> str:
    """A picture of the folder as a `data:` address; a Material icon here would be fetched from another server."""
    path = _FOLDER / name
    content = base64.b64encode(path.read_bytes()).decode()
    return f"data:{_TYPES[path.suffix]};base64,{content}"


@cache
def style(name: str) -> str:
    """A style sheet of the folder, ready for `st.html`."""
    return f"<style>{(_FOLDER / name).read_text(encoding='utf-8')}</style>"
