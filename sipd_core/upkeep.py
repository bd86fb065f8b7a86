"""Everything that happens in the background: sample rows, who owns the index, which model serves, making vectors."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio import Event, Lock, create_task_group, to_thread
from numpy.typing import NDArray

from sipd_core.chat.reader import LocalReader
from sipd_core.chat.turn import PREPARING, Impairment, Intent
from sipd_core.documents import IndexingProgress
from sipd_core.embeddings import Vectors
from sipd_core.errors import EmbeddingError, IndexOwnedError, SipdError, StoreError, root_cause
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.exact import ExactIndex
from sipd_core.knowledge.importing import Importer
from sipd_core.knowledge.index import ChromaHome, VectorIndex
from sipd_core.knowledge.indexing import Indexer
from sipd_core.knowledge.side import Model, Side
from sipd_core.store.cases import CaseStore
from sipd_core.store.schema import SERVING_STATE
from sipd_core.texts import text

log = logging.getLogger(__name__)

OWN_SECONDS = 15
"""How often a process that does not own the index tries to: the owner may have ended, the Chroma server come back."""


@dataclass(frozen=True, slots=True)
class Models:
    """The embedding models that can be asked. A call may load one (in a worker thread) or raise EmbeddingError."""

    wanted: Callable[[], Model]
    """The one that the settings name."""
    local: Callable[[], Model]
    """The bundled one, which serves until the wanted one is whole."""
    by_name: Callable[[str, int], Model | None]
    """The one of this name and dimension, whatever the settings name; None when it can no longer be asked."""


class CurrentReader:
    """Reads intent and sentiment as the model that serves understands them; taught anew when another takes over."""

    def __init__(self, folder: Path) -> None:
        """`folder`: the labelled examples; raises SipdError when they are unfit."""
        self._folder = folder
        self._untaught = self._taught = LocalReader(folder)
        self._dimension = 0
        self.model = ""
        """`name/dimension` of the model it was taught with; empty while it reads words alone."""

    @property
    def texts(self) -> list[str]:
        """The examples, in the order in which their vectors are taught."""
        return self._untaught.texts

    def lesson(self, model: str, vectors: Vectors) -> Callable[[], None]:
        """Learn the examples' meaning from their vectors; nothing reads with it before the result is called."""
        taught = LocalReader(self._folder)
        taught.teach(vectors)

        def use() -> None:
            self._taught, self._dimension, self.model = taught, vectors.shape[1], model

        return use

    def unlearn(self) -> None:
        """Read words alone: what was learnt is of a model that does not serve any more."""
        self._taught, self._dimension, self.model = self._untaught, 0, ""

    def intent(self, text: str, vector: NDArray[Any] | None) -> Intent:
        """One of the seven classes."""
        return self._taught.intent(text, self._usable(vector))

    def sentiment(self, text: str, vector: NDArray[Any] | None) -> float:
        """-1 (very negative) .. 1 (very positive)."""
        return self._taught.sentiment(text, self._usable(vector))

    def _usable(self, vector: NDArray[Any] | None) -> NDArray[Any] | None:
        return vector if vector is not None and len(vector) == self._dimension else None


