"""Who may make which call: the table against what exists, and the door against everybody."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.errors import ForbiddenError, SignedOutError
from sipd_core.guard import RULES, Rules, Whoever, guarded
from sipd_core.permissions import How, Permission, Person, Role
from sipd_core.settings import load_settings

ROLES = (frozenset[Role](), *(frozenset({role}) for role in Role), frozenset(Role))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    folder = tmp_path_factory.mktemp("guard")
    made = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=folder, load_sample_data=False), head_start=600)
    yield made
    made.close()


def calls(rules: Rules = RULES, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Permission | Whoever]]:
    """Every call of the table."""
    for name, rule in rules.items():
        if isinstance(rule, Mapping):
            yield from calls(rule, (*path, name))
        else:
            yield (*path, name), rule


CALLS = tuple(calls())


def follow(thing: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        thing = getattr(thing, name)
    return thing


def person(roles: frozenset[Role]) -> Person:
    return Person("p1", "Bu Ani", roles, How.PASSWORD)


def attempt(engine: BlockingEngine, path: tuple[str, ...]) -> object:
    """Make a call, without what it needs to do anything."""
    found = follow(engine, path)
    return found(*["?"] * 40) if callable(found) else found


def rooms(thing: object, rules: Rules, path: str = "engine") -> Iterator[tuple[str, object, Rules]]:
    yield path, thing, rules
    for name, rule in rules.items():
        if isinstance(rule, Mapping):
            yield from rooms(getattr(thing, name), rule, f"{path}.{name}")


def test_the_table_has_exactly_what_exists(engine: BlockingEngine) -> None:
    for path, room, rules in rooms(engine, RULES):
        there = {name for name in dir(room) if not name.startswith("_")}
        assert set(rules) == there, path


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "+".join(sorted(roles)) or "none")
def test_each_call_is_open_to_those_who_may_and_to_nobody_else(engine: BlockingEngine, roles: frozenset[Role]) -> None:
    who = person(roles)
    behind = guarded(engine, lambda: who)
    for path, rule in CALLS:
        allowed = rule is Whoever.SIGNED_IN or (isinstance(rule, Permission) and who.may(rule))
        if allowed:
            try:
                attempt(behind, path)
            except ForbiddenError:
                pytest.fail(f"{path} is refused to {roles}")
            except Exception:
                continue  # it was let through, and had nothing to work with
        else:
            with pytest.raises(ForbiddenError):
                attempt(behind, path)


@pytest.mark.parametrize("path", [path for path, _ in CALLS], ids=".".join)
def test_nobody_gets_through_who_is_not_signed_in(engine: BlockingEngine, path: tuple[str, ...]) -> None:
    def who() -> Person:
        raise SignedOutError

    with pytest.raises((SignedOutError, ForbiddenError)):
        attempt(guarded(engine, who), path)


def test_whoever_acts_is_asked_for_at_the_moment_of_the_call(engine: BlockingEngine) -> None:
    roles = frozenset({Role.ADMIN})
    behind = guarded(engine, lambda: person(roles))
    held = behind.audit.actors
    held()
    roles = frozenset({Role.OPERATOR})
    with pytest.raises(ForbiddenError):
        held()


def test_a_name_without_a_rule_is_refused(engine: BlockingEngine) -> None:
    behind = guarded(engine, lambda: person(frozenset(Role)))
    for path in (("settings",), ("audit", "chain"), ("no_such_call",)):
        with pytest.raises(ForbiddenError):
            follow(behind, path)
    for hidden in ("_engine", "_portal", "__dict__"):
        with pytest.raises(AttributeError):
            getattr(behind, hidden)
    with pytest.raises(AttributeError):
        behind.backups = None  # type: ignore[assignment]


def test_a_refusal_is_told(engine: BlockingEngine) -> None:
    told: list[tuple[str, Permission]] = []
    who = person(frozenset({Role.OPERATOR}))
    behind = guarded(engine, lambda: who, lambda by, needed: told.append((by.name, needed)))
    with pytest.raises(ForbiddenError) as refused:
        behind.backups.overview()
    assert told == [("Bu Ani", Permission.BACKUP)]
    assert "cadangan" in refused.value.user_text
