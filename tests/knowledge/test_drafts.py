"""From an upload to an import: the dry run is the import, corrections are remembered, nothing is held for ever."""

import hashlib
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import anyio
import pytest

from sipd_core.documents import ChangeKind, ImportStatus
from sipd_core.errors import BaseChangedError, NotFoundError, SipdError
from sipd_core.knowledge import drafts as room
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.drafts import Drafts
from sipd_core.knowledge.estimating import Estimator
from sipd_core.knowledge.importing import Importer
from sipd_core.knowledge.pace import Pace
from sipd_core.knowledge.previews import Draft, DraftState
from sipd_core.metrics import PerformanceMonitor
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.mappings import MappingStore
from sipd_core.store.meeting import Meeting
from sipd_core.store.rejections import RejectionStore
from sipd_core.tables import Choice, Column, Limits
from tests.workbooks import make_workbook

pytestmark = pytest.mark.anyio

LOG = b"MENU,ISSUE,EXPECTED\nLogin,tidak bisa masuk,Reset sandi di menu Pengguna\nDPA,pagu beda,\nDPA,,kosong\n"
UNKNOWN = b"TEMPAT;USER;Temuan Lapangan;JAWABAN\nKota A;budi / Kenanga#77;tidak bisa login;Reset sandi\n"


class Desk:
    """The room with its neighbours, all real; no embedding model."""

    def __init__(self, database: Database, limits: Limits | None = None) -> None:
        self.cases = CaseStore(database)
        self.mappings = MappingStore(database)
        self.rejections = RejectionStore(database)
        base = KnowledgeBase(
            self.cases,
            EmbeddingStore(database, compress=True),
            retrieval=RetrievalSettings(0.5, 5),
            chunk_size=1_000,
            chunk_overlap=150,
            monitor=PerformanceMonitor(enabled=False),
        )
        self.now = 0.0
        self.stored = 0
        self.importer = Importer(self.cases, self.mappings, limits=limits)
        estimator = Estimator(base, Pace(self.cases), price=None, usd_idr=lambda: Decimal(16_500))
        self.drafts = Drafts(
            self.importer, self.mappings, self.cases, estimator, on_stored=self._stored, clock=lambda: self.now
        )

    async def _stored(self) -> None:
        self.stored += 1

    def open_file(self, name: str, content: bytes) -> Draft:
        return self.drafts.open(name, content, hashlib.sha256(content).hexdigest())

    async def read(self, content: bytes, name: str = "log.csv") -> Draft:
        return await self.settled(self.open_file(name, content).id)

    async def settled(self, id_: str) -> Draft:
        with anyio.fail_after(60):
            while (draft := await self.drafts.get(id_)).state in (DraftState.WAITING, DraftState.READING):
                await anyio.sleep(0.01)
        return draft

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Desk"]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.drafts.run)
            await anyio.sleep(0)
            yield self
            tasks.cancel_scope.cancel()


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with Desk(database).open() as made:
        yield made


async def test_a_dry_run_is_the_import(desk: Desk) -> None:
    draft = await desk.read(LOG)
    assert draft.state is DraftState.READY
    assert draft.report is not None
    assert (draft.report.accepted, draft.report.rejected, desk.cases.counts()["cases"]) == (2, 1, 0)
    assert [(row.case.menu, row.meeting) for row in draft.rows] == [("Login", Meeting.NEW), ("DPA", Meeting.NEW)]
    report = await desk.drafts.confirm(draft.id, "Bu Admin")
    same = (
        "accepted",
        "changed",
        "unchanged",
        "kept",
        "rejected",
        "duplicates",
        "masked",
        "masked_kinds",
        "reasons",
        "notices",
    )
    assert [getattr(report, name) for name in same] == [getattr(draft.report, name) for name in same]
    assert desk.cases.imports(5)[0] == report
    assert (report.actor, desk.cases.counts()["cases"], desk.stored) == ("Bu Admin", 2, 1)
    assert await desk.drafts.list() == ()


