"""Every page there is, in the order of the menu, and what each needs of whoever opens it."""

from dataclasses import dataclass

from sipd_core.permissions import Permission


@dataclass(frozen=True, slots=True)
class Place:
    """A page: its file, the key of its name, its icon and what it needs (None: to be signed in)."""

    file: str
    key: str
    icon: str
    needs: Permission | None


GROUPS: dict[str, tuple[Place, ...]] = {
    "desk": (
        Place("obrolan", "chat", "forum", Permission.ASK),
        Place("eskalasi", "escalations", "confirmation_number", Permission.TICKETS_READ),
    ),
    "base": (
        Place("pengetahuan", "knowledge", "menu_book", Permission.BASE_READ),
        Place("jawaban", "approved", "verified", Permission.APPROVE),
        Place("impor", "imports", "upload_file", Permission.BASE_WRITE),
        Place("kesehatan", "health", "health_and_safety", Permission.BASE_WRITE),
        Place("belajar", "learning", "school", Permission.LEARN_READ),
        Place("laboratorium", "laboratory", "labs", Permission.TUNE),
        Place("cadangan", "backup", "backup", Permission.BACKUP),
    ),
    "watch": (
        Place("kinerja", "performance", "speed", Permission.FIGURES),
        Place("biaya", "cost", "payments", Permission.FIGURES),
        Place("nilai", "value", "savings", Permission.FIGURES),
        Place("peringatan", "alerts", "notifications", Permission.FIGURES),
    ),
    "safety": (
        Place("audit", "audit", "policy", Permission.AUDIT),
        Place("pengguna", "people", "group", Permission.PEOPLE),
        Place("kunci_api", "keys", "key", Permission.PEOPLE),
    ),
}
"""The menu, group by group. The first page is what one sees first."""
ACCOUNT = Place("akun", "account", "manage_accounts", None)
