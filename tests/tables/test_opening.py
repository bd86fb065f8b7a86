"""File names are labels, never paths."""

import pytest

from sipd_core.tables import safe_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("log.csv", "log.csv"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\x\log 2025.xlsx", "log 2025.xlsx"),
        ("a/b\\c.csv", "c.csv"),
        ("lo\x00g\n\u202ecsv.xlsx", "logcsv.xlsx"),
        ("..", "berkas-tanpa-nama"),
        ("", "berkas-tanpa-nama"),
    ],
)
def test_safe_name(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_long_names_keep_their_ending() -> None:
    name = safe_name("x" * 500 + ".xlsx")
    assert len(name) == 120
    assert name.endswith(".xlsx")
