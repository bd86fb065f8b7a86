"""Which columns hold credentials or people, by what their headers say.

One reason to change: how such columns are called. They are never read by themselves, a person who maps one is warned,
and in what is handed back of a file they are blanked.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from sipd_core.tables.headers import LONGEST, classify, normalise


class Private(StrEnum):
    """Why a column is not for reading."""

    CREDENTIALS = "credentials"
    PEOPLE = "people"


_CREDENTIALS: Final = frozenset(
    "user users username userid uname usr login password passwords passwd pass pwd pw sandi katasandi passphrase pin"
    " otp token akun account credential credentials kredensial kunci secret akses".split()
)
_PEOPLE: Final = frozenset(
    "reporter pelapor pemohon pengirim penanya whatsapp wa telegram telepon telpon telp tlp hp nohp nowa nomorhp ponsel"
    " handphone phone mobile kontak contact email surel petugas operator pic penginput inputer agent agen nip nik npwp"
    " ktp pegawai pengguna bendahara pejabat penanggungjawab ttd alamat rekening norek assignee".split()
)
_BY: Final = frozenset({"by", "oleh"})
_NAMES: Final = frozenset({"nama", "name", "names", "fullname"})
_NAMED_THINGS: Final = frozenset(
    "skpd opd daerah dinas instansi unit kegiatan subkegiatan program menu modul fitur bank pemda kabupaten kab kota"
    " provinsi aplikasi file berkas dokumen satker bidang upt tahapan jadwal".split()
)
"""`NAMA SKPD` names no person, `NAMA` and `NAMA QA` do."""


def private_kind(header: str) -> Private | None:
    """Whether a header announces credentials or people; None for a column that is understood to be something else."""
    if len(header) > LONGEST or classify(header) is not None:
        return None
    said = normalise(header)
    words = {*said.split(), said.replace(" ", "")}
    if words & _CREDENTIALS:
        return Private.CREDENTIALS
    named = words & _NAMES and not words & _NAMED_THINGS
    done_by = words & _BY and "status" not in words
    return Private.PEOPLE if words & _PEOPLE or named or done_by else None


def private_columns(headers: Sequence[str]) -> dict[int, Private]:
    """The private columns by their 0-based place; one without a header belongs to the header on its left (merged)."""
    found: dict[int, Private] = {}
    current: Private | None = None
    for place, header in enumerate(headers):
        if header.strip():
            current = private_kind(header)
        if current is not None:
            found[place] = current
    return found
