"""Every environment variable the console reads, checked once at start. Nothing else reads the environment.

A wrong value stops the start with one Indonesian line that names the variable, the value and what is allowed.
"""

from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from sipd_core.data_keys import DataKey, parse_keys
from sipd_core.errors import SettingsError
from sipd_core.permissions import Role, parse_role_map
from sipd_core.texts import text

PROJECT_ROOT = Path(__file__).resolve().parents[1]
SHIPPED_DATA = PROJECT_ROOT / "data"
"""Sample rows, gold sets, labelled examples and word tables that come with the product."""

NEBIUS_URL = "https://api.tokenfactory.nebius.com/v1"
"""Nebius Token Factory (COUNTERPARTS.md, 2026-08)."""
LOCAL = "local"
"""As a model's name: the console's own work, nothing is sent anywhere."""

LIKE = 0.75
"""How like a setting's name an unknown one must be (difflib's ratio) to be taken for a slip."""
SECRET_LENGTH = 16
"""Characters of a secret that messages are signed with, at least."""
_SECRETS = {"database_url", "nebius_api_key", "alert_webhook_url", "alert_webhook_secret", "audit_key", "data_key"}

_EXPLAINED = {
    "database_url", "collection_name", "chunk_overlap", "backup_time", "api_origins", "alert_webhook_url",
    "alert_webhook_secret", "audit_key", "data_key", "sign_in", "oidc_role_map",
}  # fmt: skip
"""Variables whose rule is told by an entry of their own."""

Share = Annotated[float, Field(ge=0, le=1)]
Budget = Annotated[Decimal, Field(ge=0)]


def _known_database(url: SecretStr) -> SecretStr:
    """DATABASE_URL must name a database this engine has a driver for."""
    if url.get_secret_value() and not url.get_secret_value().startswith(
        ("sqlite:///", "postgresql://", "postgresql+psycopg://")
    ):
        raise ValueError("database_url")
    return url


