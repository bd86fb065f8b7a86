"""Help-desk Indonesian made comparable: what is expanded, what is dropped, and what must stay."""

import pytest

from sipd_core import language
from sipd_core.language import (
    background_sentences,
    clean_query,
    concepts,
    expand,
    field_sentences,
    names_field,
    names_nothing,
    normalise,
    stems,
    with_full_names,
    words,
)
from sipd_core.privacy.kinds import Kind, token


def meanings(text: str) -> set[str]:
    return set(concepts(stems(words(text))))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("sp2d blm cair pdhl spm udh final", "sp2d belum cair padahal spm sudah final"),
        ("tglnya salah", "tanggal salah"),
        ("data2 ilang", "data hilang"),
        ("s/d hr ini", "sampai dengan hari ini"),
        ("mboten saged mlebet", "tidak bisa masuk"),
        ("teu tiasa lebet", "tidak bisa masuk"),
        ("report is locked", "laporan is terkunci"),
        ("gaaak bisa", "tidak bisa"),
    ],
)
def test_short_regional_and_english_words_become_indonesian(written: str, plain: str) -> None:
    assert expand(written) == plain


@pytest.mark.parametrize("term", ["dak", "tu", "gu", "ls", "up", "kua", "bpk", "tekan", "5.1.02.01.01.0024", "SP2D"])
def test_terms_of_the_field_are_not_taken_for_short_forms(term: str) -> None:
    assert expand(term) == term


def test_no_replacement_needs_a_second_pass() -> None:
    table = language._tables().replacements
    again = {short: full for short, full in table.items() if expand(full) != full}
    assert not again


@pytest.mark.parametrize(
    "written",
    [
        "Selamat pagi pak, NPD ditolak. Mohon bantuannya ya, terima kasih banyak",
        "assalamualaikum wr wb min, npd ditolak",
        "izin bertanya, NPD ditolak",
        "NPD 35.74/04.0/000123/LS/1.02.0.00.0.00.01.0000/M/3/2025 ditolak",
    ],
)
def test_greeting_politeness_and_document_numbers_go(written: str) -> None:
    assert " ".join(words(clean_query(written))) == "npd ditolak"


def test_a_pasted_error_keeps_its_words_and_loses_its_noise() -> None:
    pasted = "GET https://contoh.go.id/api/x 504 Uncaught at render (main.js:1:2) gateway timeout waktu cetak DPA"
    clean = clean_query(pasted)
    assert "cetak dpa" in clean
    assert not any(noise in clean for noise in ("http", "main.js", "render", "uncaught"))


def test_nothing_but_politeness_is_still_a_text_to_embed() -> None:
    assert clean_query("Terima kasih") == "terima kasih"
    assert clean_query("") == ""


def test_numbers_count_only_when_they_are_the_question() -> None:
    assert normalise("saldo 92.235.000 hilang") == "saldo hilang"
    assert normalise("5.1.02.01.01.0024") == "5 1 02 01 01 0024"


def test_negation_is_never_a_stop_word() -> None:
    assert {"tidak", "belum", "kurang"} <= set(normalise("tidak bisa, belum cair, kurang bayar").split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rak", "anggaran kas"),
        ("spm", "surat perintah membayar"),
        ("npd", "nota pencairan dana"),
        ("kasda", "rekening kas umum daerah"),
        ("bpp", "bendahara pengeluaran pembantu"),
        ("kata sandi", "password"),
        ("dicetak", "unduh"),
        ("jadwal terkunci", "jadwal digembok"),
        ("data tidak muncul", "data raib"),
    ],
)
def test_different_words_name_the_same_thing(one: str, other: str) -> None:
    assert meanings(one) & meanings(other)


def test_the_longest_phrase_wins() -> None:
    assert "#bpp" in meanings("bendahara pengeluaran pembantu")
    assert "#bp" not in meanings("bendahara pengeluaran pembantu")


def test_abbreviations_are_written_out_for_the_embedding() -> None:
    assert with_full_names("spm final") == "surat perintah membayar final"


def test_the_shipped_sentences_are_many_and_distinct() -> None:
    assert len(set(background_sentences())) >= 150
    assert len(set(field_sentences())) >= 50
    assert not set(background_sentences()) & set(field_sentences())


def test_what_was_done_to_a_question_can_be_told() -> None:
    text = "Selamat pagi pak, NPD 35.74/04.0/000123/LS/1.02.0.00/M/3/2025 blm bs dicetak di sipd, kena HTTP/1.1 502"
    done = language.cleaning(text)
    assert done.clean == clean_query(text)
    assert {"selamat pagi", "35.74/04.0/000123/ls/1.02.0.00/m/3/2025", "http/1.1"} <= set(done.dropped)
    assert done.expanded == (("blm", "belum"), ("bs", "bisa"))
    assert dict(done.named)["npd"] == "nota pencairan dana"
    assert {"npd", "~cetak"} <= set(done.meanings)
    assert {"di", "502"} <= set(done.ignored) and "dicetak" not in done.ignored


@pytest.mark.parametrize("text", ["", "terima kasih", "  Gaaak bisaaa login!! ", "halo min", "5.1.02.01.01.0024", "x"])
def test_telling_changes_nothing(text: str) -> None:
    assert language.cleaning(text).clean == clean_query(text)


@pytest.mark.parametrize("kind", Kind)
def test_what_stands_for_a_masked_thing_is_no_topic(kind: Kind) -> None:
    """A pasted password must not turn a complaint about SP2D into one about signing in."""
    assert clean_query(f"SP2D belum cair {token(kind)} sejak kemarin") == clean_query("SP2D belum cair sejak kemarin")


@pytest.mark.parametrize(
    "vague",
    ["eror", "error terus min", "tetep gak bisa", "masih sama min", "makasih tapi masih belum bisa", "sudah bisa",
     "udah 3x dicoba tetep sama aja", "aplikasi sipd error", "pw nya [KATA SANDI]"],
)  # fmt: skip
def test_what_names_no_problem(vague: str) -> None:
    assert names_nothing(vague)


@pytest.mark.parametrize("told", ["sp2d blm cair", "error 500", "ga bisa login", "loading terus", "halaman kosong", "lupa pw"])
def test_what_names_one(told: str) -> None:
    assert not names_nothing(told)


def test_no_sentence_of_the_field_is_vague() -> None:
    assert not any(map(names_nothing, field_sentences()))


@pytest.mark.parametrize(
    ("text", "named"),
    [("kumaha carana nyieun SPP UP kang?", True), ("terus kalo pph nya gmn?", True), ("beasiswa dana bos", False), ("resep", False)],
)
def test_a_document_that_only_the_field_has_is_recognised(text: str, named: bool) -> None:
    assert names_field(text) is named
