"""Every page × every role × signed in, expired or nobody, generated from the table of pages."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from pages.shell import resources
from pages.shell.places import ACCOUNT, GROUPS, Place
from sipd_core.blocking import BlockingEngine
from sipd_core.deeds import DeedKind, DeedOutcome, Source, acting_as
from sipd_core.permissions import Permission, Role, rights
from sipd_core.settings import load_settings
from sipd_core.texts import text
from tests.ui.console import ENTRY, ROOT, shown
from tests.ui.signing_in import account_of, carry, token_of

PLACES = (*(place for places in GROUPS.values() for place in places), ACCOUNT)
WHO: dict[str, tuple[Role, ...]] = {role.value: (role,) for role in Role} | {"tanpa": (), "semua": tuple(Role)}


@pytest.fixture(scope="module")
def console_engine(prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    folder = shutil.copytree(prepared_folder, tmp_path_factory.mktemp("roles") / "data")
    made = BlockingEngine(
        load_settings(_env_file=None, sipd_data_dir=folder, load_sample_data=False, sign_in="accounts")
    )
    made.wait_until_prepared(300)
    for login, roles in WHO.items():
        account_of(made, login, *roles)
    yield made
    made.close()


@pytest.fixture
def engine(console_engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> BlockingEngine:
    monkeypatch.setattr(resources, "_engine", console_engine)
    return console_engine


def opened(place: Place) -> AppTest:
    app = AppTest.from_file(str(ENTRY), default_timeout=60)
    app.run()
    return app if place is GROUPS["desk"][0] else app.switch_page(str(ROOT / "pages" / f"{place.file}.py")).run()


def offered(place: Place, who: str) -> bool:
    return place.needs is None or place.needs in rights(WHO[who])


def test_every_page_is_in_the_menu_and_says_itself_what_it_needs() -> None:
    needs = {place.file: place.needs for place in PLACES}
    files = {path.stem: path for path in (ROOT / "pages").glob("*.py") if path.stem != "__init__"}
    assert set(needs) == set(files)
    for name, path in files.items():
        assert _asked(path) == needs[name], name


def _asked(path: Path) -> Permission | None:
    """What a page's first line asks of whoever opens it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "page_frame":
            [needed] = [keyword.value for keyword in node.keywords if keyword.arg == "needs"]
            return Permission[needed.attr] if isinstance(needed, ast.Attribute) else None
    raise AssertionError(f"{path.name} has no frame")


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.file)
def test_a_page_opens_for_whoever_may(engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch, place: Place, who: str) -> None:
    carry(monkeypatch, token_of(engine, who))
    app = opened(place)
    assert not app.exception
    if offered(place, who):
        assert text("sign_in.forbidden.title") not in shown(app)
        assert not any(text("people.error.forbidden", name="x")[:30] in error.value for error in app.error)
    elif not WHO[who]:
        assert [header.value for header in app.header] == [text("sign_in.forbidden.no_role_title")]
        assert not app.title
    else:
        assert text("sign_in.forbidden.title") in shown(app)
        assert len(app.title) == 1 and not app.dataframe and not app.error


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.file)
@pytest.mark.parametrize("state", ["expired", "none", "forged"])
def test_nobody_else_sees_anything(
    engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch, place: Place, state: str
) -> None:
    token = {"none": "", "forged": "x" * 43}.get(state) if state != "expired" else token_of(engine, "semua")
    if state == "expired":
        with acting_as(Source()):
            engine.sign_in.leave(str(token))
    carry(monkeypatch, str(token))
    app = opened(place)
    assert not app.exception and not app.title and not app.button and not app.dataframe
    assert [header.value for header in app.header] == [text("sign_in.out.title")]


def test_a_role_that_is_taken_counts_on_the_page_that_is_open(
    engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = account_of(engine, "sementara", Role.ADMIN)
    carry(monkeypatch, token_of(engine, "sementara"))
    app = opened(next(place for place in PLACES if place.file == "pengguna"))
    assert len(app.title) == 1 and app.button(key=f"people.manage.{id_}")
    with acting_as(Source()):
        engine.people.set_roles(id_, [Role.OPERATOR])
    app.button(key=f"people.manage.{id_}").click().run()
    assert text("sign_in.forbidden.title") in shown(app)
    with acting_as(Source()):
        engine.people.disable(id_)
    app.run()
    assert [header.value for header in app.header] == [text("sign_in.out.title")]


def test_a_page_waits_for_a_restore_and_goes_on(engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    carry(monkeypatch, token_of(engine, "admin"))
    app = opened(next(place for place in PLACES if place.file == "cadangan"))
    with engine._given_up():
        app.run()
        assert not app.exception and text("backup.pause.title") in shown(app)
    app.run()
    assert not app.exception and text("backup.pause.title") not in shown(app)


def test_the_audit_knows_whose_deed_it_was(engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipd_core.deeds._door", resources.visitor)
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _: "10.0.0.7"))
    carry(monkeypatch, token_of(engine, "admin"))
    app = opened(next(place for place in PLACES if place.file == "kunci_api"))
    app.text_input[0].set_value("bot uji")
    next(button for button in app.button if button.label == text("access.page.make")).click().run()
    assert not app.exception and app.code[0].value.startswith("sipd_")
    with acting_as(Source()):
        entry = engine.audit.page().entries[0]
    assert (entry.kind, entry.actor, entry.address) == ("key_made", "Admin", "10.0.0.7")
    assert app.code[0].value not in str(entry)


def test_who_acts_has_the_id_of_his_account(engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _: "10.0.0.7"))
    carry(monkeypatch, token_of(engine, "admin"))
    with acting_as(Source()):
        [account] = [one for one in engine.people.list() if one.login == "admin"]
    assert resources.visitor() == Source("konsol", "10.0.0.7", "Admin", account.id)
    carry(monkeypatch, "")
    assert resources.visitor() == Source("konsol", "10.0.0.7")


def test_the_audit_knows_of_a_page_that_was_refused(engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """And from where: this computer, which Streamlit does not name by itself."""
    monkeypatch.setattr("sipd_core.deeds._door", resources.visitor)
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _: None))
    monkeypatch.setattr(ContextProxy, "headers", property(lambda _: {"Host": "localhost:8501"}))
    account_of(engine, "penasaran", Role.OPERATOR)
    carry(monkeypatch, token_of(engine, "penasaran"))
    opened(next(place for place in PLACES if place.file == "pengguna"))
    with acting_as(Source()):
        entry = engine.audit.page().entries[0]
    assert (entry.kind, entry.outcome) == (DeedKind.FORBIDDEN, DeedOutcome.REFUSED)
    assert (entry.actor, entry.address) == ("Penasaran", "127.0.0.1")