class Upkeep:
    """Prepares the base, decides which model serves, lets the wanted one take over, and never gives up for good."""

    def __init__(
        self,
        cases: CaseStore,
        base: KnowledgeBase,
        importer: Importer,
        reader: CurrentReader,
        models: Models,
        *,
        open_home: Callable[[], ChromaHome],
        samples: Path,
        load_samples: bool,
        head_start: float = 0.0,
    ) -> None:
        """`samples`: folder of the shipped rows; `head_start`: seconds before anything heavy is begun."""
        self._cases = cases
        self._base = base
        self._importer = importer
        self._reader = reader
        self._models = models
        self._open_home = open_home
        self._samples = samples
        self._load_samples = load_samples
        self._head_start = head_start
        self._home: ChromaHome | None = None
        self._opening = Lock()
        self._prepared = Event()
        self.problem: SipdError | None = None
        """What keeps a part from working."""
        self.wanted: str | None = None
        """`name/dimension` of the model that the settings name; None before it was loaded."""
        self.indexer = Indexer(cases, base, on_whole=self._on_whole)

    async def run(self) -> None:
        """Work until cancelled. It never takes the engine down with it: what is stored can still be read."""
        await anyio.sleep(self._head_start)
        try:
            await self._prepare()
            await self._keep_indexed()
        except Exception:
            code = uuid.uuid4().hex[:8]
            log.exception("background work ended unexpectedly (code %s)", code)
            self.problem = SipdError(code, code=code)
        finally:
            self._prepared.set()

    def close(self) -> None:
        """Release the index; idempotent."""
        if self._home is not None:
            self._home.close()

    @property
    def is_prepared(self) -> bool:
        """Whether questions can be answered with everything there is."""
        return self._prepared.is_set()

    def degraded(self) -> Impairment | None:
        """Why answers are not as good as they could be."""
        if self.problem is not None:
            return Impairment(self.problem.user_text, root_cause(self.problem))
        return None if self.is_prepared else Impairment(text("answer.status.preparing"), PREPARING)

    def progress(self) -> IndexingProgress:
        """How many rows wait to be found by meaning."""
        if self.problem is not None and self._base.serving is None:
            return IndexingProgress(0, 0, False, error=self.problem.user_text)
        return self.indexer.progress()

    async def wait_until_prepared(self) -> None:
        """Return when everything there is can be used."""
        await self._prepared.wait()

    async def wait_until_indexed(self) -> None:
        """Return when no case waits for its vectors, whoever makes them; raises SipdError when they cannot be made."""
        await self._prepared.wait()
        serving = self._base.serving
        if serving is None:
            raise self.problem or EmbeddingError("no embedding model is loaded", reason="model belum siap")
        if self._home is not None:
            await self.indexer.wait_until_idle()
            return
        while await to_thread.run_sync(lambda: self._cases.pending_count(self._remembered() or serving.name)):
            await anyio.sleep(0.2)
        await self._open()

    def accept_samples(self) -> int:
        """Store the shipped rows; returns how many there were not."""
        before = self._cases.counts()["samples"]
        for path in sorted(self._samples.iterdir()):
            with path.open("rb") as file:
                self._importer.accept(path.name, file, sample=True, actor=text("people.shipped"))
        self._cases.set_state("samples", "loaded")
        return self._cases.counts()["samples"] - before

    async def _prepare(self) -> None:
        """Everything that takes longer than a page may wait: rows, words, models, index, classifiers."""
        try:
            if self._load_samples and await to_thread.run_sync(self._is_new):
                await to_thread.run_sync(self.accept_samples)
            async with create_task_group() as group:  # the rows are read while the index is opened
                group.start_soon(self._attempt, partial(self._base.refresh, force=True))
                group.start_soon(self._attempt, self._open)
        except SipdError as error:
            self._note(error)
        finally:
            self._prepared.set()

    async def _attempt(self, work: Callable[[], Awaitable[object]]) -> None:
        """One part of the preparation: that it fails does not keep the others from being done."""
        try:
            await work()
        except SipdError as error:
            self._note(error)

    def _note(self, error: SipdError) -> None:
        log.error("the engine could not be prepared whole: %s", error)
        self.problem = error

    async def _keep_indexed(self) -> None:
        """Take the index over as soon as it can be had, and make vectors from then on."""
        while self._home is None:
            if isinstance(self.problem, EmbeddingError):
                return  # a model that is not there now will not be before the next start
            await anyio.sleep(OWN_SECONDS)
            try:
                await self._open()
            except SipdError as error:
                self.problem = error
        await self.indexer.run()

    async def _open(self) -> None:
        """Own the index; where another process does, or the Chroma server is away, search SQL's vectors instead."""
        async with self._opening:
            if self._home is not None:
                return
            wanted, serving = await to_thread.run_sync(self._choose)
            self.wanted = wanted.name
            try:
                self._home = await self._open_whole(wanted, serving)
                self.problem = None
            except StoreError as error:
                owned = isinstance(error, IndexOwnedError)
                log.log(logging.INFO if owned else logging.WARNING, "searching SQL's vectors, not the index: %s", error)
                self.problem = StoreError(str(error), text_key="answer.status.index_owned") if owned else error
                await self._serve(serving, ExactIndex())

    async def _open_whole(self, wanted: Model, serving: Model) -> ChromaHome:
        """Let one model serve and the other be built beside it, each on its own collection; raises StoreError."""
        home = await to_thread.run_sync(self._open_home)
        try:
            await self._serve(serving, await _collection(home, serving))
            if wanted.name != serving.name:
                self._base.build(await self._base.open_side(wanted, await _collection(home, wanted)))
            await to_thread.run_sync(home.opened)
            await to_thread.run_sync(self._cases.set_state, SERVING_STATE, serving.name)
            if not home.is_shared:
                await self._retire_others(home)
        except BaseException:
            self._base.build(None)
            home.close()
            raise
        return home

    def _choose(self) -> tuple[Model, Model]:
        """The wanted model, and the one that serves: the remembered one, else the bundled one, else the wanted one."""
        wanted = self._models.wanted()
        for choice in (self._remembered_model, self._models.local):
            try:
                model = choice()
            except EmbeddingError as error:
                log.warning("a model that could serve cannot be loaded: %s", error)
            else:
                if model is not None:
                    return wanted, model
        return wanted, wanted

    def _remembered_model(self) -> Model | None:
        name, _, dimension = (self._remembered() or "").rpartition("/")
        return self._models.by_name(name, int(dimension)) if name else None

    def _remembered(self) -> str | None:
        return self._cases.state(SERVING_STATE)

    async def _serve(self, model: Model, index: VectorIndex) -> None:
        """Let a model serve and read at once; where its examples cannot be had, words are read until they can."""
        side = await self._base.open_side(model, index)
        use: Callable[[], None] | None = None
        try:
            use = await self._lesson(side) if self._reader.model != side.name else None
        except EmbeddingError as error:
            log.warning("intent and sentiment are read from words alone: %s", error)
            use = self._reader.unlearn
        await self._base.serve(side, use)

    async def _lesson(self, side: Side) -> Callable[[], None]:
        """The classifiers' examples in the words of a model; computed the first time only."""
        embedded = await side.embedder.examples(self._reader.texts)
        return await to_thread.run_sync(self._reader.lesson, side.name, embedded.vectors)

    async def _on_whole(self, side: Side) -> None:
        """Nothing waits for a side: measure its relevance. A built one takes over, base and reader in one step."""
        if side is self._base.building:
            if await self._base.take_over(await self._lesson(side)):
                log.info("%s serves from now on", side.name)
                await to_thread.run_sync(self._cases.set_state, SERVING_STATE, side.name)
                assert self._home is not None
                await self._retire_others(self._home)
            return
        await self._base.calibrate(side)
        if self._reader.model != side.name:
            (await self._lesson(side))()

    async def _retire_others(self, home: ChromaHome) -> None:
        """Drop the views and collections of models that neither serve nor are built; SQL keeps their vectors."""
        sides = [side for side in (self._base.serving, self._base.building) if side is not None]
        keep = [(side.embedder.model, side.embedder.dimension) for side in sides]
        try:
            for name in await to_thread.run_sync(self._cases.indexed_models) - {side.name for side in sides}:
                await to_thread.run_sync(self._cases.drop_views, name)
            await to_thread.run_sync(home.retire_others, keep)
        except StoreError as error:
            log.warning("what is left of earlier models stays until the next start: %s", error)

    def _is_new(self) -> bool:
        return self._cases.state("samples") is None and self._cases.counts()["cases"] == 0


async def _collection(home: ChromaHome, model: Model) -> VectorIndex:
    return await to_thread.run_sync(home.collection, model.embedder.model, model.embedder.dimension)
