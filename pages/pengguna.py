"""Pengguna: who may use the console and as what, invitations, and where people are signed in."""

from pages.shell import people_detail, people_list, people_state
from pages.shell.frame import errors_shown, page_frame
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("people.page.title"), text("people.page.intro"), needs=Permission.PEOPLE)
    with errors_shown():
        people_list.draw_link()
        accounts = engine.people.list()
        chosen = people_state.chosen()
        if chosen:
            people_detail.draw_detail(engine.people, chosen, accounts)
        else:
            people_list.draw_list(engine.people, accounts)


main()
