"""The pages Pengguna, Akun saya and Kunci API as an admin and others use them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import resources
from pages.shell.plain import plain
from pages.shell.signin_oidc import roles_of
from sipd_core.blocking import BlockingEngine
from sipd_core.deeds import Source, acting_as
from sipd_core.permissions import Role
from sipd_core.settings import load_settings
from sipd_core.store.people import Account
from sipd_core.texts import text
from tests.ui.console import ENTRY, ROOT, shown
from tests.ui.signing_in import PASSWORD, account_of, carry, token_of


@pytest.fixture
def engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockingEngine]:
    settings = load_settings(_env_file=None, sipd_data_dir=folder, load_sample_data=False, sign_in="accounts")
    made = BlockingEngine(settings)
    made.wait_until_prepared(300)
    monkeypatch.setattr(resources, "_engine", made)
    account_of(made, "ani", *Role)
    carry(monkeypatch, token_of(made, "ani"))
    yield made
    made.close()


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ENTRY), default_timeout=60)
    app.run()
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()


def accounts(engine: BlockingEngine) -> dict[str, Account]:
    with acting_as(Source()):
        return {account.login: account for account in engine.people.list()}


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_roles_are_changed_and_the_last_admin_stays(engine: BlockingEngine) -> None:
    budi = account_of(engine, "budi", Role.OPERATOR)
    app = opened("pengguna", pengguna=budi)
    app.button_group(key=f"people.roles.field.{budi}").set_value([Role.MANAGER, Role.OPERATOR])
    press(app, text("people.detail.save_roles"))
    assert not app.exception and accounts(engine)["budi"].roles == {Role.MANAGER, Role.OPERATOR}

    ani = accounts(engine)["ani"].id
    app = opened("pengguna", pengguna=ani)
    app.button_group(key=f"people.roles.field.{ani}").set_value([Role.OPERATOR])
    press(app, text("people.detail.save_roles"))
    assert plain(text("people.error.last_admin")) in [error.value for error in app.error]
    assert Role.ADMIN in accounts(engine)["ani"].roles


def test_a_user_is_called_otherwise(engine: BlockingEngine) -> None:
    budi = account_of(engine, "budi", Role.OPERATOR)
    app = opened("pengguna", pengguna=budi)
    app.text_input[0].set_value("Ani")
    press(app, text("people.detail.save_name"))
    assert [str(error.value) for error in app.error] == [plain(text("people.error.name_taken", name="Ani"))]
    app.text_input[0].set_value("Pak Budi Santoso")
    press(app, text("people.detail.save_name"))
    assert accounts(engine)["budi"].name == "Pak Budi Santoso" and not app.error
    with acting_as(Source()):
        entry = engine.audit.page().entries[0]
    assert (entry.kind, entry.object, entry.details["name_before"]) == ("person_name", "Pak Budi Santoso", "Budi")


def test_a_new_link_is_shown_once_and_sessions_are_ended(engine: BlockingEngine) -> None:
    budi = account_of(engine, "budi", Role.OPERATOR)
    token = token_of(engine, "budi")
    app = opened("pengguna", pengguna=budi)
    app.button(key="people.new_link").click().run()
    link = app.code[0].value
    assert "/masuk/tautan/" in link
    press(app, text("people.detail.end"))
    with acting_as(Source()):
        assert engine.people.sessions(budi) == () and engine.sign_in.was_in(token)
    app.button(key="people.link_copied").click().run()
    assert not app.code and not app.exception
    with acting_as(Source()):
        told = str(engine.audit.page().entries)
        assert engine.sign_in.link_for(link.rpartition("/")[2])
    assert link.rpartition("/")[2] not in told


def test_a_name_full_of_marks_stays_text(engine: BlockingEngine) -> None:
    with acting_as(Source()):
        engine.people.invite("marka", "**tebal** :red[x] <script>", [Role.OPERATOR])
    app = opened("pengguna")
    assert "\\*\\*tebal" in shown(app) and "<script>" not in shown(app).replace("\\<script", "")


def test_an_account_that_is_not_there(engine: BlockingEngine) -> None:
    assert text("people.page.gone") in shown(opened("pengguna", pengguna="tidak-ada"))


def test_ones_own_password(engine: BlockingEngine) -> None:
    app = opened("akun")
    for field, value in zip(app.text_input, (PASSWORD, "sawah hijau di lembah", "lain sekali dari itu"), strict=True):
        field.set_value(value)
    press(app, text("people.own.save"))
    assert plain(text("people.own.differ")) in [error.value for error in app.error]
    for field, value in zip(app.text_input, (PASSWORD, "sawah hijau di lembah", "sawah hijau di lembah"), strict=True):
        field.set_value(value)
    press(app, text("people.own.save"))
    assert not app.exception and not app.error
    with acting_as(Source()):
        assert engine.sign_in.enter("ani", "sawah hijau di lembah", address="", browser="")


def test_a_key_is_made_shown_once_and_revoked(engine: BlockingEngine) -> None:
    app = opened("kunci_api")
    assert text("access.page.none_title") in shown(app)
    press(app, text("access.page.make"))
    assert plain(text("access.page.no_name")) in [error.value for error in app.error]
    app.text_input[0].set_value("bot **WA**")
    press(app, text("access.page.make"))
    key = app.code[0].value
    assert key.startswith("sipd_") and "bot \\*\\*WA" in shown(app)
    app.button(key="keys.copied").click().run()
    assert not app.code and key not in shown(app)
    with acting_as(Source()):
        [made] = engine.access.keys.list()
    app.button(key=f"keys.revoke.{made.id}").click().run()
    app.button(key="keys.revoke_yes").click().run()
    with acting_as(Source()):
        assert engine.access.keys.get(made.id).revoked_at is not None
    assert text("access.state.revoked") in shown(app)


@pytest.mark.parametrize(
    ("claim", "said", "roles"),
    [
        ("roles", {"roles": ["a", "x"]}, {Role.ADMIN}),
        ("roles", {"roles": "o"}, {Role.OPERATOR}),
        ("roles", {"roles": ["a", "o", "cn=grup,dc=x"]}, {Role.ADMIN, Role.OPERATOR, Role.MANAGER}),
        ("realm_access.roles", {"realm_access": {"roles": ["o"]}}, {Role.OPERATOR}),
        ("realm_access.roles", {"realm_access": "o"}, set()),
        ("roles", {}, set()),
        ("roles", {"roles": {"admin": True}}, set()),
        ("roles", {"roles": [None, 7, ["a"]]}, set()),
    ],
)
def test_what_a_claim_gives(claim: str, said: dict[str, object], roles: set[Role]) -> None:
    settings = load_settings(
        _env_file=None, oidc_roles_claim=claim, oidc_role_map="a=admin; o=operator;cn=grup,dc=x=manager"
    )
    assert roles_of(said, settings) == roles
