"""The words that announce a credential, in Indonesian, English and the regional languages operators mix in."""

import re

from sipd_core.privacy.kinds import Kind

_SUFFIX = r"(?:-?(?:nya|ny|ne|na|nipun|e|ku|mu|x|q))?"
PASSWORD_WORDS = (
    r"(?:kata|kt\.?|kato|kode|tembung|kecap|kruna)\s?(?:sandi|konci)|kata\s?kunci|kata rahasia|kunci masuk|sandi|"
    r"sandhi|pas{1,2}[\s-]?w(?:o?rds?|ords?|rd|d|ort|rod|erd|oard)?|p4ssw[o0]rd|pass?[\s-]?phrase|pass?key|pass|"
    r"p(?:as|s|a)?s?wr?d|pw|psw"
)
_CODE_WORDS = (
    r"(?:kode|code|angka|nomor|no|pin)\s?(?:otp|pin|verifikasi|verif|masuk|akses|login|aktivasi|aktifasi|keamanan|"
    r"autentikasi|otentikasi|unik|konfirmasi|2fa|sms|rahasia|token|reset)|passcode|otp|m?pin|2fa|token(?:\s(?:tte|sms|login|listrik))?|"
    r"(?:verification|security|login|access|auth|reset|one[- ]time)\s(?:code|pin)"
)
_KEY_WORDS = (
    r"(?:x[-_])?api[-_ ]?key|(?:client|app|api)[-_ ]?secret|secret(?:[-_ ]?key)?|(?:private|access)[-_ ]?key|"
    r"(?:access|refresh|auth|bearer|session|csrf)[-_ ]?token|kunci\s(?:api|akses|rahasia)|phpsessid|jsessionid|"
    r"session[-_]?id|x-auth-token|(?:connect\.)?sid|jwt|sig(?:nature)?(?=\s?=)"
)
_USER_WORDS = (
    r"user[\s_-]?names?|user[\s_-]?id|user|usr|uname|(?<![_-])un(?=\s?[:=])|nama[\s_](?:pengguna|user|akun|login)|"
    r"nm[\s_]?(?:user|pengguna)|id[\s_](?:pengguna|user|login|akun)|login[\s_]?id|pengguna|akun|account|log[\s-]?in|"
    r"(?:signed|logged) in|masuk(?=\s(?:sebagai|sbg|pakai|pake|dengan|dgn))|(?<![_-])id(?=\s?[:=])"
)
_BOTH = r"\s?(?:/|&|\+|,|dan|and|serta|sama|or|-|\s)\s?"
_PAIR_WORDS = (
    rf"(?:user[\s_-]?(?:name|id)?|usr|un|akun|login|id|nama pengguna|email){_SUFFIX}{_BOTH}(?:{PASSWORD_WORDS})|"
    r"u\s?/\s?p(?:w|ass)?|kredensial|credentials?|(?:data|akses|info|akun|detail)\s(?:login|masuk|akun)|log[\s-]?in|akun|akses(?=\s?:)"
)
_NAMED = re.compile(
    r"user[\s_-]?(?:name|id)|nama[\s_](?:pengguna|user|akun|login)|id[\s_](?:pengguna|user|login|akun)", re.IGNORECASE
)
_LOOSE = re.compile(r"log[\s-]?in|akun|account|masuk|id\b", re.IGNORECASE)


def _label(words: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![^\W_])(?:{words})(?P<owned>{_SUFFIX})(?:_\w{{1,20}}(?=\s?[:=]))?(?!_?[^\W_])", re.IGNORECASE
    )


SECRETS = (
    (_label(_KEY_WORDS), Kind.ACCESS_KEY),
    (_label(_CODE_WORDS), Kind.CODE),
    (_label(PASSWORD_WORDS), Kind.PASSWORD),
)
USER = _label(_USER_WORDS)
PAIR = _label(_PAIR_WORDS)
ANY = _label(rf"{_KEY_WORDS}|{_CODE_WORDS}|{PASSWORD_WORDS}|{_USER_WORDS}")
PASSWORD_OR_CODE = rf"(?:{PASSWORD_WORDS}|{_CODE_WORDS}|p){_SUFFIX}"
NEXT_KEY = re.compile(
    rf"[,;|&/\"'](?=\s?[\"']?(?:{PASSWORD_WORDS}|{_CODE_WORDS}|{_KEY_WORDS}|user\w{{0,8}}|usr|un|u|p|id|host|server|db|database|port)"
    rf"{_SUFFIX}[\"']?\s?[:=])|</",
    re.IGNORECASE,
)
"""Where a token ends because the next `key=value` begins in the same run of characters."""


def is_owned(label: re.Match[str]) -> bool:
    """Whether the label carries a possessive ending, as in `sandinya`, so that its value is likely to follow."""
    return bool(label["owned"])


def names_a_user(label: str) -> bool:
    """Whether the label can only mean a user name, as `username` does and `user` does not."""
    return _NAMED.match(label) is not None


def is_loose(label: str) -> bool:
    """Whether the label often has nothing to do with a user name: login, akun, id."""
    return _LOOSE.match(label) is not None


def is_double(label: str) -> bool:
    """Whether the label announces a user name together with a password."""
    return re.search(r"[/&+,\s]", label.strip()) is not None or label.lower().startswith(("kred", "cred"))
