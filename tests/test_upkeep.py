"""One embedding model takes over from another: nobody waits, nothing is read twice, a failing provider does no harm."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import numpy as np
import pytest

from sipd_core.chat.turn import Intent
from sipd_core.documents import Case, ImportReport, ImportStatus
from sipd_core.errors import EmbeddingError, IndexOwnedError
from sipd_core.knowledge import indexing
from sipd_core.knowledge.base import KnowledgeBase, SearchResult
from sipd_core.knowledge.importing import Importer
from sipd_core.knowledge.index import ChromaHome, collection_name
from sipd_core.knowledge.side import Model
from sipd_core.metrics import PerformanceMonitor
from sipd_core.retrieval import RetrievalSettings
from sipd_core.settings import SHIPPED_DATA
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.schema import SERVING_STATE
from sipd_core.upkeep import CurrentReader, Models, Upkeep
from tests.builders import make_case, make_report
from tests.words import WordEmbedder, cached_model

pytestmark = pytest.mark.anyio
QUESTION = "neraca tidak seimbang nomor 4"
ROOT = Path(__file__).resolve().parents[1]
TEXTS = 2
"""Views of every case here: the whole of it, and its complaint."""


def rows(count: int, about: str = "neraca tidak seimbang") -> list[Case]:
    return [make_case(f"{about} nomor {n}", row=n + 2) for n in range(count)]


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every twelfth labelled example: learning them all takes most of a second, and is not what is tested."""
    folder = tmp_path_factory.mktemp("training")
    for path in (SHIPPED_DATA / "training").iterdir():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        few = lines if path.suffix == ".tsv" else [lines[0], *lines[1::12]]
        (folder / path.name).write_text("".join(few), encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class Place:
    """Where consoles of one test meet."""

    folder: Path
    database: Database
    training: Path


@pytest.fixture
def place(tmp_path: Path, database: Database, training: Path) -> Place:
    return Place(tmp_path, database, training)


class Console:
    """The background half of a console on real stores: `wanted` is set, `local` bundled, `others` can be asked."""

    def __init__(
        self,
        place: Place,
        wanted: WordEmbedder | None,
        local: WordEmbedder | None = None,
        others: tuple[WordEmbedder, ...] = (),
        round_size: int = 4,
    ) -> None:
        self.folder = place.folder
        self.cases = CaseStore(place.database)
        vectors = EmbeddingStore(place.database, compress=False)
        monitor = PerformanceMonitor()
        self.base = KnowledgeBase(
            self.cases, vectors, retrieval=RetrievalSettings(), chunk_size=1000, chunk_overlap=100, monitor=monitor
        )
        self.reader = CurrentReader(place.training)
        made = {one: cached_model(one, vectors, round_size) for one in (wanted, local, *others) if one}

        def load(one: WordEmbedder | None) -> Model:
            if one is None:
                raise EmbeddingError("not there", reason="uji")
            return made[one]

        def by_name(name: str, dimension: int) -> Model | None:
            return next((model for model in made.values() if model.name == f"{name}/{dimension}"), None)

        self.upkeep = Upkeep(
            self.cases,
            self.base,
            Importer(self.cases),
            self.reader,
            Models(lambda: load(wanted or local), lambda: load(local), by_name),
            open_home=self.open_home,
            samples=SHIPPED_DATA / "contoh",
            load_samples=False,
        )

    def open_home(self) -> ChromaHome:
        return ChromaHome.local(self.folder / "chroma", "uji")

    def add(self, batch: list[Case], id: str) -> None:
        def finish(report: ImportReport, stored: Stored) -> ImportReport:
            return report

        self.cases.add_import(make_report(id), batch, finish=finish)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Console"]:
        async with anyio.create_task_group() as group:
            group.start_soon(self.upkeep.run)
            try:
                await self.upkeep.wait_until_prepared()
                yield self
            finally:
                group.cancel_scope.cancel()
        self.upkeep.close()

    @property
    def serving(self) -> str | None:
        return self.base.serving.name if self.base.serving else None

    async def until(self, ready: Callable[[], bool]) -> None:
        with anyio.fail_after(150):  # a new process on a busy machine takes its time
            while not ready():
                await anyio.sleep(0.01)

    async def ask(self) -> SearchResult:
        return await self.base.search(QUESTION)

    def collections(self) -> set[str]:
        home = self.open_home()
        try:
            return {one.name for one in home._client.list_collections()}
        finally:
            home.close()


@asynccontextmanager
async def run_once(console: Console) -> AsyncIterator[Console]:
    """A console that has done all it can."""
    async with console.running():
        await console.upkeep.wait_until_indexed()
        yield console


async def filled(place: Place, local: WordEmbedder, count: int = 12) -> None:
    """A base that the bundled model has read."""
    console = Console(place, None, local)
    console.add(rows(count), "awal")
    async with run_once(console):
        assert console.serving == f"{local.model}/{local.dimension}"


async def test_the_old_model_answers_until_the_new_one_is_whole(place: Place) -> None:
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)
    hosted.gate = anyio.Event()
    console = Console(place, hosted, local)
    async with console.running():
        assert (console.serving, console.reader.model, console.upkeep.wanted) == ("kata/64", "kata/64", "huruf/32")
        before = await console.ask()
        assert before.vector is not None and before.vector.shape == (64,)
        assert before.hits[0].vector > 0.5
        hosted.gate.set()
        await console.until(lambda: console.serving == "huruf/32")
        assert console.reader.model == "huruf/32"
        after = await console.ask()
        assert after.vector is not None and after.vector.shape == (32,)
        assert after.hits[0].vector > 0.5
        assert console.upkeep.indexer.takeover() is None
        await console.upkeep.wait_until_indexed()
    assert console.cases.state(SERVING_STATE) == "huruf/32"
    assert console.cases.indexed_models() == {"huruf/32"}
    assert console.collections() == {collection_name("uji", "huruf", 32)}


