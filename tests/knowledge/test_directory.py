"""Every kind of damage to a Chroma directory is seen before this process opens it, after a kill and after a clean stop."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sipd_core.errors import StoreError
from sipd_core.knowledge import directory
from sipd_core.knowledge.directory import Condition, Directory
from sipd_core.knowledge.graph_files import is_sound
from sipd_core.knowledge.index import ChromaHome

MODEL, DIMENSION, COUNT = "uji-model", 8, 1_200
"""So many that Chroma writes a graph beside its SQLite file."""
ROOT = Path(__file__).resolve().parents[2]
VECTORS = np.random.default_rng(7).normal(size=(COUNT, DIMENSION)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
IDS = [f"c{n}:0" for n in range(COUNT)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that a process closed and left."""
    folder = tmp_path_factory.mktemp("chroma") / "chroma"
    home = ChromaHome.local(folder, "sipd_kasus")
    home.collection(MODEL, DIMENSION).upsert(IDS, VECTORS)
    home.opened()
    home.close()
    assert Directory(folder).condition() is Condition.SEALED
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "chroma")


def graph(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"*/{name}")
    return found


def cut(path: Path, share: float = 0.5) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def garble(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    chance = random.Random(20261122)
    for at in range(0, len(raw), 16):
        raw[at] = chance.randrange(256)
    path.write_bytes(raw)


def garble_with_times_kept(path: Path) -> None:
    """One bit, as a dying disk does it: neither size nor time tell."""
    before = path.stat()
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGES: dict[str, Callable[[Path], None]] = {
    **{
        f"{how.__name__} {name}": lambda folder, name=name, how=how: how(graph(folder, name))  # type: ignore[misc]
        for name in ("data_level0.bin", "header.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
        for how in (cut, garble, Path.unlink)
    },
    "cut chroma.sqlite3": lambda folder: cut(folder / "chroma.sqlite3"),
    "garble chroma.sqlite3": lambda folder: garble(folder / "chroma.sqlite3"),
    "unlink chroma.sqlite3": lambda folder: (folder / "chroma.sqlite3").unlink(),
    "empty chroma.sqlite3": lambda folder: cut(folder / "chroma.sqlite3", 0),
    "graph folder gone": lambda folder: shutil.rmtree(graph(folder, "header.bin").parent),
    "one bit of the vectors": lambda folder: garble_with_times_kept(graph(folder, "data_level0.bin")),
    "one bit of the rows": lambda folder: garble_with_times_kept(folder / "chroma.sqlite3"),
    "rows of the log gone": lambda folder: _delete(folder, "DELETE FROM embeddings"),
    "an older copy": lambda folder: _delete(folder, "DELETE FROM embeddings_queue"),
}


def _delete(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "chroma.sqlite3") as connection:
        connection.execute(statement)
        connection.execute("CREATE TABLE another_page (x)")
    connection.close()


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_after_a_clean_stop_is_seen_without_opening_anything(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    DAMAGES[name](folder)
    monkeypatch.setattr(directory, "opens", lambda *_: pytest.fail("nothing need be tried out"))
    home = ChromaHome.local(folder, "sipd_kasus")
    assert home.collection(MODEL, DIMENSION).ids() == set()
    assert folder.with_name("chroma-rusak").is_dir()
    home.close()


@pytest.mark.parametrize("name", [name for name in DAMAGES if "one bit" not in name])
def test_damage_that_a_killed_process_left_never_ends_the_next_one(folder: Path, name: str) -> None:
    """Either it is set aside, or what was left of it works: the child shows which, as the console itself would."""
    (folder / "open").write_text("open", encoding="ascii")
    (folder / "sealed.json").unlink()
    DAMAGES[name](folder)
    script = (
        "import pathlib, sys, numpy as np\n"
        "from sipd_core.knowledge.index import ChromaHome\n"
        "index = ChromaHome.local(pathlib.Path(sys.argv[1]), 'sipd_kasus').collection('uji-model', 8)\n"
        "vectors = np.load(sys.argv[2])\n"
        "there = index.ids()\n"
        "for n in range(0, len(vectors), 7):\n"
        "    found = index.nearest(vectors[n], 5)\n"
        "    assert f'c{n}:0' not in there or found[0][0] == f'c{n}:0', (n, found)\n"
        "index.upsert(['baru:0'], vectors[:1])\n"
    )
    np.save(folder.parent / "vectors.npy", VECTORS)
    command = [sys.executable, "-c", script, str(folder), str(folder.parent / "vectors.npy")]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-800:])


@pytest.mark.parametrize("name", [name for name in DAMAGES if "pickle" not in name and "sqlite" not in name])
def test_files_of_a_graph_that_do_not_hold_together_are_seen_by_looking_at_them(folder: Path, name: str) -> None:
    """For certain: the library crashes on some of these only sometimes."""
    (segment,) = (path for path in folder.iterdir() if path.is_dir())
    assert is_sound(segment)
    if name.startswith(("one bit", "rows", "an older", "garble length", "graph folder")):
        pytest.skip("no number in the graph leads anywhere else")
    DAMAGES[name](folder)
    assert not is_sound(segment)


@pytest.mark.parametrize("at", [at for at in range(0, 100, 4) if at != 84])  # the last digits of the level factor
def test_every_number_of_the_header_counts(folder: Path, at: int) -> None:
    header = graph(folder, "header.bin")
    raw = bytearray(header.read_bytes())
    raw[at + 2] ^= 0xFF  # far too large, but below the sign
    header.write_bytes(raw)
    assert not is_sound(header.parent)


def test_a_neighbour_that_is_not_there_is_seen(folder: Path) -> None:
    level0 = graph(folder, "data_level0.bin")
    raw = bytearray(level0.read_bytes())
    raw[4:8] = (COUNT).to_bytes(4, "little")
    level0.write_bytes(raw)
    assert not is_sound(level0.parent)


def test_a_graph_that_was_never_written_is_sound(tmp_path: Path) -> None:
    home = ChromaHome.local(tmp_path / "chroma", "sipd_kasus")
    home.collection(MODEL, DIMENSION).upsert(IDS[:3], VECTORS[:3])
    (segment,) = (path for path in (tmp_path / "chroma").iterdir() if path.is_dir())
    assert is_sound(segment)
    home.close()


def test_a_graph_of_any_size_is_sound(tmp_path: Path) -> None:
    """With rows replaced and taken out, as months of work leave it."""
    home = ChromaHome.local(tmp_path / "chroma", "sipd_kasus")
    index = home.collection(MODEL, DIMENSION)
    for start in range(0, COUNT, 300):
        index.upsert(IDS[start : start + 300], VECTORS[start : start + 300])
    index.upsert(IDS[:600], VECTORS[600:1_200])
    index.delete(IDS[100:400])
    index.upsert([f"lagi{n}:0" for n in range(COUNT)], VECTORS)
    home.close()
    (segment,) = (path for path in (tmp_path / "chroma").iterdir() if path.is_dir())
    assert is_sound(segment)


def test_a_clean_stop_is_believed_again_and_again(folder: Path) -> None:
    """In processes of their own: what Chroma writes at the very end of one must not look like damage."""
    script = (
        "import pathlib, sys, numpy as np\n"
        "from sipd_core.knowledge.index import ChromaHome\n"
        "home = ChromaHome.local(pathlib.Path(sys.argv[1]), 'sipd_kasus')\n"
        "index = home.collection('uji-model', 8)\n"
        "index.upsert([sys.argv[2]], np.eye(8, dtype=np.float32)[:1])\n"
        "index.nearest(np.eye(8, dtype=np.float32)[0], 3)\n"
        "home.opened()\n"
        "home.close()\n"
    )
    for n in range(3):
        command = [sys.executable, "-c", script, str(folder), f"tambahan{n}:0"]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
        assert Directory(folder).condition() is Condition.SEALED, n
    home = ChromaHome.local(folder, "sipd_kasus")
    assert len(home.collection(MODEL, DIMENSION).ids()) == COUNT + 3
    home.close()


def test_a_directory_that_ends_two_processes_while_they_open_it_is_not_opened_a_third_time(folder: Path) -> None:
    """It passes its probe, and yet nobody who opened it got any further."""
    for _ in range(2):
        assert not _aside(folder)
        _open_and_die(folder)
    home = ChromaHome.local(folder, "sipd_kasus")
    assert home.collection(MODEL, DIMENSION).ids() == set()
    assert _aside(folder)
    home.close()


def test_who_was_killed_at_work_is_not_counted_among_them(folder: Path) -> None:
    for _ in range(3):
        _open_and_die(folder, opened=True)
    home = ChromaHome.local(folder, "sipd_kasus")
    assert len(home.collection(MODEL, DIMENSION).ids()) == COUNT
    home.close()


def _open_and_die(folder: Path, *, opened: bool = False) -> None:
    script = (
        "import os, pathlib, signal, sys\n"
        "from sipd_core.knowledge.index import ChromaHome\n"
        "home = ChromaHome.local(pathlib.Path(sys.argv[1]), 'sipd_kasus')\n"
        f"{'home.opened()' if opened else ''}\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, env=environment, check=False)
    assert done.returncode == -9


def _aside(folder: Path) -> bool:
    return folder.with_name(f"{folder.name}-rusak").exists()


def test_a_directory_of_an_earlier_release_is_tried_out_and_kept(folder: Path) -> None:
    (folder / "sealed.json").unlink()
    home = ChromaHome.local(folder, "sipd_kasus")
    assert len(home.collection(MODEL, DIMENSION).ids()) == COUNT
    home.close()


def test_a_probe_that_hangs_is_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "open").write_text("open", encoding="ascii")
    monkeypatch.setattr(directory, "PROBE_SECONDS", 0.05)
    started = time.monotonic()
    ChromaHome.local(folder, "sipd_kasus").close()
    assert _aside(folder)
    assert time.monotonic() - started < 30


def test_where_the_disk_is_nearly_full_the_damaged_directory_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    garble(folder / "chroma.sqlite3")
    monkeypatch.setattr(directory, "SPARE_BYTES", 2**60)
    home = ChromaHome.local(folder, "sipd_kasus")
    assert not _aside(folder)
    assert home.collection(MODEL, DIMENSION).ids() == set()
    home.close()


def test_a_disk_without_room_is_an_error_in_words(whole: Path, small_disk: Path) -> None:
    folder = shutil.copytree(whole, small_disk / "chroma")
    garble(folder / "chroma.sqlite3")
    (small_disk / "penuh").write_bytes(b"x" * shutil.disk_usage(small_disk).free)
    with pytest.raises(StoreError) as caught:
        ChromaHome.local(folder, "sipd_kasus").collection(MODEL, DIMENSION).upsert(IDS, VECTORS)
    assert caught.value.user_text
    (small_disk / "penuh").unlink()
    home = ChromaHome.local(folder, "sipd_kasus")
    home.collection(MODEL, DIMENSION).upsert(IDS, VECTORS)
    assert home.collection(MODEL, DIMENSION).nearest(VECTORS[7], 1)[0][0] == "c7:0"
    home.close()
