"""Gold sets: bound to cases that stay themselves through edits and merges, masked, never doubled, brought back whole."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sipd_core.documents import Case, ChangeKind, ImportReport, Origin
from sipd_core.errors import NotFoundError
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from sipd_core.store.gold import GoldQuestion, GoldStore
from sipd_core.tables.gold import GoldRow
from sipd_core.texts import text
from tests.builders import make_case, make_report

A, B, C = (make_case(name, row=row) for row, name in enumerate(("satu", "dua", "tiga"), start=2))


class Desk:
    def __init__(self, database: Database) -> None:
        self.cases = CaseStore(database)
        self.gold = GoldStore(database)
        self.set_id = self.gold.create("Uji", actor="Sari").id

    def bring(
        self, *batch: Case, id: str = "b1", file: str = "log.csv", repeats: Sequence[Origin] = ()
    ) -> None:
        def finish(report: ImportReport, stored: Stored) -> ImportReport:
            return report

        own = [Origin(case.id, case.sheet, case.row) for case in batch]
        self.cases.add_import(make_report(id, file=file), batch, [*own, *repeats], finish=finish)

    def add(self, *rows: tuple[str, Sequence[str]], sample: bool = False) -> list[str]:
        """The reasons why rows were not taken."""
        listed = [GoldRow(at, query, tuple(references)) for at, (query, references) in enumerate(rows, start=2)]
        return [rejection.reason for rejection in self.gold.add(self.set_id, listed, sample=sample).rejections]

    def questions(self, search: str = "") -> tuple[GoldQuestion, ...]:
        return self.gold.page(self.set_id, search).questions

    def wanted(self) -> list[set[str]]:
        return [set(question.wanted) for question in self.questions()]


@pytest.fixture
def desk(database: Database) -> Desk:
    made = Desk(database)
    made.bring(A, B, C)
    return made


def test_a_case_is_named_by_id_by_row_or_by_number_of_the_only_file(desk: Desk) -> None:
    assert desk.add(("a", [A.id]), ("b", ["log.csv:2"]), ("c", ["2"]), ("ab", ["log.csv:1", B.id])) == []
    assert desk.wanted() == [{A.id}, {B.id}, {C.id}, {A.id, B.id}]


def test_rows_are_counted_as_evaluate_counts_them(desk: Desk) -> None:
    """Row 4 repeats the first complaint and counts, row 5 was refused at the import and does not."""
    d, e = make_case("empat", row=3), make_case("lima", row=6)
    desk.bring(make_case("nol", row=2), d, e, id="b2", file="dua.csv", repeats=[Origin(d.id, None, 4)])
    assert desk.add(("a", ["dua.csv:2"]), ("b", ["dua.csv:3"]), ("c", ["dua.csv:4"])) == []
    assert desk.wanted() == [{d.id}, {d.id}, {e.id}]


def test_sheets_are_told_apart(desk: Desk) -> None:
    jan, feb = (make_case(name, sheet=name, row=3) for name in ("Jan", "Feb"))
    desk.bring(jan, feb, id="b2", file="log.xlsx")
    assert desk.add(("a", ["log.xlsx:Feb:1"]), ("b", ["log.xlsx:Jan:1"])) == []
    assert desk.wanted() == [{feb.id}, {jan.id}]


@pytest.mark.parametrize("reference", ["lain.csv:1", "log.csv:9", "log.csv:0", "log.csv:x", "a" * 20, "7", "-1", ":"])
def test_a_row_whose_case_is_unknown_is_named(desk: Desk, reference: str) -> None:
    reasons = desk.add(("baik", [A.id]), ("buruk", [A.id, reference]))
    assert len(reasons) == 1 and reference in reasons[0]
    assert [question.query for question in desk.questions()] == ["baik"]


def test_a_row_number_without_its_file_is_told_apart(desk: Desk) -> None:
    desk.bring(make_case("Jan", sheet="Jan", row=3), id="b2", file="log.xlsx")
    (reason,) = desk.add(("buruk", ["1"]))
    assert reason == text("laboratory.reason.bare_number", names="1")


def test_a_bare_number_means_nothing_where_there_are_two_files(desk: Desk) -> None:
    desk.bring(make_case("lain"), id="b2", file="dua.csv")
    assert len(desk.add(("a", ["0"]))) == 1


def test_samples_are_bound_to_sample_rows_whatever_was_uploaded_under_their_name(desk: Desk) -> None:
    sample = make_case("contoh", sample=True, row=2)
    desk.bring(sample, id="b2", file="contoh.csv")
    desk.bring(make_case("bukan contoh", row=2), id="b3", file="contoh.csv")
    assert desk.add(("a", ["contoh.csv:1"]), sample=True) == []
    assert desk.wanted() == [{sample.id}]


def test_questions_are_masked(desk: Desk) -> None:
    desk.gold.rename(desk.set_id, "Set  0812-3456-7890")
    desk.add(("nip 198501012010011001 password: Rahasia#99 tidak bisa masuk", [A.id]))
    (question,) = desk.questions()
    assert "[NIP]" in question.query and "Rahasia" not in question.query
    assert "3456" not in desk.gold.get(desk.set_id).name


def test_the_same_question_again_changes_its_cases_and_is_not_doubled(desk: Desk) -> None:
    desk.add(("Sp2d  belum cair", [A.id]))
    rows = [GoldRow(2, "sp2d belum CAIR", (B.id,)), GoldRow(3, "SP2D belum cair", (C.id,)), GoldRow(4, "baru", ())]
    report = desk.gold.add(desk.set_id, rows)
    assert (report.added, report.changed, report.unchanged) == (1, 1, 0)
    assert [rejection.row for rejection in report.rejections] == [3]
    assert desk.gold.add(desk.set_id, rows[:1]).unchanged == 1
    assert desk.wanted() == [{B.id}, set()]
    found = desk.gold.get(desk.set_id)
    assert (found.questions, found.outside) == (2, 1)


def test_a_case_that_was_edited_or_merged_is_still_the_right_one(desk: Desk) -> None:
    desk.add(("a", [A.id]), ("b", [B.id]))
    edited = replace(A, issue="satu, ditulis lain")
    desk.cases.change(ChangeKind.EDIT, {A.id: edited}, actor="x", note="")
    merge = desk.cases.change(ChangeKind.MERGE, {B.id: None}, actor="x", note="", redirects={B.id: C.id})
    assert desk.wanted() == [{A.id}, {C.id}]
    desk.cases.undo(merge.id, actor="x")
    assert desk.wanted() == [{A.id}, {B.id}]


def test_cases_merged_twice_are_followed_to_the_end(desk: Desk) -> None:
    desk.add(("a", [A.id]), ("b", [B.id]))
    desk.cases.change(ChangeKind.MERGE, {A.id: None}, actor="x", note="", redirects={A.id: B.id})
    desk.cases.change(ChangeKind.MERGE, {B.id: None}, actor="x", note="", redirects={B.id: C.id})
    assert desk.wanted() == [{C.id}, {C.id}]
    assert desk.add(("c", [A.id])) == []  # what an older export says is understood too


def test_a_case_that_is_gone_or_switched_off_is_shown_as_such(desk: Desk) -> None:
    desk.add(("a", [A.id]), ("b", [B.id]), ("ac", [A.id, C.id]), ("luar", []))
    desk.cases.change(ChangeKind.DELETE, {A.id: None}, actor="x", note="")
    desk.cases.change(ChangeKind.DISABLE, {B.id: replace(B, enabled=False)}, actor="x", note="")
    gone, off, half, outside = desk.questions()
    assert gone.cases[0].case is None and gone.is_lost
    assert off.cases[0].case is not None and not off.cases[0].is_searched and off.is_lost
    assert half.wanted == {C.id} and not half.is_lost
    assert outside.is_outside and not outside.is_lost


def test_questions_are_removed_and_brought_back_just_these(desk: Desk) -> None:
    desk.add(("a", [A.id]), ("b", [B.id]), ("c", [C.id]))
    first, second, third = desk.questions()
    earlier = desk.gold.remove([first.id])
    removal = desk.gold.remove([second.id, third.id, first.id])
    assert desk.questions() == ()
    assert desk.gold.get(desk.set_id).questions == 0
    assert desk.gold.restore(removal) == 2
    assert desk.questions() == (second, third)
    assert desk.gold.restore(earlier) == 1
    assert desk.questions() == (first, second, third)


def test_a_set_is_removed_and_brought_back(desk: Desk) -> None:
    desk.add(("a", [A.id]))
    other = desk.gold.create("Lain", actor="Budi")
    desk.gold.remove_set(desk.set_id)
    assert [one.id for one in desk.gold.sets()] == [other.id]
    desk.gold.restore_set(desk.set_id)
    assert [(one.name, one.questions) for one in desk.gold.sets()] == [("Uji", 1), ("Lain", 0)]
    with pytest.raises(NotFoundError):
        desk.gold.get("tidak ada")


def test_edits_are_taken_one_by_one_and_what_cannot_be_is_told(desk: Desk) -> None:
    desk.add(("a", [A.id]), ("b", [B.id]))
    first, second = desk.questions()
    rejections = desk.gold.edit(
        {
            first.id: GoldRow(1, "a lain 198501012010011001", ("log.csv:3",), "formal"),
            second.id: GoldRow(2, "b lain", ("tidak ada",), ""),
        }
    )
    assert [rejection.row for rejection in rejections] == [2]
    first, second = desk.questions()
    assert (first.query, first.style, set(first.wanted)) == ("a lain [NIP]", "formal", {C.id})
    assert second.query == "b"


def test_a_question_of_a_conversation_remembers_its_turn(desk: Desk) -> None:
    desk.gold.add_question(desk.set_id, "sp2d blm cair", [A.id], style="nyata", turn_id="t1")
    desk.gold.add_question(desk.set_id, "sp2d BLM cair", [B.id], style="nyata", turn_id="t2")
    (question,) = desk.questions()
    assert (question.style, question.turn_id, set(question.wanted)) == ("nyata", "t1", {B.id})


def test_questions_are_searched_and_paged(desk: Desk) -> None:
    desk.add(*((f"pertanyaan {n} 100%", [A.id]) for n in range(30)))
    page = desk.gold.page(desk.set_id, "pertanyaan 2", offset=1, limit=3)
    assert (page.total, [question.query[:14].strip() for question in page.questions]) == (
        12,
        ["pertanyaan 12", "pertanyaan 20", "pertanyaan 21"],
    )
    assert desk.gold.page(desk.set_id, "100%").total == 30
    assert desk.gold.page(desk.set_id, "_ertanyaan").total == 0