async def test_the_same_file_again_brings_nothing(desk: Desk) -> None:
    await desk.drafts.confirm((await desk.read(LOG)).id, "a")
    draft = await desk.read(LOG)
    assert draft.report is not None
    assert (draft.report.accepted, draft.report.unchanged) == (0, 2)
    assert {row.meeting for row in draft.rows} == {Meeting.UNCHANGED}
    report = await desk.drafts.confirm(draft.id, "a")
    assert (report.status, report.accepted, desk.cases.counts()["cases"]) == (ImportStatus.DONE, 0, 2)


async def test_a_decision_of_an_admin_is_kept_and_told(desk: Desk) -> None:
    await desk.drafts.confirm((await desk.read(LOG)).id, "a")
    case = next(case for case in desk.cases.all() if case.menu == "DPA")
    desk.cases.change(ChangeKind.EDIT, {case.id: replace(case, issue="pagu DPA beda")}, actor="a", note="")
    draft = await desk.read(LOG)
    assert draft.report is not None
    assert (draft.report.accepted, draft.report.unchanged, draft.report.kept) == (0, 2, 1)


async def test_rejected_rows_can_be_fetched_before_and_after(desk: Desk) -> None:
    draft = await desk.read(LOG)
    before = desk.drafts.rejected(draft.id)
    assert [row.cells for row in before.rows] == [("DPA", "", "kosong")]
    report = await desk.drafts.confirm(draft.id, "a")
    assert desk.rejections.get(report.id) == before


async def test_a_base_that_changed_is_noticed_and_said(desk: Desk) -> None:
    draft = await desk.read(LOG)
    desk.importer.accept("lain.csv", io.BytesIO(b"MENU,ISSUE,EXPECTED\nDPA,pagu beda,\n"))
    assert not (await desk.drafts.list())[0].recomputed, "a list of many is not held against the base, file by file"
    again = await desk.drafts.get(draft.id)
    assert again.report is not None
    assert (again.recomputed, again.report.accepted, again.report.unchanged) == (True, 1, 1)


async def test_a_base_that_changes_between_look_and_yes_stores_nothing(desk: Desk) -> None:
    draft = await desk.read(LOG)
    desk.importer.accept("lain.csv", io.BytesIO(b"MENU,ISSUE,EXPECTED\nDPA,pagu beda,\n"))
    with pytest.raises(BaseChangedError):
        await desk.drafts.confirm(draft.id, "a")
    assert desk.cases.counts()["cases"] == 1
    assert [report.file for report in desk.cases.imports(5)] == ["lain.csv"]
    again = await desk.drafts.get(draft.id)
    assert (again.state, again.recomputed) == (DraftState.READY, True)
    assert (await desk.drafts.confirm(draft.id, "a")).accepted == 1


async def test_a_change_elsewhere_that_makes_no_difference_is_no_reason_to_ask_again(desk: Desk) -> None:
    draft = await desk.read(LOG)
    desk.importer.accept("lain.csv", io.BytesIO(b"MENU,ISSUE,EXPECTED\nSPM,hal lain sama sekali,\n"))
    assert not (await desk.drafts.get(draft.id)).recomputed
    assert (await desk.drafts.confirm(draft.id, "a")).accepted == 2


async def test_a_file_without_known_headers_can_be_mapped_and_is_known_the_next_time(desk: Desk) -> None:
    draft = await desk.read(UNKNOWN, "temuan.csv")
    assert draft.state is DraftState.UNCLEAR
    assert draft.error
    (sheet,) = draft.sheets
    assert [(column.letter, column.header) for column in sheet.columns][2] == ("C", "Temuan Lapangan")
    assert "Kenanga#77" not in repr(draft)
    desk.drafts.correct(draft.id, 0, Choice(columns={Column.ISSUE: 2, Column.EXPECTED: 3, Column.REGION: 0}), actor="a")
    mapped = await desk.settled(draft.id)
    assert mapped.state is DraftState.READY
    assert mapped.rows[0].case.issue == "tidak bisa login"
    desk.drafts.discard(draft.id)

    later = await desk.read(UNKNOWN.replace(b"Kota A", b"Kota B"), "temuan-2.csv")
    assert (later.state, later.sheets[0].remembered) == (DraftState.READY, True)
    assert any("pengaturan" in notice for notice in (later.report.notices if later.report else ()))
    report = desk.importer.preview("temuan-3.csv", io.BytesIO(UNKNOWN))
    assert report.accepted == 1

    await desk.drafts.forget(later.id, 0)
    assert (await desk.settled(later.id)).state is DraftState.UNCLEAR
    assert desk.importer.preview("temuan-4.csv", io.BytesIO(UNKNOWN)).status is ImportStatus.FAILED


