"""What the page tests share: a small complaint log, a started engine, and a look at what a visitor reads."""

import io
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from sipd_core.blocking import BlockingEngine
from sipd_core.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "pages" / "shell" / "main.py"
LOG = (
    b"MENU,ISSUE,EXPECTED,NOTE BY DEV,NOTE BY QA\n"
    b'"SP2D - Pencairan","SP2D belum cair padahal SPM sudah final",'
    b'"1. Buka menu Pencairan.\n2. Setujui ulang SPM.",,\n'
    b'Login,"Tidak bisa login, akun tidak aktif",,"Aktifkan kembali akun di menu Pengguna",\n'
    b'DPA,"DPA tidak bisa dicetak, halaman kosong **tebal** :red[x]",DPA bisa dicetak,,\n'
)
"""Two complaints with a remedy, one precedent whose text is full of marks."""

Opener = Callable[..., AppTest]


def started(folder: Path, *, load_sample_data: bool = False) -> BlockingEngine:
    """An engine on this folder with everything learnt; on a copy of a prepared folder this takes a second."""
    settings = load_settings(_env_file=None, sipd_data_dir=folder, load_sample_data=load_sample_data)
    engine = BlockingEngine(settings)
    engine.wait_until_prepared(300)
    return engine


def shown(app: AppTest) -> str:
    """Every Markdown text on the page, for a look at what a visitor reads."""
    parts = [*app.markdown, *app.caption, *app.subheader, *app.title, *app.info, *app.success, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in parts)


def as_file(content: bytes) -> io.BytesIO:
    """An upload as the engine gets it."""
    return io.BytesIO(content)
