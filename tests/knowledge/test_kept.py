"""The words on disk are a cache: whole or not used, and never more than what the rows say."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sipd_core.knowledge.lexical import LexicalEntry, LexicalIndex, kept
from sipd_core.knowledge.lexical.segments import Segments

ROOT = Path(__file__).resolve().parents[2]


def entry(key: str, text: str) -> LexicalEntry:
    return LexicalEntry(key, ((text, 1.0),))


@pytest.fixture
def index() -> LexicalIndex:
    texts = ("sp2d belum cair", "lupa kata sandi", "jurnal tidak seimbang", "jadwal terkunci")
    whole = LexicalIndex(entry(str(at), text) for at, text in enumerate(texts))
    return whole.updated([entry("1", "akun terkunci"), entry("4", "saldo selisih")], ["3"])


def test_what_is_kept_scores_as_before(index: LexicalIndex, tmp_path: Path) -> None:
    path = tmp_path / "data" / "kata.npz"
    kept.write(path, index.rows)
    again = LexicalIndex(rows=kept.read(path))
    rows = np.array([index.row_of[key] for key in again.keys])
    for question in ("sp2d cair", "sandi", "terkunci", "jurnl"):
        np.testing.assert_allclose(again.scores(question).share, index.scores(question).share[rows], atol=1e-6)
        np.testing.assert_allclose(again.scores(question).grams, index.scores(question).grams[rows], atol=1e-6)
    assert not again.rows.lexicon.terms.codes(["jadwal"], 100)[0] >= 0, "a word of a removed row stays on disk"
    assert [path.name for path in path.parent.iterdir()] == ["kata.npz"]


def test_rows_that_changed_since_are_told_by_their_texts(index: LexicalIndex, tmp_path: Path) -> None:
    kept.write(tmp_path / "kata.npz", index.rows)
    rows = kept.read(tmp_path / "kata.npz")
    same = [entry("0", "sp2d belum cair"), entry("1", "akun terkunci"), entry("2", "jurnal tidak seimbang")]
    assert rows.updated([*same, entry("4", "saldo selisih")]) is rows
    assert rows.updated([*same, entry("4", "saldo sesuai")]).age == 2  # one row went, one came


def test_an_index_without_rows_leaves_no_file(index: LexicalIndex, tmp_path: Path) -> None:
    path = tmp_path / "kata.npz"
    kept.write(path, index.rows)
    kept.write(path, LexicalIndex().rows)
    assert not path.exists()
    assert kept.read(path).keys == ()


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "folder"])
def test_a_damaged_file_is_not_used(index: LexicalIndex, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "kata.npz"
    kept.write(path, index.rows)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"terms.owners.npy") + 200
    raw[at] ^= 1
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes({"cut": raw[: len(raw) // 2], "flipped": raw, "empty": b"", "foreign": b"halo"}[damage])
    assert kept.read(path).keys == ()


def test_a_file_written_when_texts_were_read_otherwise_is_not_used(
    index: LexicalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kata.npz"
    kept.write(path, index.rows)
    monkeypatch.setattr("sipd_core.language.fingerprint", lambda: "lain")
    assert kept.read(path).keys == ()


def test_a_folder_that_cannot_be_written_does_no_harm(index: LexicalIndex, tmp_path: Path) -> None:
    (tmp_path / "bukan-folder").write_text("")
    kept.write(tmp_path / "bukan-folder" / "kata.npz", index.rows)


def test_a_writer_killed_at_any_moment_leaves_the_earlier_file(index: LexicalIndex, tmp_path: Path) -> None:
    path = tmp_path / "kata.npz"
    kept.write(path, index.rows)
    script = (
        "import sys, pathlib\n"
        "from sipd_core.knowledge.lexical import LexicalEntry, LexicalIndex, kept\n"
        "rows = LexicalIndex(LexicalEntry(str(n), ((f'kata{n} sp2d', 1.0),)) for n in range(3_000)).rows\n"
        "while True:\n"
        "    print('lagi', flush=True)\n"
        "    kept.write(pathlib.Path(sys.argv[1]), rows)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    for times in range(1, 6):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
        assert child.stdout is not None
        for _ in range(times):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert len(kept.read(path).keys) in (len(index.keys), 3_000)
        assert {path.name for path in tmp_path.iterdir()} <= {"kata.npz", "kata.part"}


def test_segments_that_hold_nothing_are_whole() -> None:
    assert Segments(LexicalIndex().rows.lexicon).whole().keys == ()