async def test_a_private_column_is_not_mapped_by_accident_and_never_remembered(desk: Desk) -> None:
    draft = await desk.read(UNKNOWN)
    choice = Choice(columns={Column.ISSUE: 2, Column.MENU: 1})
    with pytest.raises(SipdError) as error:
        desk.drafts.correct(draft.id, 0, choice, actor="a")
    assert "USER" in error.value.user_text
    desk.drafts.correct(draft.id, 0, choice, actor="a", private=True)
    assert (await desk.settled(draft.id)).state is DraftState.READY
    assert desk.mappings.memory().columns == {}


async def test_a_sheet_can_be_left_out_and_stays_out(desk: Desk) -> None:
    content = make_workbook(sheets=3, padded=20, rows=30, seed=3).content
    draft = await desk.read(content, "log.xlsx")
    sheet = next(view for view in draft.sheets if view.sheet == "Februari")
    desk.drafts.correct(draft.id, sheet.index, Choice(skip=True), actor="a")
    settled = await desk.settled(draft.id)
    assert {row.case.sheet for row in settled.rows} <= {"Januari", "Maret"}
    assert [view.skipped for view in settled.sheets if view.sheet == "Februari"] == [True]
    desk.drafts.discard(draft.id)
    again = await desk.read(content, "log.xlsx")
    assert [view.skipped and view.remembered for view in again.sheets if view.sheet == "Februari"] == [True]
    desk.drafts.correct(again.id, sheet.index, Choice(skip=False), actor="a")
    assert not any(view.skipped for view in (await desk.settled(again.id)).sheets)


async def test_what_is_said_of_one_sheet_holds_for_those_with_the_same_headers(desk: Desk) -> None:
    content = make_workbook(sheets=3, padded=20, rows=30, seed=3).content
    draft = await desk.read(content, "log.xlsx")
    first = draft.sheets[0]
    columns = {field: place for field, place in first.read_as.items() if field is not Column.NOTE_QA}
    desk.drafts.correct(draft.id, first.index, Choice(columns=columns), actor="a")
    read = {view.sheet: Column.NOTE_QA in view.read_as for view in (await desk.settled(draft.id)).sheets}
    assert read == {"Januari": False, "Februari": True, "Maret": False}


async def test_the_header_row_can_be_named(desk: Desk) -> None:
    content = b"NAMA;NILAI\nTEMPAT;URAIAN SINGKAT KEJADIAN LAPANGAN\nKota A;tidak bisa login\n"
    draft = await desk.read(content)
    assert draft.sheets[0].header_row == 1
    desk.drafts.correct(draft.id, 0, Choice(header_row=2), actor="a")
    named = await desk.settled(draft.id)
    assert [column.header for column in named.sheets[0].columns] == ["TEMPAT", "URAIAN SINGKAT KEJADIAN LAPANGAN"]
    desk.drafts.correct(draft.id, 0, Choice(columns={Column.ISSUE: 1}), actor="a")
    assert [row.case.issue for row in (await desk.settled(draft.id)).rows] == ["tidak bisa login"]


async def test_a_file_without_any_header(desk: Desk) -> None:
    draft = await desk.read(b"Login;tidak bisa masuk;reset\nDPA;pagu beda;cek\n")
    desk.drafts.correct(draft.id, 0, Choice(header_row=0, columns={Column.MENU: 0, Column.ISSUE: 1}), actor="a")
    assert [row.case.menu for row in (await desk.settled(draft.id)).rows] == ["Login", "DPA"]
    assert desk.mappings.memory().columns == {}


