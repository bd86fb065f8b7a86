"""What a message wants: one of seven intents, read locally and without a token.

The shipped examples (data/training/intents.csv) draw the borders: kept from signing in is a login issue whatever the
person meant to do next; signed in but a wrong figure belongs to the document; anger at the service is a complaint.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sipd_core.chat.classifier import Array, Blend, Example, TextClassifier
from sipd_core.chat.turn import Intent
from sipd_core.embeddings import Vectors

INTENTS: tuple[Intent, ...] = tuple(intent for intent in Intent if intent is not Intent.ERROR)

_NOT = r"(?:tidak|tdk|gak?|gk|ngg?ak|enggak|belum|blm|tak|gagal|ora|durung|teu|indak|ndak|alun|can'?t|cannot|unable to)"
_FEW = r"(?:\W+\w+){0,3}?\W+"
_ENTER = r"(?:log ?in|sign ?in|masuk|msk|mlebu|mlebet|lebet|masuak|akses)"


def _words(*alternatives: str) -> str:
    return rf"\b(?:{'|'.join(alternatives)})\b"


_KEPT_OUT = (
    _words(
        r"kata (?:sandi|kunci)|sandi\w*|passw\w+|pw|pass|otp\w*|captcha|autentikasi|username|kredensial|credentials?",
    ),
    rf"\b(?:{_NOT}|mau|ditolak|saat|waktu|ketika){_FEW}{_ENTER}\b|\bga?k?bisa {_ENTER}\b",
    _words(r"akun\w*|users?(?:nya)?|accounts?"),
    _words("logout|log out|ter-?logout|sesi|session|terlempar|ketendang"),
    _words(r"nonaktif|tidak aktif|dinonaktifkan|dibekukan|ter?blokir|ke-?kunci|terkunci|locked|suspend\w*"),
)
_ALREADY_INSIDE = (
    r"(?<!tidak )(?<!tdk )(?<!gak )(?<!ga )(?<!belum )(?<!blm )"
    rf"\b(?:sudah|sdh|udah|udh|berhasil|sukses|setelah|habis)(?:\W+(?:bisa|bs|dapat|berhasil|saya|kami))?\W+{_ENTER}\b"
    rf"|\b{_ENTER} (?:sih |sudah |udah )?(?:bisa|aman|oke?|normal|lancar|berhasil)\b"
)
_TURN = re.compile(r"[,.;]|\b(?:tapi|tp|tetapi|namun|cuma|hanya|tinggal|lalu|but)\b")
_BUDGET_DOCUMENTS = (
    _words("dpp?a|dokumen (?:pelaksanaan|anggaran)|penjabaran"),
    _words("anggaran kas|rak|rencana (?:penarikan|kas|dana)|penarikan|spd|cash budget"),
    _words(r"pagu\w*|pergeseran|digeser|geser|jadwal|tahapan|ceiling|budget"),
)
_REPORTS = (
    _words(r"laporan|lap|reports?|rekap\w*|register|lampiran perda|cetakan"),
    _words("lra|lo|lpe|lak|neraca|bku|calk|spj|lpj|jurnal|buku besar|buku pembantu|arus kas|balance sheet|sal|silpa"),
    _words(
        "konsolidasi|gabungan|eliminasi|tereliminasi|rekonsiliasi|ekuitas|beban|piutang|utang|aset|penyusutan",
        "r/?k (?:ppkd|skpd)|sts",
    ),
)
_WRONG_FIGURES = (
    _words(
        "selisih|beda|berbeda|dobel|ganda|kosong|nol|minus|hilang|kurang|lebih (?:kecil|besar)|terpotong|separuh",
        "sebagian",
        "(?:tidak|tdk|ga|gak|belum|blm|tak|teu|ora|not?) "
        "(?:sama|cocok|sesuai|balance|seimbang|muncul|tampil|masuk|ada|lengkap|memuat|match)",
    ),
    _words("mengapa|kenapa|knp|kok|why|naha|ngopo|dek a"),
)
_MACHINERY = (
    _words(r"error\w*|galat|exception|sqlstate\w*|typeerror|timeout|timed out|rc \d+|[45]\d\d|[a-z]{2,}-\d{2,}"),
    _words(r"lemot|lambat|loading|server\w*|jaringan|koneksi|browser|layar|tampilan|halaman|freez\w+|crash|down"),
    _words(
        r"tombol\w*|ikon|unggah\w*|upload\w*|unduh\w*|download\w*|pdf\w*|zip|file|berkas|gambar|foto",
        "simpan|tersimpan",
    ),
)
_RULES_AND_STEPS = (
    r"^(?:\w+\W+){0,3}?(?:siapa|kapan|apa|apakah|apa sih|bagaimana|gimana|gmn|di ?mana|ke ?mana|berapa|bolehkah|boleh"
    r"|adakah|wajibkah|kalau|bila|what|who|how|where|when|is|piye|kumaha|saha|sinten|baa|sia)\b",
    _words(
        r"apa\W+(?:\w+\W+)?(?:beda|perbeda)\w*|bedanya apa",
        r"maksud\w*|arti\w*|istilah|singkatan|kepanjangan|fungsi|cara\w*|alur|urutan|syarat|aturan",
        r"dasar hukum|wajib\w*|boleh\w*|berwenang|kewenangan|panduan|manual|tutorial|pelatihan|penjelasan",
        "tanya|bertanya|nanya|difference",
    ),
    r"\?",
)
_WISHES = (
    _words(
        r"tambah\w*|ditambah\w*|penambahan|sediakan|disediakan|disediain|tersedia|buatkan|dibuatkan|bikin\w*|dibikin\w*",
        "kembangkan|dikembangkan|pengembangan|add",
    ),
    _words(r"usul\w*|diusulkan|mengusulkan|saran\w*|masukan|fitur\w*|features?|request|req|ide|suggestion"),
    _words(
        r"semoga|harap\w*|berharap|diharapkan|alangkah|andai|kiranya|sebaiknya|kalau bisa|kalo bisa|would|please",
    ),
    _words(r"ingin\w*|pengen\w*|pingin\w*|perlu|butuh|mau"),
    rf"\b(?:mohon|tolong|minta|bisa(?:kah)?|boleh|perlu|butuh|ada|adakah|kalau){_FEW}"
    r"(?:di)?(?:tambah|sedia|buat|bikin|kembang|usul|fitur|menu|tombol)",
)
_ANGER = (
    _words(
        "kecewa|mengecewakan|kesal|kesel|muak|capek|cape|bosan|bosen|parah|keterlaluan|percuma|kapok|marah|dimarahi",
        r"buruk|jelek|lamban|lelet|disappoint\w*|terrible|worst|unacceptable",
        "tidak (?:becus|profesional|sopan|peduli|adil|puas)",
    ),
    _words(
        r"petugas\w*|kalian|anda|tim|(?:pe)?layanan\w*|helpdesk|tiket\w*|aduan\w*|keluhan|admin\w*|support|service",
    ),
    _words(
        r"janji\w*|dijanji\w*|katanya|gara-gara|akibat|diabaikan|dibiarkan|dicuek\w+|ditanggapi|digubris|direspons?",
        r"dibalas|menjawab|tanggung jawab|kepastian|adukan|mengadukan|viral\w*|sampai kapan|keberatan|ignored",
    ),
    r"\b(?:\d+|dua|tiga|empat|lima|se|ber\w+)[ -]?(?:minggu|bulan|hari|kali)\b",
)
_INSIDE = re.compile(_ALREADY_INSIDE)
_KEPT_OUT_CUES = tuple(map(re.compile, _KEPT_OUT))
_OTHER_CUES = tuple(
    map(
        re.compile,
        _BUDGET_DOCUMENTS + _REPORTS + _WRONG_FIGURES + _MACHINERY + _RULES_AND_STEPS + _WISHES + _ANGER,
    )
)
_BLEND = Blend(ngrams=1.0, cues=1.0, embedding=1.5)


@dataclass(frozen=True, slots=True)
class IntentPrediction:
    """The likeliest intent, its probability, and the probability of every intent (they sum to 1)."""

    intent: Intent
    confidence: float
    probabilities: Mapping[Intent, float]


class IntentClassifier:
    """Reads the intent of a message; immutable once fitted, safe to share between threads."""

    def __init__(self, model: TextClassifier) -> None:
        self._model = model

    @classmethod
    def fit(cls, examples: Sequence[Example], vectors: Vectors | None) -> Self:
        """Learns from examples of all seven intents; `vectors` are their query embeddings, shape (n, dimension).

        Raises SipdError when the examples do not cover the intents or the vectors do not belong to them.
        """
        return cls(TextClassifier(examples, vectors, intent_cues, _BLEND, [intent.value for intent in INTENTS]))

    def predict(self, text: str, vector: NDArray[np.float32] | None) -> IntentPrediction:
        """The intent of `text`; `vector` is its query embedding, None when there is none."""
        probabilities = self._model.read(text, vector).probabilities
        best = int(probabilities.argmax())
        shares = {intent: float(share) for intent, share in zip(INTENTS, probabilities, strict=True)}
        return IntentPrediction(INTENTS[best], shares[INTENTS[best]], shares)


def intent_cues(text: str) -> Array:
    """One figure per pattern: found or not, scaled so that a message with many cues does not shout."""
    lowered = text.lower()
    inside = _INSIDE.search(lowered)
    matter = lowered if inside is None else _after_turn(lowered, inside.end())
    found = np.array(
        [
            inside is not None,
            *(pattern.search(matter) is not None for pattern in _KEPT_OUT_CUES),
            *(pattern.search(lowered) is not None for pattern in _OTHER_CUES),
        ],
        dtype=np.float32,
    )
    return np.asarray(found / max(1.0, math.sqrt(found.sum())), dtype=np.float32)


def _after_turn(lowered: str, end: int) -> str:
    """What follows "I am signed in, but": only that can still tell of being kept out."""
    turn = _TURN.search(lowered, end)
    return lowered[turn.end() :] if turn else lowered[end:]
