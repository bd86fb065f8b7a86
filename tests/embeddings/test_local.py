"""The bundled model itself: unit vectors, two roles, bounded length, no harm from odd text."""

import numpy as np
import pytest

from sipd_core.embeddings.local import LocalEmbedder

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(threads=2, max_tokens=512)


async def test_vectors_are_unit_and_in_order(embedder: LocalEmbedder) -> None:
    texts = [f"aduan nomor {n} tentang SP2D" for n in range(20)]
    vectors = await embedder.embed_passages(texts)
    assert vectors.shape == (20, embedder.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(20), abs=1e-3)
    alone = await embedder.embed_passages(texts[13:14])
    assert vectors[13] @ alone[0] == pytest.approx(1.0, abs=1e-3)


async def test_questions_and_passages_are_prefixed_differently(embedder: LocalEmbedder) -> None:
    question, passage = await embedder.embed_queries(["login gagal"]), await embedder.embed_passages(["login gagal"])
    assert question[0] @ passage[0] < 0.999


async def test_meaning_counts(embedder: LocalEmbedder) -> None:
    question = (await embedder.embed_queries(["kata sandi lupa, tidak bisa masuk"]))[0]
    near, far = await embedder.embed_passages(
        ["Pengguna lupa password saat login", "Cetak neraca menampilkan halaman kosong"]
    )
    assert question @ near > question @ far


async def test_no_texts_give_no_vectors(embedder: LocalEmbedder) -> None:
    assert (await embedder.embed_passages([])).shape == (0, embedder.dimension)


async def test_odd_text_neither_ends_early_nor_breaks(embedder: LocalEmbedder) -> None:
    cut, whole, surrogate = await embedder.embed_queries(["gagal\0 login sipd", "gagal", "gagal \ud800 login"])
    assert cut @ whole < 0.999
    assert np.isfinite(surrogate).all()


async def test_long_text_is_cut_to_the_token_limit() -> None:
    short = LocalEmbedder(threads=1, max_tokens=32)
    assert short._length(short._fit("anggaran kas belanja " * 500)) <= 32
    assert short.count_tokens("anggaran kas belanja " * 500) == 32
    assert np.isfinite(await short.embed_passages(["anggaran kas belanja " * 500])).all()