async def test_a_file_without_anything_like_a_header(desk: Desk) -> None:
    draft = await desk.read(b"1;2025;tidak bisa masuk\n2;2025;pagu beda\n")
    assert draft.sheets[0].header_row == 0
    desk.drafts.correct(draft.id, 0, Choice(columns={Column.ISSUE: 2}), actor="a")
    assert [row.case.issue for row in (await desk.settled(draft.id)).rows] == ["tidak bisa masuk", "pagu beda"]


async def test_each_refused_file_says_why_and_harms_no_other(desk: Desk) -> None:
    good = desk.open_file("log.csv", LOG)
    bad = desk.open_file("gambar.xlsx", b"\x89PNG\r\n\x1a\n" + bytes(500))
    empty = desk.open_file("kosong.csv", b"")
    states = [(await desk.settled(draft.id)).state for draft in (good, bad, empty)]
    assert states == [DraftState.READY, DraftState.REFUSED, DraftState.REFUSED]
    assert "PNG" in ((await desk.drafts.get(bad.id)).error or "")
    with pytest.raises(SipdError):
        await desk.drafts.confirm(bad.id, "a")


async def test_a_file_beyond_the_limit_is_refused_before_it_is_held(database: Database) -> None:
    async with Desk(database, Limits(max_bytes=100)).open() as desk:
        draft = desk.open_file("besar.csv", b"x" * 101)
        assert draft.state is DraftState.REFUSED
        assert "batasnya" in (draft.error or "")


async def test_a_file_dropped_twice_is_opened_once(desk: Desk) -> None:
    draft = await desk.read(LOG)
    with pytest.raises(SipdError) as error:
        desk.open_file("salinan.csv", LOG)
    assert "salinan.csv" in error.value.user_text
    desk.drafts.discard(draft.id)
    assert (await desk.read(LOG)).state is DraftState.READY


async def test_drafts_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_DRAFTS", 2)
    for at in range(2):
        await desk.read(LOG + b"SPM,lain,%d\n" % at)
    with pytest.raises(SipdError):
        desk.open_file("tiga.csv", LOG)
    monkeypatch.setattr(room, "MOST_DRAFTS", 9)
    monkeypatch.setattr(room, "MOST_BYTES", 3 * len(LOG))
    with pytest.raises(SipdError):
        desk.open_file("tiga.csv", LOG)


async def test_a_draft_that_nobody_looks_at_is_put_away(desk: Desk) -> None:
    draft = await desk.read(LOG)
    desk.now = room.KEPT_SECONDS - 1
    desk.drafts.sweep()
    await desk.drafts.list()
    desk.now += room.KEPT_SECONDS - 1
    desk.drafts.sweep()
    assert (await desk.drafts.get(draft.id)).state is DraftState.READY
    desk.now += room.KEPT_SECONDS + 1
    desk.drafts.sweep()
    with pytest.raises(NotFoundError):
        await desk.drafts.get(draft.id)


async def test_a_draft_put_away_while_it_is_read_stops(desk: Desk) -> None:
    content = b"MENU,ISSUE,EXPECTED\n" + b"".join(
        b"Menu,aduan nomor %d tidak bisa dibuka,x\n" % at for at in range(20_000)
    )
    draft = desk.open_file("besar.csv", content)
    with anyio.fail_after(30):
        while (await desk.drafts.get(draft.id)).share == 0:
            await anyio.sleep(0.005)
    desk.drafts.discard(draft.id)
    with anyio.fail_after(5):
        assert (await desk.read(LOG)).state is DraftState.READY


async def test_an_unexpected_failure_is_said_on_the_draft(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: Callable[..., None] = lambda *_, **__: 1 / 0  # type: ignore[return-value]  # noqa: E731
    monkeypatch.setattr(desk.importer, "prepare", broken)
    draft = await desk.read(LOG)
    assert draft.state is DraftState.REFUSED
    monkeypatch.undo()
    assert (await desk.read(LOG + b"SPM,lain,\n")).state is DraftState.READY
