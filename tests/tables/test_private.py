"""Columns of credentials and people are told by their headers, in the spellings of real logs."""

import pytest

from sipd_core.tables import Private, private_columns
from sipd_core.tables.private import private_kind


@pytest.mark.parametrize(
    "header",
    ["USER", "USER LOGIN", "user_login", "UserLogin", "Username/Password", "PASSWORD", "Kata Sandi", "AKUN", "PIN"],
)
def test_credentials(header: str) -> None:
    assert private_kind(header) is Private.CREDENTIALS


@pytest.mark.parametrize(
    "header",
    ["REPORTER", "LINK WHATSAPP REPORTER", "PETUGAS INPUT", "Nama QA", "NAMA", "Nama Pelapor Aduan", "NO HP", "No. WA",
     "E-mail", "NIP", "INPUT BY", "Dilaporkan oleh"],
)  # fmt: skip
def test_people(header: str) -> None:
    assert private_kind(header) is Private.PEOPLE


@pytest.mark.parametrize(
    "header", ["MENU", "NAMA MENU", "Nama SKPD", "DAERAH", "Note by QA", "Status by QA", "EVIDENCE", "NO", ""]
)
def test_other_columns(header: str) -> None:
    assert private_kind(header) is None


def test_a_blank_header_belongs_to_the_merged_one_on_its_left() -> None:
    found = private_columns(["NO", "USER", "", "MENU", "", "REPORTER"])
    assert found == {1: Private.CREDENTIALS, 2: Private.CREDENTIALS, 5: Private.PEOPLE}
