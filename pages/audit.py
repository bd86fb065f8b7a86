"""Audit: who did what, when, from where and with what outcome, and whether the entries are still what they were."""

from pages.shell import audit_chain, audit_entries
from pages.shell.frame import errors_shown, page_frame
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("audit.title"), text("audit.intro"), needs=Permission.AUDIT)
    with errors_shown():
        audit_chain.draw_chain(engine)
        audit_entries.draw_entries(engine, broken_at=audit_chain.broken_at())


main()