async def test_a_take_over_goes_on_where_a_restart_cut_it(place: Place) -> None:
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)
    hosted.breaks_after = 16
    async with run_once(Console(place, hosted, local)) as console:
        assert console.serving == "kata/64"
    again = WordEmbedder("huruf", 32)
    async with run_once(Console(place, again, local)) as console:
        assert console.serving == "huruf/32"
    assert hosted.read == 16
    assert again.read == 12 * TEXTS - 16


async def test_a_take_over_lasts(place: Place) -> None:
    """After a restart the new model serves at once; the bundled one need not even be there."""
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)
    async with run_once(Console(place, hosted, local)):
        pass
    again = WordEmbedder("huruf", 32)
    console = Console(place, again)
    async with console.running():
        assert (console.serving, console.reader.model, console.base.building) == ("huruf/32", "huruf/32", None)
        assert (await console.ask()).hits[0].vector > 0.5
    assert (again.read, again.asked) == (0, 1)


async def test_a_provider_that_fails_leaves_the_old_model_in_service(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "RETRY_SECONDS", 0.05)
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)
    hosted.broken = True
    async with run_once(Console(place, hosted, local)) as console:
        progress = console.upkeep.indexer.takeover()
        assert progress is not None
        assert (progress.total, progress.done, progress.running) == (12, 0, False)
        assert "uji" in (progress.error or "")
        console.add(rows(40, "kwitansi honorarium tercecer"), "baru")
        await console.upkeep.wait_until_indexed()
        found = await console.base.search("kwitansi honorarium tercecer nomor 7")
        assert found.hits[0].case.issue == "kwitansi honorarium tercecer nomor 7"
        assert found.hits[0].vector > 0.9
        assert console.cases.imports(1)[0].status is ImportStatus.DONE
        assert console.upkeep.problem is None
        hosted.broken = False
        await console.until(lambda: console.serving == "huruf/32")
        found = await console.base.search("kwitansi honorarium tercecer nomor 7")
        assert found.hits[0].vector > 0.9
    assert hosted.read == 52 * TEXTS


