"""What single messages show."""

from dataclasses import fields
from pathlib import Path

import pytest

from sipd_core.chat.phrases import load_lexicon, split_sentences
from sipd_core.chat.signals import Signals, read_signals


def shown(message: str) -> set[str]:
    signals = read_signals(message)
    return {field.name for field in fields(Signals) if getattr(signals, field.name) is True}


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("money_at_risk", "SP2D kami terbayar dua kali!"),
        ("money_at_risk", "tolong min gaji pegawai ketransfer dobel"),
        ("money_at_risk", "Dana hibah kami salah masuk ke rekening desa tetangga."),
        ("money_at_risk", "Bagaimana ini, uang terlanjur ditransfer ke rekening orang lain?"),
        ("money_at_risk", "Ada pencairan yang tidak pernah kami ajukan."),
        ("money_at_risk", "Kami ditipu orang yang mengaku petugas."),
        ("money_at_risk", "SP2D LS tidak muncul di BKU, kata bank sudah transfer 2 kali ke penyedia"),
        ("money_at_risk", "TPP belum kami terima, SP2D terbit ganda senilai Rp 120.000.000 sudah dicairkan bank"),
        ("data_at_risk", "Semua rincian RKA lenyap sesudah tombol sinkron ditekan."),
        ("data_at_risk", "anak magang salah hapus seluruh BKU"),
        ("data_at_risk", "abis klik salin, data RAK ketimpa semua"),
        ("security", "akun bendahara kami dibobol"),
        ("security", "passwordku kesebar di grup WA"),
        ("security", "Ada yang login pakai akun saya tadi malam"),
        ("security", "kasih sandinya ke saya saja"),
        ("security", "saya keklik link dari nomor tdk dikenal trus masukin user sama pw"),
        ("wants_person", "Tolong hubungkan saya ke manusia."),
        ("wants_person", "mbok ya saya disambungno ke teknisinya"),
        ("wants_person", "can I talk to a real person please"),
        ("wants_person", "Tolong telepon saya sekarang."),
        ("repeated_report", "Sudah lima kali lapor tapi tidak ada tindak lanjut"),
        ("repeated_report", "Ini ketiga kalinya saya mengadu soal ini"),
        ("still_unsolved", "udh dicoba tetep gabisa"),
        ("still_unsolved", "sm aja"),
        ("still_unsolved", "nihil min"),
        ("still_unsolved", "Tetap."),
        ("still_unsolved", "Tesih mboten saged."),
        ("still_unsolved", "angger teu tiasa"),
        ("still_unsolved", "sudah bisa masuk tapi SPP masih gagal"),
        ("failure", "620 baris ditolak."),
        ("tried", "sudah yang terbaru"),
        ("solved", "Sudah bisa masuk, makasih."),
        ("solved", "oh belum diterima. ok bisa"),
        ("solved", "wes onok, matur suwun"),
        ("solved", "ok it works now"),
        ("recovered", "Uangnya sudah dikembalikan bank."),
        ("declines_person", "Tidak perlu disambungkan ke petugas."),
        ("new_topic", "Ini pertanyaan lain, kapan dashboard diperbarui?"),
        ("how_to", "cara cetak DPA gimana ya"),
        ("question", "tanggalnya bebas?"),
        ("calms", "Bukannya saya marah, tapi mohon dijawab lebih jelas."),
        ("pressing", "cepat!"),
        ("told_message", "tulisannya melebihi sisa anggaran"),
    ],
)
def test_shows(flag: str, message: str) -> None:
    assert flag in shown(message)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("money_at_risk", "Apakah SP2D bisa terbayar dua kali?"),
        ("money_at_risk", "Kalau SP2D salah rekening, prosedur returnya bagaimana?"),
        ("money_at_risk", "Kode rekening belanja di SPP salah."),
        ("money_at_risk", "Nilai SPP dobel karena saya input dua kali."),
        ("money_at_risk", "Gaji yang dibayar ulang membuat jurnal belanja 2x"),
        ("money_at_risk", "Gaji pegawai belum dibayar, SP2D tidak dobel"),
        ("money_at_risk", "takut kalau sudah terbayar dua kali, gimana ceknya?"),
        ("money_at_risk", "SP2D belum cair karena rekening salah."),
        ("data_at_risk", "Tombol simpan hilang setelah pembaruan."),
        ("data_at_risk", "menu pelimpahan UP kok ilang"),
        ("data_at_risk", "Rincian tidak tampil di cetakan."),
        ("data_at_risk", "Bagaimana cara memulihkan data yang terhapus?"),
        ("security", "bagaimana kalau akun diretas?"),
        ("security", "akun saya bukan diretas, cuma lupa sandi"),
        ("security", "Kata sandi saya lupa, bisa minta reset?"),
        ("security", "Mohon panduan penyusutan aset."),
        ("wants_person", "min, mau tanya kode rekening"),
        ("wants_person", "admin daerah harus apa saja?"),
        ("wants_person", "jangan disambungkan ke petugas"),
        ("wants_person", "mana sempat saya telepon satu per satu"),
        ("wants_person", "nomor telepon saya salah di profil"),
        ("repeated_report", "Sudah tiga kali saya coba simpan tetapi gagal."),
        ("repeated_report", "Laporan realisasi belum ada hasilnya."),
        ("solved", "sudah bisa masuk tapi SPP masih gagal"),
        ("solved", "belum bisa"),
        ("solved", "kapan bisa selesai?"),
        ("solved", "uang sudah masuk ke rekening orang lain"),
        ("still_unsolved", "SPP sudah diverifikasi, masih bisa dibatalkan?"),
        ("still_unsolved", "belum saya coba"),
    ],
)
def test_does_not_show(flag: str, message: str) -> None:
    assert flag not in shown(message)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Selamat pagi", "greeting"),
        ("assalamualaikum min", "greeting"),
        ("punten min", "greeting"),
        ("Oke, thanks min.", "thanks"),
        ("Terima kasih kemarin sudah dibantu.", "thanks"),
        ("matur suwun nggih", "thanks"),
        ("Oke.", "ack"),
        ("oh gitu", "ack"),
        ("👍", "ack"),
        ("Baik, kami tunggu.", "ack"),
        ("halo min, dpa belum bisa disahkan", None),
        ("makasih tapi masih gagal", None),
        ("oke?", None),
        ("?", None),
        ("", None),
    ],
)
def test_small_talk_holds_nothing_else(message: str, kind: str | None) -> None:
    assert read_signals(message).small_talk == kind


