"""Who may do what. One reason to change: the rights of a role.

Pages and the calls behind them ask for a permission, never for a role, so what a role may stands here alone.
"""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a person is at the desk; one person may be several. The value names its entry in `texts/people.toml`."""

    OPERATOR = "operator"
    ADMIN = "admin"
    MANAGER = "manager"


class Permission(StrEnum):
    """What a page or a call needs."""

    ASK = "ask"
    """Chat, conversations, feedback, handing over."""
    TICKETS = "tickets"
    """The escalation desk."""
    APPROVE = "approve"
    """Approve an answer for the next time."""
    BASE_READ = "base_read"
    BASE_WRITE = "base_write"
    """Rows, imports, menus, health of the base."""
    TUNE = "tune"
    """The laboratory and the figures of the search."""
    BACKUP = "backup"
    LEARN_READ = "learn_read"
    LEARN_PUBLISH = "learn_publish"
    FIGURES = "figures"
    """Speed, costs, value and alerts, to read."""
    MONEY = "money"
    """Prices, rates, invoices, assumptions, rules for alerts."""
    AUDIT = "audit"
    PEOPLE = "people"
    """Accounts, roles, keys of programs."""
    ERASE = "erase"
    """Delete conversations."""


_RIGHTS: dict[Role, frozenset[Permission]] = {
    Role.OPERATOR: frozenset(
        {Permission.ASK, Permission.TICKETS, Permission.APPROVE, Permission.BASE_READ, Permission.LEARN_READ}
    ),
    Role.MANAGER: frozenset(
        {
            Permission.ASK,
            Permission.TICKETS,
            Permission.BASE_READ,
            Permission.FIGURES,
            Permission.MONEY,
            Permission.AUDIT,
        }
    ),
    Role.ADMIN: frozenset(Permission) - {Permission.MONEY},
}


def rights(roles: Iterable[Role]) -> frozenset[Permission]:
    """What somebody with these roles may do; nothing without a role."""
    return frozenset[Permission]().union(*(_RIGHTS[role] for role in roles))