async def test_switching_back_reads_nothing(place: Place) -> None:
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)
    async with run_once(Console(place, hosted, local)):
        pass
    again = WordEmbedder()
    async with run_once(Console(place, None, again, (hosted,))) as console:
        assert console.serving == "kata/64"
        assert (await console.ask()).hits[0].vector > 0.5
    assert (again.read, again.asked) == (0, 1)
    assert console.cases.indexed_models() == {"kata/64"}


async def test_the_provider_is_gone_for_good_and_the_bundled_model_serves(place: Place) -> None:
    """The key was taken out: what is remembered cannot be asked any more."""
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)
    async with run_once(Console(place, hosted, local)):
        pass
    again = WordEmbedder()
    async with run_once(Console(place, None, again)) as console:
        assert (console.serving, console.base.building) == ("kata/64", None)
        assert (await console.ask()).hits[0].vector > 0.5
    assert again.read == 0
    assert console.cases.indexed_models() == {"kata/64"}
    assert console.collections() == {collection_name("uji", "kata", 64)}


async def test_another_dimension_is_another_collection(place: Place) -> None:
    first, second = WordEmbedder("huruf", 32), WordEmbedder("huruf", 48)
    await filled(place, first)
    second.gate = anyio.Event()
    console = Console(place, second, first)
    async with console.running():
        result = await console.ask()
        assert result.vector is not None and result.vector.shape == (32,)
        second.gate.set()
        await console.until(lambda: console.serving == "huruf/48")
        result = await console.ask()
        assert result.vector is not None and result.vector.shape == (48,)
        assert result.hits[0].vector > 0.5
        await console.upkeep.wait_until_indexed()
    assert second.read == 12 * TEXTS
    assert console.collections() == {collection_name("uji", "huruf", 48)}


async def test_a_folder_of_the_first_release_is_taken_over_without_reading(place: Place) -> None:
    """What m002 leaves: views and vectors in SQL, a collection without dimension in its name, nothing remembered."""
    name = "multilingual-e5-small-q4"
    await filled(place, WordEmbedder(name, 384))
    home = ChromaHome.local(place.folder / "chroma", "uji")
    home.retire_others([])
    home._client.create_collection(f"uji.{name}", embedding_function=None)
    home.close()
    with place.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM knowledge_state WHERE name <> 'version'")
    again = WordEmbedder(name, 384)
    async with run_once(Console(place, None, again)) as console:
        assert console.serving == "multilingual-e5-small-q4/384"
        assert (await console.ask()).hits[0].vector > 0.5
        assert (again.read, again.asked) == (0, 0), "an example of the classifiers, which is in SQL"
    assert console.collections() == {collection_name("uji", name, 384)}


async def test_without_rows_the_wanted_model_serves_at_once(place: Place) -> None:
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    async with run_once(Console(place, hosted, local)) as console:
        assert console.serving == "huruf/32"
        console.add(rows(3), "baru")
        await console.upkeep.wait_until_indexed()
        assert (await console.ask()).hits[0].vector > 0.5
    assert local.read == 0


async def test_without_rows_a_wrong_key_is_noticed_and_the_bundled_model_serves(place: Place) -> None:
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    hosted.broken = True
    async with run_once(Console(place, hosted, local)) as console:
        assert console.serving == "kata/64"
        console.add(rows(6), "baru")
        await console.upkeep.wait_until_indexed()
        assert (await console.ask()).hits[0].vector > 0.5