def _http_url(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("http_url")
    return url


def _webhook(url: SecretStr) -> SecretStr:
    """Encrypted, unless it stays on this computer; the path may hold a key, so no part of it is shown."""
    parts = urlsplit(url.get_secret_value())
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("alert_webhook_url") from error
    if url.get_secret_value() and not (host and (parts.scheme == "https" or _is_local_http(parts.scheme, host))):
        raise ValueError("alert_webhook_url")
    return url


def _is_local_http(scheme: str, host: str) -> bool:
    if scheme != "http":
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _long_enough(key: SecretStr) -> SecretStr:
    """A short key could be tried out."""
    if 0 < len(key.get_secret_value()) < SECRET_LENGTH:
        raise ValueError("audit_key")
    return key


def _data_keys(keys: SecretStr) -> SecretStr:
    """What is set must be keys, whole ones: half a key opens nothing."""
    written = keys.get_secret_value()
    try:
        known = parse_keys(written)
    except ValueError:
        raise ValueError("data_key") from None
    if written.strip() and not known:
        raise ValueError("data_key")
    return keys


def _origins(value: str) -> str:
    """Comma-separated origins as browsers send them: scheme, host, port, and nothing behind."""
    for origin in filter(None, (part.strip() for part in value.split(","))):
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or f"{parts.scheme}://{parts.netloc}" != origin or not parts.hostname:
            raise ValueError("api_origins")
    return value


def _role_map(written: str) -> str:
    try:
        parse_role_map(written)
    except ValueError as error:
        raise ValueError("oidc_role_map") from error
    return written


class Settings(BaseSettings):
    """Frozen settings; names are the environment variables in lower case. See the table in README.md."""

    model_config = SettingsConfigDict(
        env_file=PROJECT_ROOT / ".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    sipd_data_dir: Path = PROJECT_ROOT / "data"
    database_url: Annotated[SecretStr, AfterValidator(_known_database)] = SecretStr("")
    chroma_url: Annotated[str, AfterValidator(_http_url)] = ""
    collection_name: str = Field("sipd_kasus", pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{1,38}[a-zA-Z0-9]$")

    nebius_api_key: SecretStr = SecretStr("")
    nebius_base_url: Annotated[str, AfterValidator(_http_url)] = NEBIUS_URL
    nebius_model_id: str = "Qwen/Qwen3-30B-A3B-Instruct-2507"
    nebius_fallback_model: str = ""
    nebius_embedding_model: str = "Qwen/Qwen3-Embedding-8B"
    embedding_dimension: int = Field(1_024, ge=8, le=16_384)
    embedding_send_dimension: bool = True
    embedding_query_prefix: str | None = None
    embedding_passage_prefix: str = ""
    embedding_concurrency: int = Field(4, ge=1, le=64)
    embedding_window_ms: float = Field(1, ge=0, le=100)
    embedding_timeout: float = Field(30, gt=0, le=600)
    chat_first_token_timeout: float = Field(20, gt=0, le=600)
    chat_stall_timeout: float = Field(15, gt=0, le=600)
    chat_timeout: float = Field(120, gt=0, le=3_600)
    max_retries: int = Field(3, ge=0, le=10)
    retry_delay: float = Field(0.5, ge=0, le=60)
    max_context_length: int = Field(6_000, ge=2_000, le=1_000_000)
    response_temperature: float = Field(0.2, ge=0, le=2)
    enable_answer_cache: bool = True
    answer_cache_size: int = Field(1_000, ge=1, le=100_000)

    similarity_threshold: Share = 0.5
    top_k_results: int = Field(5, ge=1, le=50)
    chunk_size: int = Field(1_000, ge=200, le=8_000)
    chunk_overlap: int = Field(150, ge=0, le=2_000)

    max_embedding_tokens: int = Field(512, ge=32, le=32_768)
    embedding_batch_size: int = Field(64, ge=1, le=2_048)
    embedding_threads: int = Field(2, ge=1, le=64)
    enable_embedding_cache: bool = True
    embedding_cache_size: int = Field(10_000, ge=1, le=1_000_000)
    cache_ttl_hours: float = Field(24, gt=0, le=8_760)
    enable_compression: bool = True

    max_message_length: int = Field(10_000, ge=200, le=100_000)
    max_response_length: int = Field(4_000, ge=200, le=50_000)
    max_conversation_history: int = Field(50, ge=1, le=1_000)
    escalation_sentiment_threshold: float = Field(-0.6, ge=-1, le=0)
    max_failed_attempts: int = Field(3, ge=1, le=20)

    backup_dir: Path | None = None
    backup_time: str = Field("02:00", pattern=r"^(([01]?\d|2[0-3])[:.][0-5]\d|off)$")
    backup_keep: int = Field(7, ge=1, le=1_000)

    api_origins: Annotated[str, AfterValidator(_origins)] = ""
    api_chat_per_minute: int = Field(60, ge=1, le=1_000_000)
    api_reads_per_minute: int = Field(120, ge=1, le=1_000_000)

    sign_in: Literal["open", "accounts", "oidc"] = "open"
    open_anywhere: bool = False
    session_idle_minutes: float = Field(120, ge=1, le=43_200)
    session_hours: float = Field(12, ge=0.1, le=720)
    oidc_provider: str = ""
    oidc_roles_claim: str = "roles"
    oidc_role_map: Annotated[str, AfterValidator(_role_map)] = ""

    alert_webhook_url: Annotated[SecretStr, AfterValidator(_webhook)] = SecretStr("")
    alert_webhook_secret: SecretStr = Field(SecretStr(""), validate_default=True)

    audit_key: Annotated[SecretStr, AfterValidator(_long_enough)] = SecretStr("")

    messages_per_minute: int = Field(30, ge=1, le=1_000_000)
    messages_per_minute_address: int = Field(600, ge=1, le=1_000_000)
    uploads_per_hour: int = Field(60, ge=1, le=1_000_000)
    uploads_per_hour_address: int = Field(300, ge=1, le=1_000_000)
    conversation_days: int = Field(0, ge=0, le=36_500)
    trace_days: int = Field(0, ge=0, le=36_500)

    data_key: Annotated[SecretStr, AfterValidator(_data_keys)] = SecretStr("")

    load_sample_data: bool = True
    daily_budget_usd: Budget | None = None
    monthly_budget_usd: Budget | None = None
    usd_idr: Annotated[Decimal, Field(gt=0)] = Decimal(16_500)
    track_performance_metrics: bool = True
    log_embedding_usage: bool = True
    enable_debug_logging: bool = False

    @field_validator("chunk_overlap")
    @classmethod
    def _overlap_fits(cls, overlap: int, info: ValidationInfo) -> int:
        if overlap >= info.data.get("chunk_size", overlap + 1):
            raise ValueError("chunk_overlap")
        return overlap

    @field_validator("alert_webhook_secret")
    @classmethod
    def _webhook_is_signed(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        url = info.data.get("alert_webhook_url")
        if url and url.get_secret_value() and len(secret.get_secret_value()) < SECRET_LENGTH:
            raise ValueError("alert_webhook_secret")
        return secret

    @property
    def hosted(self) -> bool:
        """Whether a provider is set: a key for Nebius, or the address of a server of one's own, which may need none."""
        return bool(self.nebius_api_key.get_secret_value()) or self.nebius_base_url != NEBIUS_URL

    @property
    def hosted_embeddings(self) -> bool:
        """Whether embeddings come from the provider."""
        return self.hosted and self.nebius_embedding_model != LOCAL

    @property
    def hosted_answers(self) -> bool:
        """Whether answers are written by the provider's model."""
        return self.hosted and self.nebius_model_id != LOCAL

    @property
    def data_keys(self) -> tuple[DataKey, ...]:
        """The keys of DATA_KEY, the one that seals first."""
        return parse_keys(self.data_key.get_secret_value())

    @property
    def role_map(self) -> Mapping[str, frozenset[Role]]:
        """OIDC_ROLE_MAP: which roles a value of OIDC_ROLES_CLAIM gives."""
        return parse_role_map(self.oidc_role_map)

    @property
    def allowed_origins(self) -> frozenset[str]:
        """API_ORIGINS, one by one."""
        return frozenset(filter(None, (part.strip().lower() for part in self.api_origins.split(","))))

    @property
    def backup_folder(self) -> Path:
        """BACKUP_DIR, or a folder under SIPD_DATA_DIR."""
        return self.backup_dir or self.sipd_data_dir / "cadangan"

    @property
    def backup_moment(self) -> time | None:
        """BACKUP_TIME on Jakarta's clock; None: no schedule."""
        if self.backup_time == "off":
            return None
        hour, minute = self.backup_time.replace(".", ":").split(":")
        return time(int(hour), int(minute))

    @property
    def sqlite_file(self) -> Path | None:
        """The file of an SQLite database, None with PostgreSQL."""
        return Path(self.sql_url.removeprefix("sqlite:///")) if self.sql_url.startswith("sqlite:///") else None

    @property
    def sql_url(self) -> str:
        """SQLAlchemy URL: DATABASE_URL, or SQLite under SIPD_DATA_DIR."""
        url = self.database_url.get_secret_value()
        if not url:
            return f"sqlite:///{self.sipd_data_dir / 'sipd.db'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)


def load_settings(**overrides: Any) -> Settings:
    """Settings from `.env` and the environment, `overrides` first; raises SettingsError naming the first wrong variable."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise _translate(error) from None  # pydantic's text would print secret values


def unknown_lines(file: Path | None = None) -> tuple[str, ...]:
    """One sentence for each name in `.env` (by default the project's) that no setting has: most are slips of the pen."""
    written = DotEnvSettingsSource(Settings, env_file=file or PROJECT_ROOT / ".env").env_vars
    known = list(Settings.model_fields)
    unknown = [name for name in written if name not in known]
    return tuple(_unknown_line(name.upper(), get_close_matches(name, known, 1, LIKE)) for name in unknown)


def _unknown_line(name: str, like: list[str]) -> str:
    if like:
        return text("settings.unknown_like", name=name, like=like[0].upper())
    return text("settings.unknown", name=name)


def _translate(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False)[0]
    location = str(first["loc"][0])
    value = text("settings.hidden") if location in _SECRETS else repr(first["input"])
    return SettingsError(
        variable=location.upper(), value=value, allowed=_allowed(location, first["type"], first.get("ctx", {}))
    )


def _allowed(variable: str, kind: str, context: dict[str, Any]) -> str:
    limits = {
        "greater_than_equal": "settings.at_least",
        "greater_than": "settings.more_than",
        "less_than_equal": "settings.at_most",
        "less_than": "settings.less_than",
    }
    if kind in limits:
        return text(limits[kind], limit=next(iter(context.values())))
    if variable in {"chroma_url", "nebius_base_url"}:
        return text("settings.http_url")
    if variable in _EXPLAINED:
        return text(f"settings.{variable}")
    for start, key in (
        ("int", "whole"),
        ("float", "number"),
        ("decimal", "number"),
        ("bool", "boolean"),
        ("path", "path"),
    ):
        if kind.startswith(start):
            return text(f"settings.{key}")
    return text("settings.other")
