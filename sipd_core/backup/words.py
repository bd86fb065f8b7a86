"""What is said of the keys and texts of archives, on the page and on the command line alike."""

from sipd_core.locale_id import number
from sipd_core.store.unopenable import Left
from sipd_core.texts import text


def left_behind(left: Left) -> str:
    """How many texts stayed behind, and what went with them; empty when none did."""
    if not left.texts:
        return ""
    counts = {name: getattr(left, name) for name in ("conversations", "open_tickets", "gold_questions", "approved")}
    parts = [text(f"backup.left.{name}", n=number(count)) for name, count in counts.items() if count]
    told = text("backup.left.texts", n=number(left.texts))
    return f"{told} {text('backup.left.with', items=', '.join(parts))}" if parts else told
