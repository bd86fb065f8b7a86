"""Who sends a complaint, and what was masked of it, told from the complaint itself.

One reason to change: by which words people introduce a number or a password. What was masked is no topic, and neither is
the word that introduces it: `gak bisa login. pw nya [KATA SANDI]` asks nothing about passwords, `lupa password` does.
"""

import re
from typing import Final

_OWN = r"(?:nya|ku|mu)?\b"
_LABEL = (
    r"(?:(?:kata )?(?:sandi|kunci)|pass(?:w(?:or)?d|phrase)?|pwd?|otp|pin|kode(?: (?:masuk|otp|rahasia|verifikasi))?|nip|nik|npwp"
    rf"|e-?mail|surel|user(?: ?(?:name|id))?|nama pengguna|id){_OWN}"
)
"""A word that says what was masked and nothing else."""
_LOOSE_LABEL = (
    rf"(?:(?:no|nomor|hp|handphone|wa|whatsapp|telp|tlp|telepon|login|akun|hub(?:ungi)?){_OWN}(?: yang aktif)?"
    rf"|rek(?:ening)?(?: bank)?{_OWN}"
    r"|(?:a\.?n\.?|atas nama|nama|cp|kontak)(?: (?!tidak|belum)[a-z']+){0,4}?)"
)
"""A word that says it, and may as well be what a complaint is about."""
_LEAD = r"(?:pakai|pake|memakai|menggunakan|dengan|dgn|dg|dan|ini)\b"
_LINK = r"(?:saya|sy|kami|nya|dia|beliau|ini|itu|adalah|yaitu|yang|yg|tetap|dengan|dgn|pakai|pake|dan|ke|di)\b"
_MARK = r"[\s:=.,(]{0,4}\[[a-z ]{3,15}\]"
_MASKED = rf"(?:(?:{_LABEL}|{_LEAD})[\s:=.,(]{{0,4}}){{0,6}}{_LABEL}(?:[\s:=.,(]{{0,4}}{_LINK}){{0,3}}{_MARK}"
"""What was masked, with the words that say what it is: `NIP saya [NIP]`, `pw nya [KATA SANDI]`."""
_MASKED_CLAUSE = rf"(?:(?:{_LABEL}|{_LOOSE_LABEL}|{_LINK})[\s:=.,(]{{0,4}}){{1,8}}{_MARK}"
"""The same as a clause of its own, where the words can mean nothing else: `hp saya [NOMOR HP]`."""
_COURTESY = r"(?:mohon|tolong|mhn|tlg|minta|terima ?kasih|makasih|trims|min|ya|pak|bu)\b"
_GOES_ON = r"(?:tetap|tetep|masih|selalu|ditolak|salah|sudah|sdh|udah|kok|tapi|tp|invalid|terkunci|expired|kedaluwarsa)\b"
_ENDS = rf"(?=[ )]{{0,3}}(?:$|[\n.;]|,(?! ?{_GOES_ON})|{_COURTESY}))"
_AND = r"[\s,;/&]{0,4}(?:dan )?"
_ABOUT_IT = (
    r"\b(?:lupa|reset|ganti|ubah|minta|salah|isi|input|tambah|daftar|kasih|kirim|bagi|share|sebar|bocor)(?: (?:di|ke|dengan))?"
    rf"(?:[\s:=.,/(]{{1,4}}(?:{_LABEL}|{_LOOSE_LABEL}|saya|lama|baru|\[[a-z ]{{3,15}}\]))+"
)
"""A complaint about what was masked: its words stay."""
_SIGNATURES: Final = (
    re.compile(
        rf"(?P<signed>(?:^|[\n.,;:!?()]) {{0,3}}{_MASKED_CLAUSE}(?:{_AND}{_MASKED_CLAUSE}){{0,6}}{_ENDS})", re.IGNORECASE
    ),
    re.compile(rf"{_ABOUT_IT}|(?P<signed>\b{_MASKED}(?:{_AND}{_MASKED}){{0,6}}{_ENDS})", re.IGNORECASE),
)
"""Who asks, with his number and password, behind a complaint: that it was masked there makes it no question about it."""


_STAMP: Final = re.compile(
    r"(?m)^\s*\[?\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?,? \d{1,2}[.:]\d{2}(?:[.:]\d{2})?\]?(?: -)? [^:\n\[\]]{1,40}:[ \t]*"
)
"""What WhatsApp puts before a copied message: `[26/11 08.12] Bu Rina: `."""


def without_stamps(text: str) -> str:
    """A pasted chat without when each message came and from whom."""
    return _STAMP.sub("", text)


def without_signature(text: str) -> str:
    """A masked message without who sent it and with what password: `... NIP saya [NIP] pass: [KATA SANDI]`."""
    return take_signatures(text, []).strip()


def take_signatures(text: str, taken: list[str]) -> str:
    """`text` with a space for each signature; what they were is added to `taken`."""

    def take(found: re.Match[str]) -> str:
        if found["signed"] is None:
            return found.group()
        taken.append(" ".join(found["signed"].split()).strip(" ,.;:-"))
        return " "

    text = without_stamps(text)
    for pattern in _SIGNATURES:
        text = pattern.sub(take, text)
    return text
