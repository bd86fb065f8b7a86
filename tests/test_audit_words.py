"""Entries of the audit in words: speaking names, amounts as people know them, and nothing that says nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sipd_core.audit_words import actor_name, detail_lines, object_name
from sipd_core.store.audit import AuditEntry


def entry(deed: str, object_: str = "", *, actor: str = "", outcome: str = "done", **details: Any) -> AuditEntry:
    return AuditEntry(1, datetime(2026, 11, 26, tzinfo=UTC), deed, actor, object_, "konsol", "", outcome, details, "a" * 64)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (entry("import", "9f8e7d6c5b4a", file="log.csv"), "log.csv"),
        (entry("undo", "9f8e7d6c5b4a", note="log.csv", of="import"), "log.csv"),
        (entry("edit", "9f8e7d6c5b4a", note="SP2D belum cair"), "9f8e7d6c5b4a"),
        (entry("price", "3", model="model-x", prompt_pico=150_000), "model-x"),
        (entry("rate", "3", micro_idr=16_500_000_000, valid_from="2026-11-26"), "Rp 16.500 sejak 26 Nov 2026"),
        (entry("rate", "4", undoes=3), "4"),
        (entry("escalation", "0123456789abcdef"), "percakapan 01234567…"),
        (entry("alert_rule", "2", kind="disk"), "Ruang disk"),
        (entry("person", "Bu Ani"), "Bu Ani"),
    ],
)
def test_what_it_was_done_to_has_a_name(told: AuditEntry, said: str) -> None:
    assert object_name(told) == said


def test_who_failed_to_sign_in_is_not_the_console() -> None:
    assert actor_name(entry("sign_in", "Pak Budi", outcome="refused")) == "Pak Budi"
    assert actor_name(entry("sign_in", outcome="refused")) == "belum masuk"
    assert actor_name(entry("backup")) == "konsol sendiri"


def test_amounts_reasons_and_what_says_nothing() -> None:
    assert detail_lines({"prompt_pico": 150_000, "before": 0}) == (("Harga masukan (per sejuta token)", "US$ 0,15"),)
    assert detail_lines({"pico_usd": 12_340_000_000_000}) == (("Tagihan", "US$ 12,34"),)
    assert dict(detail_lines({"reason": "rate", "before": 4})) == {
        "Alasan": "terlalu sering bertanya",
        "Sejenis sebelumnya yang tidak dicatat satu per satu": "4",
    }
