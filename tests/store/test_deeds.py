"""Each deed leaves its entry, in its own transaction, with who did it, and with no secret in it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from sipd_core.access import Access
from sipd_core.chat.turn import Escalation, EscalationReason
from sipd_core.deeds import HTTP, DeedOutcome, Source, acting, acting_as, meet, meet_at
from sipd_core.documents import ChangeKind, ImportStatus
from sipd_core.errors import BudgetExceededError, KeyRefusedError, NotFoundError, ScopeError
from sipd_core.prices import DatedPrice, Price
from sipd_core.retrieval import RetrievalSettings
from sipd_core.scopes import Scope
from sipd_core.store.api_keys import ApiKeyStore
from sipd_core.store.assumptions import Assumptions, AssumptionStore
from sipd_core.store.audit import AuditEntry, AuditLog
from sipd_core.store.backups import BackupKind, BackupRecord, BackupStatus, BackupStore
from sipd_core.store.cases import CaseStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.gold import GoldStore
from sipd_core.store.ledger import CostTracker
from sipd_core.store.price_list import price_list
from sipd_core.store.schema import audit_entries
from sipd_core.store.tuning import TuningStore
from sipd_core.tables.gold import GoldRow
from sipd_core.usage import CallRecord, Usage
from tests.builders import make_case, make_report, make_turn
from tests.clock import Clock

BU_ADMIN = Source("konsol", "10.1.2.3", "Bu Admin")


def told(database: Database) -> list[AuditEntry]:
    """Every entry, oldest first; the chain is whole."""
    log = AuditLog(database)
    assert log.verify().is_whole
    return list(log.entries())


def kinds(database: Database) -> list[str]:
    return [entry.kind for entry in told(database)]


def test_imports_decisions_undo_and_redo(database: Database) -> None:
    store, case = CaseStore(database), make_case("satu", row=2)
    report = make_report("b1", actor="Bu Admin", masked_kinds={"password": 2, "nip": 5})
    store.add_import(report, [case], finish=lambda report, _: report)
    store.change(ChangeKind.EDIT, {case.id: replace(case, remedy="baru")}, actor="Pak A", note="password: Rahasia#99x")
    gone = store.change(ChangeKind.DELETE, {case.id: None}, actor="Pak B")
    store.undo(gone.id, actor="Pak C")
    store.redo(gone.id, actor="Pak D")
    store.add_failed_import(make_report("b2", status=ImportStatus.FAILED, error="bukan tabel", actor="Bu Admin"))
    found = told(database)
    expected = ["import", "secret_masked", "edit", "delete", "undo", "redo", "import"]
    assert [entry.kind for entry in found] == expected
    assert [entry.actor for entry in found] == ["Bu Admin", "Bu Admin", "Pak A", "Pak B", "Pak C", "Pak D", "Bu Admin"]
    assert found[1].details == {"kinds": {"password": 2}}, "kind and number, and no more"
    assert found[2].details["cases"] == [case.id] and "Rahasia" not in repr(found[2].details)
    assert (found[4].object, found[4].details["of"]) == (gone.id, "delete")
    assert (found[6].outcome, found[6].details["problem"]) == (DeedOutcome.FAILED, "bukan tabel")


def test_what_is_refused_leaves_no_entry_of_having_been_done(database: Database) -> None:
    with pytest.raises(NotFoundError):
        CaseStore(database).change(ChangeKind.DELETE, {"tidak-ada": None}, actor="Pak B")
    assert kinds(database) == []


def test_settings_that_people_change_on_pages(database: Database) -> None:
    tunings, assumptions, gold = TuningStore(database), AssumptionStore(database), GoldStore(database)
    made = tunings.apply(RetrievalSettings(0.5, 5), actor="Pak M", note="uji")
    tunings.go_back(made.seq, actor="Pak M")
    assumptions.save(Assumptions(wage_per_hour=Decimal(40_000)), actor="Bu Manajer", based_on=None)
    with acting_as(BU_ADMIN):
        one = gold.create("set", actor="Pak G")
        gold.add(one.id, [GoldRow(2, "bagaimana login", (), "")])
        question = gold.page(one.id).questions[0].id
        gold.restore(gold.remove([question]))
        gold.rename(one.id, "lain")
        gold.remove_set(one.id)
        gold.restore_set(one.id)
    found = told(database)
    assert [entry.kind for entry in found] == ["tuning"] * 2 + ["assumptions"] + ["gold"] * 7
    assert found[0].details["figures"]["top_k"] == 5 and found[1].details["back"] is True
    assert (found[2].actor, found[2].details["wage_per_hour"]) == ("Bu Manajer", "40000")
    assert [entry.details["what"] for entry in found[3:]] == [
        "create", "add", "remove", "restore", "rename", "remove_set", "restore_set",
    ]  # fmt: skip
    assert [entry.actor for entry in found[3:]] == ["Pak G"] + ["Bu Admin"] * 6
    assert {entry.address for entry in found[3:]} == {"10.1.2.3"}


def test_prices_and_taking_them_back(database: Database) -> None:
    prices = price_list(database)
    price = DatedPrice("model-a", date(2026, 11, 1), Price(Decimal(1), Decimal(1), Decimal(2)))
    made = prices.add(price, actor="Bu Admin", note="surat api_key=sk-abcdefghijklmnop1234567890abcd")
    prices.undo(made.seq, actor="Pak B")
    entered, undone = told(database)
    assert (entered.kind, entered.actor, entered.details["model"]) == ("price", "Bu Admin", "model-a")
    assert entered.details["completion_pico"] == 2_000_000 and "sk-abc" not in repr(entered)
    assert (undone.kind, undone.actor, undone.details) == ("price", "Pak B", {"undoes": made.seq})


def test_backups_made_failed_tested_and_deleted(database: Database) -> None:
    store, now = BackupStore(database), datetime.now(UTC)
    record = BackupRecord("b1", "a.zip", "/data", BackupKind.MANUAL, "Bu Admin", now, BackupStatus.RUNNING)
    store.add(record)
    assert kinds(database) == [], "entered when it ends"
    store.finish(replace(record, status=BackupStatus.DONE, bytes=7))
    store.finish(replace(record, status=BackupStatus.FAILED, problem="penuh"))
    store.add(replace(record, id="b2", kind=BackupKind.UPLOADED, status=BackupStatus.DONE))
    store.note_test("b1", "{}")
    store.remove(["b1", "tidak-ada"])
    found = told(database)
    assert [entry.kind for entry in found] == ["backup", "backup", "backup", "backup_test", "backup_gone"]
    assert [entry.outcome for entry in found[:3]] == [DeedOutcome.DONE, DeedOutcome.FAILED, DeedOutcome.DONE]
    assert found[2].details["how"] == "uploaded" and found[4].details == {"file": "a.zip"}


def test_keys_made_and_revoked_without_the_key_itself(database: Database) -> None:
    store = ApiKeyStore(database)
    made, secret = store.add("bot", {Scope.CHAT, Scope.STATS}, days=3)
    store.revoke(made.id)
    store.revoke(made.id)
    found = told(database)
    assert [(entry.kind, entry.object) for entry in found] == [("key_made", made.id), ("key_revoked", made.id)]
    assert found[0].details == {"name": "bot", "scopes": ["chat", "stats"], "days": 3}
    with database.read() as connection:
        assert secret[-43:] not in repr(connection.execute(select(audit_entries)).all())


def test_refused_calls_are_entered_once_a_minute_with_how_many_were_not(database: Database) -> None:
    clock = Clock(1_795_323_600.0)
    access = Access(database, chat_limit=9, read_limit=9, clock=clock)
    made, secret = access.keys.add("bot", {Scope.CHAT})
    with acting_as(Source(HTTP, "10.9.9.9")):
        for _ in range(4):
            with pytest.raises(KeyRefusedError):
                access.enter("sandi-coba-coba", Scope.CHAT)
        with pytest.raises(ScopeError):
            access.enter(secret, Scope.COSTS)
        clock.now += 61
        with pytest.raises(KeyRefusedError):
            access.enter("sandi-coba-coba", Scope.CHAT)
        access.enter(secret, Scope.CHAT)
    found = told(database)[1:]
    assert [(entry.object, entry.details["reason"], entry.details["before"]) for entry in found] == [
        ("", "unknown", 0),
        (made.id, "scope", 0),
        ("", "unknown", 3),
    ]
    assert {(entry.place, entry.address, entry.outcome) for entry in found} == {("http", "10.9.9.9", DeedOutcome.REFUSED)}
    assert "sandi-coba-coba" not in repr(found)


def test_a_flood_of_different_callers_does_not_fill_the_audit(database: Database) -> None:
    access = Access(database, chat_limit=9, read_limit=9, clock=Clock(1_795_323_600.0))
    for n in range(600):
        with acting_as(Source(HTTP, f"10.0.{n // 256}.{n % 256}")), pytest.raises(KeyRefusedError):
            access.enter("x", Scope.CHAT)
    assert len(told(database)) == 501


def test_escalations_and_secrets_in_messages(database: Database) -> None:
    store = ConversationStore(database)
    asked = Escalation((EscalationReason.BY_OPERATOR,), "diminta")
    with acting_as(BU_ADMIN):
        store.add("password saya [KATA SANDI]", make_turn(masked={"password": 1, "phone": 2}), "")
        store.add("tolong", make_turn(turn_id="t2", should_escalate=True, escalation=asked), "")
        store.escalate("s1", "t1", asked, "catatan rahasia")
    found = told(database)
    assert [entry.kind for entry in found] == ["secret_masked", "escalation", "escalation"]
    assert [(entry.object, entry.actor) for entry in found] == [("s1", "Bu Admin")] * 3
    assert found[0].details == {"kinds": {"password": 1}} and "catatan rahasia" not in repr(found)
    assert found[2].details == {"reasons": [EscalationReason.BY_OPERATOR.value]}


def test_a_budget_that_stops_calls_is_entered_although_the_call_is_not(database: Database) -> None:
    clock = Clock(1_795_323_600.0)
    books = CostTracker(database, daily_budget=Decimal(1), usd_idr=Decimal(16_000), clock=clock)
    call = CallRecord(datetime.fromtimestamp(clock.now, UTC), "chat", "model-a", Usage(10), 1, 3.0, Decimal(2))
    for passes in (0, 1, 61):
        clock.now += passes
        with pytest.raises(BudgetExceededError):
            books.open(call)
    found = told(database)
    assert [(entry.kind, entry.outcome, entry.details["before"]) for entry in found] == [
        ("budget_stop", DeedOutcome.REFUSED, 0),
        ("budget_stop", DeedOutcome.REFUSED, 1),
    ]


def test_who_acts_is_asked_at_the_door_once_and_only_of_those_who_did_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    import contextvars

    monkeypatch.setattr("sipd_core.deeds._door", None)
    asked: list[int] = []

    def door() -> Source:
        asked.append(1)
        return BU_ADMIN

    def call() -> Source:
        meet()
        meet()
        return acting()

    assert contextvars.Context().run(call) == Source(), "nobody at the door: the console by itself"
    meet_at(door)
    assert contextvars.Context().run(call) == BU_ADMIN and len(asked) == 1
    with acting_as(Source("cli", "", "Pak C")):
        assert call() == Source("cli", "", "Pak C") and len(asked) == 1
