"""The printable page: every figure with its formula, nothing that runs, nothing that is fetched."""

from html.parser import HTMLParser

import pytest

from sipd_core.store.assumptions import Assumptions
from sipd_core.store.database import Database
from sipd_core.texts import text
from sipd_core.value_print import printable
from sipd_core.value_words import computed, formula, label, shown
from tests.test_value import MONTH, NOW, Desk, busy


class Reader(HTMLParser):
    """What the page says, and what it is made of."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.said = ""
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.said += data + "\n"


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_every_figure_is_there_with_its_formula(desk: Desk) -> None:
    report = busy(desk)
    page = Reader(printable(report))
    for figure in report.worth:
        for said in (label(figure), shown(figure), formula(figure), computed(figure)):
            assert said in page.said, figure.name
    assert text("value.report.unconfirmed") in page.said
    assert text("value.reason.security") in page.said


def test_nothing_runs_and_nothing_is_fetched(desk: Desk) -> None:
    desk.say("a", "<script>alert(1)</script>")
    desk.room.assumptions.save(Assumptions(), actor="<img src=x onerror=alert(1)>", based_on=None)
    page = Reader(printable(desk.room.report(MONTH)))
    assert not page.tags & {"script", "img", "link", "iframe", "object"}
    assert page.attributes <= {"lang", "charset", "name", "content", "class"}
    assert "<img src=x onerror=alert(1)>" in page.said, "it is shown as it was typed"


def test_unknown_prices_are_said(desk: Desk) -> None:
    desk.spend(None)
    desk.now = NOW
    assert text("value.unknown_note", n="1") in Reader(printable(desk.room.report(MONTH))).said
