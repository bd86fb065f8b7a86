"""Who may do what. One reason to change: the rights of a role.

Pages and the calls behind them ask for a permission, never for a role, so what a role may stands here alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    TICKETS_READ = "tickets_read"
    """The escalation desk, to read."""
    TICKETS = "tickets"
    """Take care of what is on it."""
    APPROVE = "approve"
    """Approve an answer for the next time."""
    BASE_READ = "base_read"
    """Cases, their history, the search."""
    BASE_WRITE = "base_write"
    """Rows, imports, menus, health of the base."""
    TUNE = "tune"
    """The laboratory and the figures of the search."""
    BACKUP = "backup"
    """Make, test, fetch and restore archives."""
    LEARN_READ = "learn_read"
    LEARN_PUBLISH = "learn_publish"
    """What the base still lacks: see it; put what fills it into the base."""
    FIGURES = "figures"
    """Speed, costs, value and alerts, to read."""
    MONEY = "money"
    """Prices, rates, invoices, assumptions, rules for alerts."""
    AUDIT = "audit"
    """The audit, with its export."""
    PEOPLE = "people"
    """Accounts, roles, keys of programs."""
    ERASE = "erase"
    """Delete conversations."""


_RIGHTS: dict[Role, frozenset[Permission]] = {
    Role.OPERATOR: frozenset(
        {
            Permission.ASK,
            Permission.TICKETS_READ,
            Permission.TICKETS,
            Permission.APPROVE,
            Permission.BASE_READ,
            Permission.LEARN_READ,
        }
    ),
    Role.MANAGER: frozenset(
        {
            Permission.ASK,
            Permission.TICKETS_READ,
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


def parse_role_map(written: str) -> Mapping[str, frozenset[Role]]:
    """Which roles a value of a provider's claim gives, out of `value=role;value=role`; raises ValueError.

    The last `=` counts: names of groups may hold some themselves (`cn=sipd,ou=grup=admin`).
    """
    found: dict[str, frozenset[Role]] = {}
    for pair in filter(None, (part.strip() for part in written.split(";"))):
        value, equals, role = pair.rpartition("=")
        if not equals or not value.strip():
            raise ValueError(pair)
        found[value.strip()] = found.get(value.strip(), frozenset()) | {Role(role.strip().lower())}
    return found


class How(StrEnum):
    """How somebody came in; the value names its entry in `texts/people.toml`."""

    OPEN = "open"
    """Nobody signs in: one person on his own computer."""
    PASSWORD = "password"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts."""

    id: str
    name: str
    """Display name, under which what he does is written down."""
    roles: frozenset[Role]
    how: How

    def may(self, permission: Permission) -> bool:
        """Whether one of his roles allows it."""
        return permission in rights(self.roles)
