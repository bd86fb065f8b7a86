"""Jawaban disetujui: answers that people approved, how often they were served, and what must be looked at again."""

from pages.shell import approved_list
from pages.shell.frame import errors_shown, page_frame
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("approved.title"), text("approved.intro"), needs=Permission.APPROVE)
    with errors_shown():
        approved_list.draw_list(engine.answers)


main()