async def test_what_costs_nothing_does_not_wait_for_a_provider_that_hangs(place: Place) -> None:
    """Vectors in SQL or shipped with the product: found by meaning though the new model never answers."""
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local, count=70)
    CaseStore(place.database).drop_views("kata/64")
    hosted.gate = anyio.Event()
    console = Console(place, hosted, local)
    before = local.read
    async with console.running():
        await console.until(lambda: console.cases.pending_count("kata/64") == 0)
        assert (await console.ask()).hits[0].vector > 0.5
    assert (local.read, hosted.read) == (before, 0)


async def test_a_retired_model_of_the_same_provider_does_not_hold_up_its_successor(place: Place) -> None:
    """The model that serves answers 404 from now on; rows that are new wait for the one that is wanted."""
    old, new = WordEmbedder("lama", 64), WordEmbedder("baru", 32)
    await filled(place, old)
    old.broken = True
    old.breaks_after = 0
    console = Console(place, new, old)
    console.add(rows(2, "kwitansi honorarium"), "baru")
    async with run_once(console):
        assert console.serving == "baru/32"
        assert (await console.ask()).hits[0].vector > 0.5


async def test_without_the_bundled_model_the_wanted_one_serves_from_the_start(place: Place) -> None:
    hosted = WordEmbedder("huruf", 32)
    console = Console(place, hosted)
    console.add(rows(6), "awal")
    async with run_once(console):
        assert (console.serving, console.base.building) == ("huruf/32", None)
        assert (await console.ask()).hits[0].vector > 0.5


async def test_without_any_model_words_answer_and_the_reason_is_told(place: Place) -> None:
    console = Console(place, None)
    console.add(rows(6), "awal")
    async with console.running():
        assert (await console.ask()).hits
        assert "uji" in str(console.upkeep.degraded())
        assert "uji" in (console.upkeep.progress().error or "")
        with pytest.raises(EmbeddingError):
            await console.upkeep.wait_until_indexed()


async def test_progress_moves_inside_a_long_round(place: Place) -> None:
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local, count=24)
    seen: set[int] = set()
    console = Console(place, hosted, local, round_size=2_048)
    async with console.running():
        takeover = console.upkeep.indexer.takeover

        def note() -> bool:
            progress = takeover()
            seen.add(progress.done if progress else 24)
            return progress is None

        with anyio.fail_after(30):
            while not note():
                await anyio.sleep(0.0005)  # without a pause the loop would starve the threads that do the work
    assert len(seen) > 3
    assert max(seen) == 24


async def test_an_idle_console_asks_sql_for_its_version_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    local = WordEmbedder()
    await filled(place, local)
    monkeypatch.setattr(indexing, "POLL_SECONDS", 0.01)
    console = Console(place, None, local)
    counted: list[str] = []
    count = console.cases.pending_count

    def pending_count(model: str, after: int = -1) -> int:
        counted.append(model)
        return count(model, after)

    monkeypatch.setattr(console.cases, "pending_count", pending_count)
    async with run_once(console):
        before, version, polls = len(counted), console.base._cases.version, 0
        refresh = console.base.refresh

        async def counting(*, force: bool = False) -> bool:
            nonlocal polls
            polls += 1
            return await refresh(force=force)

        monkeypatch.setattr(console.base, "refresh", counting)
        await console.until(lambda: polls > 5)
        assert len(counted) == before
        console.add(rows(1, "baru"), "baru")
        assert console.base._cases.version > version
        await console.until(lambda: len(counted) > before)