@pytest.mark.parametrize(
    ("message", "weight"),
    [
        ("Server kalian sampah!!!", 3),
        ("APLIKASI MACAM APA INI KENAPA SELALU GAGAL!", 3),
        ("Saya akan adukan ke Ombudsman", 2),
        ("Pelayanan paling buruk", 2),
        ("kesal juga", 1),
        ("agak kesal juga", 0),
        ("saya tidak marah", 0),
        ("TOLONG BANTU INPUT SPP GU TIDAK BISA SIMPAN", 0),
        ("Laporan ke BPK pakai format apa?", 0),
        ("TERIMA KASIH BANYAK BANTUANNYA!!!", 0),
    ],
)
def test_anger(message: str, weight: int) -> None:
    assert read_signals(message).anger == weight


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ("gajinya ketransfer 2x", "gaji ketransfer 2 kali"),
        ("uangnya blm msuk bangeeet", "uang belum msuk banget"),
        ("rekenng pnyedia", "rekening penyedia"),
        ("jaringan adalah kertas", "jaringan adalah kertas"),
        ("kata sandi & terima kasih", "katasandi terimakasih"),
        ("kode rekening 5.1.02.01", "koderekening 5.1.02.01"),
    ],
)
def test_canonical_tokens(message: str, tokens: str) -> None:
    sentences = split_sentences(message, load_lexicon())
    assert " ".join(sentence.text.strip() for sentence in sentences) == tokens


def test_topics_are_the_documents_named() -> None:
    assert read_signals("SPP dan SPM-nya ditolak, DPA aman").topics == {"spp", "spm", "dpa"}


def test_of_a_long_message_the_beginning_and_the_end_are_read() -> None:
    log = "sp2d " * 1_000
    assert read_signals(log + "akun kami diretas").security
    assert read_signals("akun kami diretas. " + log).security
    assert not read_signals(log + "akun kami diretas. " + log).security


DOUBLE = "SP2D gaji dobel terbit 2 kali Rp 92.235.000 dan sudah ditransfer bank"


@pytest.mark.parametrize("before", ["", "Gaji pegawai belum dibayar, ", "LPJ tidak muncul di BKU, ", "Kalau dicek, ternyata "])
@pytest.mark.parametrize("after", ["", ", tolong cepat", ", SPM sudah selesai diverifikasi", ", sudah kami minta dikembalikan"])
def test_money_at_risk_is_seen_whatever_other_clauses_say(before: str, after: str) -> None:
    signals = read_signals(before + DOUBLE + after)
    assert signals.money_at_risk and not signals.recovered


def test_a_lexicon_with_an_unknown_class_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "signals.toml"
    file.write_text(
        '[short]\n[joined]\n[known]\nwords = ""\n[class]\n[phrases]\nsolved = ["{nothing}"]\n[except]\n',
        encoding="utf-8",
    )
    with pytest.raises(KeyError, match="nothing"):
        load_lexicon(file)
