"""Settings: a wrong value stops the start with one line that names the variable, the value and what is allowed."""

from pathlib import Path

import pytest

from sipd_core.errors import SettingsError
from sipd_core.settings import Settings, load_settings, unknown_lines
from sipd_core.texts import text


def test_defaults_need_no_environment() -> None:
    settings = load_settings(_env_file=None)
    assert settings.sql_url.startswith("sqlite:///")
    assert settings.sql_url.endswith("sipd.db")


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("TOP_K_RESULTS", "banyak", "bilangan bulat"),
        ("TOP_K_RESULTS", "0", "paling kecil 1"),
        ("TOP_K_RESULTS", "51", "paling besar 50"),
        ("SIMILARITY_THRESHOLD", "1.2", "paling besar 1"),
        ("ENABLE_COMPRESSION", "mungkin", "true atau false"),
        ("CHROMA_URL", "chroma:8000", "http://"),
        ("COLLECTION_NAME", "a b", "huruf"),
        ("CHUNK_OVERLAP", "1500", "CHUNK_SIZE"),
        ("API_ORIGINS", "https://a.example,https://b.example/", "garis miring"),
        ("API_ORIGINS", "*", "garis miring"),
        ("API_CHAT_PER_MINUTE", "0", "paling kecil 1"),
        ("USD_IDR", "0", "lebih besar dari 0"),
        ("DAILY_BUDGET_USD", "-1", "paling kecil 0"),
    ],
)
def test_a_wrong_value_names_variable_value_and_rule(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings(_env_file=None)
    line = caught.value.user_text
    assert variable in line
    assert value in line
    assert allowed in line
    assert "\n" not in line


def test_a_wrong_database_url_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://admin:rahasia@host/db")
    with pytest.raises(SettingsError) as caught:
        load_settings(_env_file=None)
    assert "DATABASE_URL" in caught.value.user_text
    assert "rahasia" not in caught.value.user_text + str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://kantor.example/rahasia",
        "http://127.0.0.1.example/rahasia",
        "http://10.0.0.5/rahasia",
        "ftp://127.0.0.1/rahasia",
        "https:///rahasia",
        "https://kantor.example:rahasia/",
        "rahasia",
    ],
)
def test_alerts_go_out_encrypted_or_stay_on_this_computer(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", url)
    monkeypatch.setenv("ALERT_WEBHOOK_SECRET", "x" * 16)
    with pytest.raises(SettingsError) as caught:
        load_settings(_env_file=None)
    assert "ALERT_WEBHOOK_URL" in caught.value.user_text
    assert "rahasia" not in caught.value.user_text + str(caught.value)


@pytest.mark.parametrize("url", ["https://a.example/x", "http://localhost:9/", "http://127.0.0.9", "http://[::1]:9/x"])
def test_alerts_are_never_sent_unsigned(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", url)
    for secret in ("", "terlalu-pendek"):
        monkeypatch.setenv("ALERT_WEBHOOK_SECRET", secret)
        with pytest.raises(SettingsError) as caught:
            load_settings(_env_file=None)
        assert "ALERT_WEBHOOK_SECRET" in caught.value.user_text
        assert "terlalu-pendek" not in caught.value.user_text + str(caught.value)
    monkeypatch.setenv("ALERT_WEBHOOK_SECRET", "x" * 16)
    assert load_settings(_env_file=None).alert_webhook_url.get_secret_value() == url


def test_origins_are_told_apart() -> None:
    settings = load_settings(_env_file=None, api_origins="https://A.example:8443 , http://localhost:3000")
    assert settings.allowed_origins == {"https://a.example:8443", "http://localhost:3000"}
    assert load_settings(_env_file=None).allowed_origins == frozenset()


def test_a_postgresql_url_gets_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://sipd@db/sipd")
    assert load_settings(_env_file=None).sql_url == "postgresql+psycopg://sipd@db/sipd"


def test_an_env_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("TOP_K_RESULTS=7\nCHUNK_SIZE=900\nUNKNOWN=1\n", encoding="utf-8")
    monkeypatch.setenv("CHUNK_SIZE", "800")
    settings = load_settings(_env_file=tmp_path / ".env")
    assert (settings.top_k_results, settings.chunk_size) == (7, 800)


def test_a_name_that_no_setting_has_is_told(tmp_path: Path) -> None:
    written = "SIGNIN=accounts\nDATABASE_URL=\nBERKAS_LAIN=1\ntop_k_results=4\nDATA_KEYS=rahasia\n"
    (tmp_path / ".env").write_text(written, encoding="utf-8")
    lines = unknown_lines(tmp_path / ".env")
    assert lines == (
        text("settings.unknown_like", name="SIGNIN", like="SIGN_IN"),
        text("settings.unknown", name="BERKAS_LAIN"),
        text("settings.unknown_like", name="DATA_KEYS", like="DATA_KEY"),
    )
    assert unknown_lines(tmp_path / "tidak-ada") == ()


def test_every_setting_is_in_the_readme() -> None:
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name.upper() for name in Settings.model_fields if f"`{name.upper()}`" not in readme] == []
