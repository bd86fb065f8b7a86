from sipd_core.knowledge.gist import gist_of, said_in, spelling_of


def test_what_every_report_has_its_own_of_is_left_out() -> None:
    one = said_in("Selamat pagi min, Kab. Sleman: SPM LS tidak bisa dicetak, NIP [NIP] password: [KATA SANDI]")
    other = said_in(
        "SPM LS tdk bs dicetak di Dinas Pendidikan\nno. 35.74/04.0/000123/LS/1.02.0.00.0.00.01.0000/M/3/2025 nilai Rp 92.235.000"
    )
    assert gist_of(one).terms == gist_of(other).terms == ("spm", "ls", "tidak", "bisa", "cetak")


def test_a_name_ends_where_the_field_begins() -> None:
    assert said_in("dinas pendidikan tidak bisa login") == ["tidak", "bisa", "masuk"]


def test_other_words_for_the_same_have_the_same_meanings() -> None:
    assert set(gist_of(said_in("STS dobel")).meanings) == set(gist_of(said_in("STS ganda")).meanings)


def test_a_rare_word_one_letter_off_a_frequent_one_is_put_right() -> None:
    spelling = spelling_of(
        [*[["pelimpahan", "gagal"]] * 10, ["pelimpahn", "gagal"], ["pengaduan"], *[["pengajuan"]] * 10]
    )
    assert spelling.right(["pelimpahn", "gagal"]) == ["pelimpahan", "gagal"]
    assert spelling.right(["pengaduan"]) == ["pengaduan"], "a word of the language is no slip"
