"""The vector index on a real Chroma: owned by one process, mended when damaged, never mixing two models."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sipd_core.errors import IndexOwnedError, StoreError
from sipd_core.knowledge.exact import ExactIndex
from sipd_core.knowledge.index import (
    ChromaHome,
    ChromaIndex,
    VectorIndex,
    collection_name,
)

MODEL, DIMENSION = "uji-model", 8
ROOT = Path(__file__).resolve().parents[2]


def unit(seed: int, count: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def open_home(folder: Path) -> ChromaHome:
    return ChromaHome.local(folder, "sipd_kasus")


def collection(home: ChromaHome, model: str = MODEL, dimension: int = DIMENSION) -> ChromaIndex:
    return home.collection(model, dimension)


@pytest.fixture(params=["chroma", "exact"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> VectorIndex:
    if request.param == "exact":
        return ExactIndex()
    home = open_home(tmp_path / "chroma")
    request.addfinalizer(home.close)
    return collection(home)


def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    assert index.nearest(unit(1, 1)[0], 5) == []
    assert index.ids() == set()


def test_the_nearest_come_first_with_their_cosine(index: VectorIndex) -> None:
    vectors = unit(2, 20)
    index.upsert([f"c{n}:0" for n in range(20)], vectors)
    found = index.nearest(vectors[7], 3)
    assert found[0][0] == "c7:0"
    cosines = sorted(vectors @ vectors[7], reverse=True)[:3]
    assert [score for _, score in found] == pytest.approx(cosines, abs=1e-5)


def test_upsert_replaces_and_delete_removes(index: VectorIndex) -> None:
    vectors = unit(3, 2)
    index.upsert(["a:0", "b:0"], vectors)
    index.upsert(["a:0"], vectors[1:])
    index.delete(["b:0", "never-there:0"])
    assert index.ids() == {"a:0"}
    assert index.nearest(vectors[1], 1)[0][1] == pytest.approx(1.0, abs=1e-5)


def test_vectors_survive_a_restart(tmp_path: Path) -> None:
    first = open_home(tmp_path / "chroma")
    collection(first).upsert(["a:0"], unit(4, 1))
    first.close()
    first.close()
    second = open_home(tmp_path / "chroma")
    assert collection(second).nearest(unit(4, 1)[0], 1)[0][0] == "a:0"
    second.close()


def test_two_models_live_side_by_side_and_never_meet(tmp_path: Path) -> None:
    home = open_home(tmp_path / "chroma")
    one, other = collection(home, "model-a"), collection(home, "model-b")
    one.upsert(["a:0"], unit(5, 1))
    other.upsert(["b:0"], unit(5, 1))
    assert one.nearest(unit(5, 1)[0], 5)[0][0] == "a:0"
    assert (one.ids(), other.ids()) == ({"a:0"}, {"b:0"})
    home.close()


def test_another_dimension_of_a_model_is_another_collection(tmp_path: Path) -> None:
    home = open_home(tmp_path / "chroma")
    collection(home).upsert(["a:0"], unit(5, 1))
    wide = np.eye(2 * DIMENSION, dtype=np.float32)[:1]
    wider = collection(home, dimension=2 * DIMENSION)
    wider.upsert(["a:0"], wide)
    assert wider.nearest(wide[0], 1)[0][1] == pytest.approx(1.0, abs=1e-5)
    found = {one.name: one.metadata for one in home._client.list_collections()}
    assert found[collection_name("sipd_kasus", MODEL, 16)] == {"model": MODEL, "dimension": 16}
    assert len(found) == 2
    home.close()


def test_names_that_look_alike_are_told_apart() -> None:
    names = {collection_name("sipd", model, 8) for model in ("a/b", "a-b", "a.b", "á-b", "a" * 300)}
    assert len(names) == 5
    assert max(map(len, names)) < 300
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for name in names)


def test_retiring_drops_what_is_ours_and_not_kept(tmp_path: Path) -> None:
    home = open_home(tmp_path / "chroma")
    kept = collection(home)
    kept.upsert(["a:0"], unit(5, 1))
    collection(home, "model-lama").upsert(["a:0"], unit(5, 1))
    for name in ("sipd_kasus.multilingual-e5-small-q4", "orang_lain.model"):
        home._client.create_collection(name, embedding_function=None)
    home.retire_others([(MODEL, DIMENSION)])
    left = {one.name for one in home._client.list_collections()}
    assert left == {collection_name("sipd_kasus", MODEL, DIMENSION), "orang_lain.model"}
    assert kept.ids() == {"a:0"}
    home.close()


def test_the_files_of_a_dropped_collection_go_at_the_next_opening(tmp_path: Path) -> None:
    folder, vectors = tmp_path / "chroma", unit(8, 1_200)  # so many that Chroma writes a graph beside its SQLite file
    home = open_home(folder)
    for model in ("model-lama", MODEL):
        collection(home, model).upsert([f"c{n}:0" for n in range(len(vectors))], vectors)
    home.retire_others([(MODEL, DIMENSION)])
    home.close()
    assert sum(path.is_dir() for path in folder.iterdir()) == 2
    (folder / "milik-orang").mkdir()
    home = open_home(folder)
    assert len(collection(home).ids()) == 1_200
    assert collection(home).nearest(vectors[7], 1)[0][0] == "c7:0"
    assert sum(path.is_dir() for path in folder.iterdir()) == 2
    assert (folder / "milik-orang").is_dir()
    home.close()


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    owner = open_home(tmp_path / "chroma")
    with pytest.raises(IndexOwnedError) as caught:
        open_home(tmp_path / "chroma")
    assert "proses lain" in caught.value.user_text
    owner.close()
    open_home(tmp_path / "chroma").close()


def test_a_damaged_directory_is_set_aside_after_an_unclean_stop(tmp_path: Path) -> None:
    first = open_home(tmp_path / "chroma")
    collection(first).upsert(["a:0"], unit(6, 1))
    first.close()
    (tmp_path / "chroma" / "open").touch()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"damaged" * 1000)
    second = open_home(tmp_path / "chroma")
    assert collection(second).ids() == set()
    assert (tmp_path / "chroma-rusak").is_dir()
    second.close()


def test_every_collection_is_probed_after_an_unclean_stop(tmp_path: Path) -> None:
    """The damage is in the second model's vectors alone."""
    first = open_home(tmp_path / "chroma")
    for model in ("model-a", "model-b"):
        collection(first, model).upsert(["a:0"], unit(6, 1))
    first.close()
    database = sqlite3.connect(tmp_path / "chroma" / "chroma.sqlite3")
    (second,) = database.execute("SELECT id FROM collections WHERE name LIKE '%model-b%'").fetchone()
    database.execute("UPDATE embeddings_queue SET vector = x'00' WHERE topic LIKE ?", (f"%{second}",))
    assert database.execute("SELECT changes()").fetchone() == (1,)
    database.commit()
    database.close()
    (tmp_path / "chroma" / "open").touch()
    again = open_home(tmp_path / "chroma")
    assert (tmp_path / "chroma-rusak").is_dir()
    again.close()


