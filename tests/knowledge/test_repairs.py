from sipd_core.documents import Case, case_id
from sipd_core.knowledge.repairs import plan_menus, plan_merge
from tests.builders import make_case


def test_a_merge_keeps_one_row_counts_every_report_and_sends_the_others_to_it() -> None:
    one, two, three = (
        make_case(f"SPM {at} tidak bisa dicetak", remedy=remedy) for at, remedy in enumerate(("", "A", "B"))
    )
    plan = plan_merge([one, two, three], two.id, "  A  ", {one.id: 30, three.id: 2})
    assert plan.states == {two.id: plan.survivor, one.id: None, three.id: None}
    assert plan.survivor.remedy == "A"
    assert plan.redirects == {one.id: two.id, three.id: two.id}
    assert plan.reports == 33
    assert plan.lost_remedies == ("B",)


def test_what_an_admin_merged_goes_with_no_sample_rows() -> None:
    sample, own = make_case("a", sample=True), make_case("b")
    assert not plan_merge([sample, own], sample.id, "x", {}).survivor.sample
    assert plan_merge([sample], sample.id, "x", {}).survivor.sample


def test_a_menu_gets_its_name_and_is_found_under_it() -> None:
    case = make_case("akun terkunci", menu="LOGIN ")
    other = make_case("akun terkunci", menu="Pengguna")
    plan = plan_menus({"LOGIN ": "Masuk", "Masuk": "Masuk"}, [case, other])
    assert plan.names == {"LOGIN ": "Masuk"}
    assert [state and state.menu for state in plan.states.values()] == ["Masuk"]
    assert plan.redirects == {case_id("Masuk", "akun terkunci"): case.id}
    assert (plan.renamed, plan.folded) == (1, 0)


def test_rows_that_then_say_the_same_become_one() -> None:
    named = make_case("akun terkunci", menu="Login", remedy="", expected="")
    spelt = make_case("akun terkunci", menu="Lo-gin", remedy="Buka kunci akun.")
    third = make_case("akun terkunci", menu="Log in", remedy="")
    plan = plan_menus({"Lo-gin": "Login", "Log in": "Login"}, [named, spelt, third])
    kept = plan.states[spelt.id]
    assert isinstance(kept, Case)
    assert (kept.menu, kept.remedy) == ("Login", "Buka kunci akun.")
    assert plan.states[named.id] is plan.states[third.id] is None
    assert plan.redirects == {named.id: spelt.id, third.id: spelt.id}


def test_no_remedy_is_lost_when_menus_get_their_name() -> None:
    named, spelt = make_case("x", menu="Login", remedy="Cara A."), make_case("x", menu="Lo-gin", remedy="Cara B.")
    plan = plan_menus({"Lo-gin": "Login"}, [named, spelt])
    assert plan.folded == 0
    assert plan.states.keys() == {spelt.id}
