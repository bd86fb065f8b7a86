"""Kunci API: keys of programs that ask over HTTP; made, looked through, revoked."""

from pages.shell import keys_list, keys_new
from pages.shell.frame import errors_shown, page_frame
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("access.page.title"), text("access.page.intro"), needs=Permission.PEOPLE)
    with errors_shown():
        keys_new.draw_made()
        keys_new.draw_new(engine.access.keys)
        keys_list.draw_keys(engine.access.keys)


main()
