"""The vector index on a real Chroma: owned by one process, mended when damaged, never mixing two models."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sipd_core.errors import IndexOwnedError
from sipd_core.knowledge.index import ChromaIndex, ExactIndex, VectorIndex

MODEL, DIMENSION = "uji-model", 8
ROOT = Path(__file__).resolve().parents[2]


def unit(seed: int, count: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def open_index(folder: Path, model: str = MODEL) -> ChromaIndex:
    return ChromaIndex.local(folder, "sipd_kasus", model, DIMENSION)


@pytest.fixture(params=["chroma", "exact"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> VectorIndex:
    made: VectorIndex = open_index(tmp_path / "chroma") if request.param == "chroma" else ExactIndex({})
    request.addfinalizer(made.close)
    return made


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
    first = open_index(tmp_path / "chroma")
    first.upsert(["a:0"], unit(4, 1))
    first.close()
    first.close()
    second = open_index(tmp_path / "chroma")
    assert second.nearest(unit(4, 1)[0], 1)[0][0] == "a:0"
    second.close()


def test_two_models_never_share_a_collection(tmp_path: Path) -> None:
    first = open_index(tmp_path / "chroma", "model-a")
    first.upsert(["a:0"], unit(5, 1))
    first.close()
    second = open_index(tmp_path / "chroma", "model-b")
    assert second.ids() == set()
    second.close()


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    owner = open_index(tmp_path / "chroma")
    with pytest.raises(IndexOwnedError) as caught:
        open_index(tmp_path / "chroma")
    assert "proses lain" in caught.value.user_text
    owner.close()
    open_index(tmp_path / "chroma").close()


def test_a_damaged_directory_is_set_aside_after_an_unclean_stop(tmp_path: Path) -> None:
    first = open_index(tmp_path / "chroma")
    first.upsert(["a:0"], unit(6, 1))
    first.close()
    (tmp_path / "chroma" / "open").touch()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"damaged" * 1000)
    second = open_index(tmp_path / "chroma")
    assert second.ids() == set()
    assert (tmp_path / "chroma-rusak").is_dir()
    second.close()


def test_a_killed_owner_leaves_a_usable_directory(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib, numpy as np\n"
        "from sipd_core.knowledge.index import ChromaIndex\n"
        "index = ChromaIndex.local(pathlib.Path(sys.argv[1]), 'sipd_kasus', 'uji-model', 8)\n"
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
    index = open_index(tmp_path / "chroma")
    assert index.ids() == {"a:0"}
    index.close()


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
    first = ChromaIndex.server(chroma_server, "sipd_kasus", MODEL, DIMENSION)
    second = ChromaIndex.server(chroma_server, "sipd_kasus", MODEL, DIMENSION)
    first.upsert(["a:0", "b:0"], unit(7, 2))
    assert second.nearest(unit(7, 2)[1], 1)[0][0] == "b:0"
    first.close()
    second.close()
