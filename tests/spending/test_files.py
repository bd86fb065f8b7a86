"""Every figure of the cost page, reckoned anew with pandas from the files that are offered beside it."""

import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sipd_core.periods import Period
from sipd_core.spending import files
from sipd_core.spending.report import SpendingReport
from sipd_core.store.database import Database
from tests.replay import replay
from tests.spending.traffic import NOW, TODAY, Desk, changing_rates, filled

MONTH = Period.of_days(30, TODAY)
ANSWERING = ["query_embedding", "chat"]


@pytest.fixture(scope="module", params=["by hand", "replayed"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('biaya') / 'sipd.db'}")
    made = Desk(database, daily="1", monthly="20")
    if request.param == "by hand":
        filled(made)
    else:
        made.price("Qwen/Qwen3-30B-A3B-Instruct-2507", "0.10", "0.025", "0.30")
        changing_rates(made)
        replay(database, turns=1_500, days=60, until=NOW)
    made.room.enter_invoice(TODAY, Decimal("0.05"), actor="Sari", note="=cmd")
    yield made
    database.close()


@pytest.fixture(scope="module")
def report(desk: Desk) -> SpendingReport:
    return desk.room.report(MONTH)


def exact(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None


def read(content: bytes) -> pd.DataFrame:
    """A CSV with its figures exact; an empty cell is unknown."""
    money = dict.fromkeys(("cost_usd", "cost_idr", "usd_idr"), exact)
    table = pd.read_csv(io.BytesIO(content), converters=money, encoding="utf-8-sig")
    return table


def total(column: "pd.Series[Any]") -> Decimal:
    return sum(column.dropna(), Decimal(0))


@pytest.fixture(scope="module")
def calls(desk: Desk, report: SpendingReport) -> pd.DataFrame:
    table = read(files.calls_csv(desk.room.calls(MONTH), report.rates))
    table["day"] = table.time.str[:10]
    table["idr"] = [
        None if cost is None else cost * rate for cost, rate in zip(table.cost_usd, table.usd_idr, strict=True)
    ]
    return table


@pytest.fixture(scope="module")
def sheets(desk: Desk) -> dict[str, pd.DataFrame]:
    book = pd.read_excel(io.BytesIO(files.workbook(desk.room, MONTH)), sheet_name=None)
    return dict(book)


def test_the_sums_come_from_the_calls(calls: pd.DataFrame, report: SpendingReport) -> None:
    assert total(calls.cost_usd) == report.whole.usd > 0
    assert total(calls.idr) == report.whole.idr
    assert calls.cost_usd.isna().sum() == report.whole.unknown_calls > 0
    today, month = calls[calls.day == TODAY.isoformat()], calls[calls.day >= "2026-11-01"]
    assert (total(today.cost_usd), total(today.idr)) == (report.today.usd, report.today.idr)
    assert (total(month.cost_usd), total(month.idr)) == (report.month.usd, report.month.idr)
    assert report.mixed_rates


def test_tokens_come_from_the_calls(calls: pd.DataFrame, report: SpendingReport) -> None:
    kinds = report.tokens
    sums = [int(calls[f"{kind}_tokens"].sum()) for kind in ("prompt", "cached", "completion")]
    assert sums == [kinds.prompt, kinds.cached, kinds.completion]


def test_the_projection_comes_from_the_calls(calls: pd.DataFrame, report: SpendingReport) -> None:
    found = report.projection
    assert found is not None and found.window == 14
    looked = calls[(calls.day >= "2026-11-08") & (calls.day < "2026-11-22")]
    past = calls[(calls.day >= "2026-11-01") & (calls.day < "2026-11-22")]
    average, today = total(looked.cost_usd) / 14, total(calls[calls.day == "2026-11-22"].cost_usd)
    assert found.usd == total(past.cost_usd) + max(today, average) + average * 8


def test_the_lines_come_from_the_calls(calls: pd.DataFrame, report: SpendingReport) -> None:
    lines = read(files.totals_csv(report))
    grouped = calls.groupby(["day", "operation", "model"])
    assert len(lines) == len(grouped)
    for line in lines.itertuples():
        group = grouped.get_group((line.day, line.operation, line.model))
        known = group.cost_usd.dropna()
        assert line.cost_usd == (sum(known, Decimal(0)) if len(known) else None)
        assert line.cost_idr == (None if line.cost_usd is None else line.cost_usd * line.usd_idr)
        assert (line.calls, line.unknown_price_calls) == (len(group), len(group) - len(known))
        assert line.failed_calls == (group.outcome != "ok").sum()
    assert total(lines.cost_usd) == report.whole.usd and total(lines.cost_idr) == report.whole.idr


def test_cost_per_conversation_comes_from_two_sheets(sheets: dict[str, pd.DataFrame], report: SpendingReport) -> None:
    calls, talks = sheets["Panggilan"], sheets["Percakapan"]
    answering = calls[calls.operation.isin(ANSWERING)].cost_usd.sum()
    each = report.per_conversation
    assert (len(talks), talks.resolved.sum()) == (each.conversations, each.resolved)
    assert 0 < each.resolved < each.conversations
    assert each.each is not None and each.each_resolved is not None
    assert float(each.each.usd) == pytest.approx(answering / len(talks), rel=1e-12)
    assert float(each.each_resolved.usd) == pytest.approx(answering / talks.resolved.sum(), rel=1e-12)
    own = calls.dropna(subset=["conversation"]).groupby("conversation").cost_usd.sum()
    for line in talks.itertuples():
        if line.calls and line.unknown_price_calls < line.calls:
            assert line.cost_usd == pytest.approx(own[line.conversation], rel=1e-12)


def test_what_caches_saved_comes_from_calls_and_prices(sheets: dict[str, pd.DataFrame], report: SpendingReport) -> None:
    calls, prices = sheets["Panggilan"], sheets["Harga"]
    provider, embedding, answer = report.savings
    saved, unpriced = 0.0, 0
    for call in calls[calls.cached_tokens > 0].itertuples():
        held = prices[(prices.model == call.model) & (prices.valid_from <= call.time[:10])]
        if len(held):
            newest = held.sort_values("valid_from").iloc[-1]
            saved += call.cached_tokens * (newest.prompt - newest.cached) / 1e6
        else:
            unpriced += call.cached_tokens
    assert provider.usd is not None and float(provider.usd) == pytest.approx(saved, rel=1e-9) and saved > 0
    assert provider.unpriced == unpriced > 0

    questions, answers = priced(calls, "query_embedding"), priced(calls, "chat")
    assert float(embedding.each or 0) == pytest.approx(questions.cost_usd.sum() / questions.texts.sum(), rel=1e-12)
    assert embedding.usd == embedding.count * (embedding.each or 0) and embedding.count > 0
    assert float(answer.each or 0) == pytest.approx(answers.cost_usd.sum() / (answers.outcome == "ok").sum(), rel=1e-12)
    shown = sheets["Penghematan"].set_index("cache")
    assert shown.loc["answer", "saved_usd"] == pytest.approx(float(answer.usd or 0))


def priced(calls: pd.DataFrame, operation: str) -> pd.DataFrame:
    """The calls of a kind, without the days and models on which a price is unknown."""
    some = calls[calls.operation == operation]
    return some.groupby([some.time.str[:10], "model"]).filter(lambda group: group.cost_usd.notna().all())


def test_the_summary_sheet_says_what_the_page_says(sheets: dict[str, pd.DataFrame], report: SpendingReport) -> None:
    figures = sheets["Ringkasan"].set_index("figure")
    assert figures.loc["period_cost", "usd"] == pytest.approx(float(report.whole.usd), rel=1e-12)
    assert figures.loc["period_cost", "idr"] == pytest.approx(float(report.whole.idr), rel=1e-12)
    assert report.projection and figures.loc["month_projected", "usd"] == pytest.approx(float(report.projection.usd))
    assert figures.loc["conversations", "number"] == report.per_conversation.conversations
    rates = sheets["Kurs"].set_index("day").usd_idr
    assert (rates["2026-11-09"], rates["2026-11-10"]) == (16321.5, 16750)
    assert sheets["Tagihan"].note.tolist() == ["'=cmd"]
    assert "14 hari penuh terakhir" in figures.loc["day_average", "meaning"]


def test_every_column_is_told_in_words(sheets: dict[str, pd.DataFrame]) -> None:
    meanings = sheets.pop("Arti").set_index("Kolom").Arti
    columns = {str(column) for sheet in sheets.values() for column in sheet.columns}
    assert set(meanings.index) == columns and meanings.notna().all()


def test_the_json_report_has_the_keys_of_the_source_document(calls: pd.DataFrame, report: SpendingReport) -> None:
    said = json.loads(files.json_report(report))
    assert set(said) >= {"by_operation", "by_model", "total_cost", "total_tokens", "period_days"}
    assert said["period_days"] == 30 and said["total_cost"] == float(report.whole.usd)
    assert said["total_tokens"] == int((calls.prompt_tokens + calls.completion_tokens).sum())
    for part, column in (("by_operation", "operation"), ("by_model", "model")):
        for name, group in calls.groupby(column):
            cost = total(group.cost_usd)
            assert said[part][name] == (float(cost) if cost or group.cost_usd.notna().all() else None)
    assert None in said["by_model"].values(), "unknown is not zero"
    assert sum(day["cost_idr"] or 0 for day in said["days"]) == pytest.approx(said["total_cost_idr"])


def test_the_tracker_writes_the_same_report(desk: Desk, report: SpendingReport, tmp_path: Path) -> None:
    desk.books.export_usage_report(str(tmp_path / "usage.json"), 30)
    said = json.loads((tmp_path / "usage.json").read_text(encoding="utf-8"))
    page = json.loads(files.json_report(report))
    assert said == {key: page[key] for key in said} and len(said) == 5


def test_a_period_without_calls_is_written_too(desk: Desk) -> None:
    nothing = Period(date(2026, 1, 1), date(2026, 1, 3))
    empty = desk.room.report(nothing)
    assert len(read(files.totals_csv(empty))) == 0
    assert json.loads(files.json_report(empty))["total_cost"] == 0
    assert len(pd.read_excel(io.BytesIO(files.workbook(desk.room, nothing)), sheet_name="Panggilan")) == 0


def test_too_many_calls_are_left_to_the_csv(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CALLS_IN_WORKBOOK", 3)
    book = pd.read_excel(io.BytesIO(files.workbook(desk.room, MONTH)), sheet_name=None)
    assert "Panggilan" not in book and len(book["Rincian"]) > 3
