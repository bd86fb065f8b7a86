import pytest

from pages.shell.plain import answer_markdown, plain, plain_line, shortened


@pytest.mark.parametrize(
    "hostile",
    [
        "**tebal**",
        "<b>x</b>",
        "![g](x.png)",
        "[l](x)",
        "$x^2$",
        ":red[x]",
        "`k`",
        "# judul",
        "~~s~~",
        "| a |",
        "1. satu",
        "&lt;",
    ],
)
def test_every_mark_is_switched_off(hostile: str) -> None:
    shown = plain_line(hostile)
    assert shown.replace("\\", "").replace("\u2060", "") == hostile
    unescaped = [c for place, c in enumerate(shown) if c in "*<>[]()$`#~|&!:.^{}" and shown[place - 1] != "\\"]
    assert unescaped == []


@pytest.mark.parametrize("name", [":smile:", ":+1:", ":material/home:", ":100:"])
def test_emoji_and_icon_names_stay_words(name: str) -> None:
    assert ":\u2060" in plain_line(name).replace("\\", "")


def test_times_and_account_codes_are_not_touched() -> None:
    assert "\u2060" not in plain_line("jam 10:30:15, kode 5.1.02.01.01.0024")


@pytest.mark.parametrize("link", ["http://a.example/x", "HTTPS://a.example", "www.a.example", "budi@contoh.go.id"])
def test_bare_links_do_not_become_links(link: str) -> None:
    assert "\u2060" in plain_line(link)


def test_control_characters_and_direction_overrides_are_dropped() -> None:
    assert plain_line("a\x00b\u202ec") == "abc"


def test_line_breaks_stay_and_indents_do_not_make_code() -> None:
    assert plain("a\n    b\r\n\n\nc") == "a  \nb\n\nc"


def test_an_answer_keeps_its_steps_as_a_list() -> None:
    assert answer_markdown("Langkah\n1. Buka *menu*\n2) Simpan\n\nSelesai") == (
        "Langkah\n\n1. Buka \\*menu\\*\n2. Simpan\n\nSelesai"
    )


def test_a_step_that_would_be_renumbered_is_written_as_text() -> None:
    assert answer_markdown("1. a\n5. b") == "1. a\n\n5\\. b"


def test_an_account_code_at_the_start_of_a_line_is_no_list() -> None:
    assert answer_markdown("5.1.02 belanja").startswith("5\\.1\\.02")


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("satu dua tiga", 10, "satu dua…"),
        ("satu dua tiga", 9, "satu…"),
        ("x" * 10, 5, "xxxx…"),
        ("a\nb", 9, "a b"),
    ],
)
def test_shortened(text: str, limit: int, expected: str) -> None:
    assert shortened(text, limit) == expected