def test_a_killed_owner_leaves_a_usable_directory(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib, numpy as np\n"
        "from sipd_core.knowledge.index import ChromaHome\n"
        "index = ChromaHome.local(pathlib.Path(sys.argv[1]), 'sipd_kasus').collection('uji-model', 8)\n"
        "index.upsert(['a:0'], np.eye(8, dtype=np.float32)[:1])\n"
        "print('stored', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "chroma")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert child.stdout is not None
    assert child.stdout.readline() == b"stored\n"
    child.kill()
    child.wait()
    child.stdout.close()
    home = open_home(tmp_path / "chroma")
    assert collection(home).ids() == {"a:0"}
    home.close()


@pytest.fixture
def chroma_server(tmp_path: Path) -> Iterator[str]:
    """A real Chroma server on a free port of loopback, stopped by the process started here."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chroma = Path(sys.executable).with_name("chroma")
    command = [str(chroma), "run", "--host", "127.0.0.1", "--port", str(port), "--path", str(tmp_path / "server")]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def test_two_consoles_share_a_chroma_server(chroma_server: str) -> None:
    first, second = (ChromaHome.server(chroma_server, "sipd_kasus") for _ in range(2))
    collection(first).upsert(["a:0", "b:0"], unit(7, 2))
    assert collection(second).nearest(unit(7, 2)[1], 1)[0][0] == "b:0"
    assert first.is_shared
    first.close()
    second.close()


def test_a_collection_that_another_console_retired_is_an_error_in_words(chroma_server: str) -> None:
    first, second = (ChromaHome.server(chroma_server, "sipd_kasus") for _ in range(2))
    old = collection(first, "model-lama")
    old.upsert(["a:0"], unit(7, 1))
    second.retire_others([(MODEL, DIMENSION)])
    with pytest.raises(StoreError) as caught:
        old.nearest(unit(7, 1)[0], 1)
    assert "Chroma" in caught.value.user_text
    first.close()
    second.close()