async def test_on_a_shared_server_only_a_take_over_drops_anything(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another console, with newer settings, may be building what this one knows nothing of."""
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)
    case = CaseStore(place.database).all()[0]
    CaseStore(place.database).mark_indexed("lain/8", [(case, ["kunci"])])
    monkeypatch.setattr(ChromaHome, "is_shared", True)
    async with run_once(Console(place, None, local)) as console:
        assert console.cases.indexed_models() == {"kata/64", "lain/8"}
    async with run_once(Console(place, hosted, local)) as console:
        assert console.cases.indexed_models() == {"huruf/32"}


async def test_a_killed_take_over_goes_on_without_reading_twice(tmp_path: Path, training: Path) -> None:
    """SIGKILL in the middle of it, with the new model's first rounds in the index."""
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    database = Database(url)
    await filled(Place(tmp_path, database, training), WordEmbedder())
    script = (
        "import sys, anyio\n"
        "from pathlib import Path\n"
        "from sipd_core.store.database import Database\n"
        "from tests.test_upkeep import Console, Place\n"
        "from tests.words import WordEmbedder\n"
        "def kept(database):\n"
        "    with database.read() as connection:\n"
        "        query = \"SELECT count(*) FROM embeddings WHERE model = 'huruf'\"\n"
        "        return connection.exec_driver_sql(query).scalar_one()\n"
        "async def main():\n"
        "    hosted = WordEmbedder('huruf', 32)\n"
        "    hosted.waits_after = 16\n"
        "    place = Place(Path(sys.argv[1]), Database(sys.argv[2]), Path(sys.argv[3]))\n"
        "    async with Console(place, hosted, WordEmbedder()).running() as console:\n"
        "        await console.until(lambda: kept(place.database) == 16)\n"
        "        print('half', flush=True)\n"
        "        await anyio.sleep(60)\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), url, str(training)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert child.stdout is not None
    assert child.stdout.readline() == b"half\n"
    child.kill()
    child.wait()
    child.stdout.close()
    hosted = WordEmbedder("huruf", 32)
    async with run_once(Console(Place(tmp_path, database, training), hosted, WordEmbedder())) as console:
        assert console.serving == "huruf/32"
        assert (await console.ask()).hits[0].vector > 0.5
    assert hosted.read == 12 * TEXTS - 16
    database.close()


async def test_a_second_process_follows_the_owner(place: Place) -> None:
    local, hosted = WordEmbedder(), WordEmbedder("huruf", 32)
    await filled(place, local)

    def owned() -> ChromaHome:
        raise IndexOwnedError("uji", owner="uji")

    guest = Console(place, hosted, local)
    guest.upkeep._open_home = owned
    async with guest.running():
        assert (guest.serving, guest.base.building) == ("kata/64", None)
        assert (await guest.ask()).hits[0].vector > 0.5
        async with run_once(Console(place, hosted, local)) as owner:
            assert owner.serving == "huruf/32"
            guest.add(rows(2, "kwitansi honorarium"), "baru")
            await guest.upkeep.wait_until_indexed()
        assert guest.serving == "huruf/32"
        assert (await guest.base.search("kwitansi honorarium nomor 1")).hits[0].vector > 0.5
        assert "proses lain" in str(guest.upkeep.degraded())
    assert guest.cases.state(SERVING_STATE) == "huruf/32"


async def test_a_changed_row_is_read_anew_by_the_model_that_serves(place: Place) -> None:
    local = WordEmbedder()
    await filled(place, local)
    async with run_once(Console(place, None, local)) as console:
        console.add([replace(rows(1)[0], expected="Tekan Buka Blokir", remedy="Tekan Buka Blokir")], "koreksi")
        await console.upkeep.wait_until_indexed()
        assert len(console.cases.all_views("kata/64")) == 12 * TEXTS
    assert local.read == 12 * TEXTS + 1  # the complaint is as it was


def test_a_reader_uses_a_vector_of_its_own_model_alone(training: Path) -> None:
    reader = CurrentReader(training)
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(len(reader.texts), 16)).astype(np.float32)
    use = reader.lesson("acak/16", vectors)
    assert reader.model == ""
    use()
    assert reader.model == "acak/16"
    words_alone = reader.sentiment("aplikasi error terus!", None)
    assert reader.sentiment("aplikasi error terus!", np.ones(64, np.float32)) == words_alone
    assert isinstance(reader.intent("akun terkunci", np.ones(64, np.float32)), Intent)
    reader.unlearn()
    assert reader.model == ""
