"""Who may do what when: one table of decisions."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from governance.people import Register, load_register, update_register
from governance.purpose import LAWFUL_BASES
from governance.roles import (
    ACTIONS,
    CONFLICTS,
    EMBEDDED_NOTICE,
    ROLES,
    AccessRefused,
    Grant,
    Person,
    authorise,
    check_grant,
    may_see,
)
from governance.vault import RevealPolicy
from schemas.errors import UsageError

NOW = 1_700_000_000_000
HOUR = 3_600_000


def person(*roles: str, name: str = "ann") -> Person:
    return Person(name, tuple(Grant(role, "setup", 0) for role in roles))


def until(role: str, end: int | None, since: int = 0) -> Person:
    return Person("ann", (Grant(role, "setup", since, end),))


CASES = [
    # person, action, about, allowed, words of the reason
    (person(), "look", None, False, "needs the role"),
    (person("viewer"), "look", None, True, "is viewer"),
    (person("viewer"), "query.views", None, False, "analyst or operator"),
    (person("viewer"), "reveal", None, False, "needs the role rescuer"),
    (person("analyst"), "query.views", None, True, "is analyst"),
    (person("analyst"), "query.base", None, False, "operator"),
    (person("analyst"), "reveal", None, False, "rescuer"),
    (person("operator"), "query.base", None, True, "is operator"),
    (person("operator"), "emergency.start", None, True, "is operator"),
    (person("operator"), "reveal", None, False, "rescuer"),
    (person("operator"), "audit.show", None, False, "auditor"),
    (person("rescuer"), "reveal", None, True, "is rescuer"),
    (person("rescuer"), "subject.delete", None, True, "is rescuer"),
    (person("rescuer"), "audit.verify", None, False, "auditor"),
    (person("rescuer"), "reveal.review", "bob", False, "auditor"),
    (person("rescuer"), "emergency.start", None, False, "operator"),
    (person("auditor"), "audit.verify", None, True, "is auditor"),
    (person("auditor"), "reveal.review", "bob", True, "is auditor"),
    (person("auditor"), "reveal.review", "ann", False, "another person than ann"),
    (person("auditor"), "audit.show", "ann", False, "another person"),
    (person("auditor"), "reveal", None, False, "rescuer"),
    (person("admin"), "access.grant", "bob", True, "is admin"),
    (person("admin"), "access.grant", "ann", False, "another person"),
    (person("admin"), "reveal", None, False, "rescuer"),
    (person("admin"), "audit.show", None, False, "auditor"),
    (person("admin"), "subject.find", None, False, "rescuer"),
    # two roles
    (person("operator", "rescuer"), "reveal", None, True, "is rescuer"),
    (person("operator", "rescuer"), "emergency.start", None, True, "is operator"),
    (person("rescuer", "auditor"), "reveal", None, False, "who reveals cannot audit"),
    (person("rescuer", "auditor"), "audit.verify", None, False, "who reveals cannot audit"),
    (person("rescuer", "auditor"), "look", None, False, "who reveals cannot audit"),
    (person("admin", "rescuer"), "reveal", None, False, "sees no identifiers"),
    (person("admin", "auditor"), "audit.verify", None, False, "does not audit"),
    (person("admin", "operator"), "job.operate", None, True, "is operator"),
    # second person
    (person("operator", name="bob"), "reveal.approve", "ann", True, "is operator"),
    (person("rescuer"), "reveal.approve", "ann", False, "another person"),
    (person("admin"), "emergency.approve", "ann", False, "another person"),
    (person("viewer"), "emergency.approve", "bob", False, "admin or operator"),
    # time
    (until("rescuer", NOW + 1), "reveal", None, True, "is rescuer"),
    (until("rescuer", NOW), "reveal", None, False, "ended at 2023-11-14 22:13 UTC"),
    (until("rescuer", NOW - HOUR), "reveal", None, False, "ended at 2023-11-14 21:13 UTC"),
    (until("rescuer", None, NOW), "reveal", None, True, "is rescuer"),
    (until("rescuer", None, NOW + HOUR), "reveal", None, False, "begins at 2023-11-14 23:13 UTC"),
    (until("rescuer", NOW - HOUR), "query.base", None, False, "needs the role operator"),
    # nobody is allowed what nobody knows
    (person(*ROLES), "read.minds", None, False, "no action read.minds"),
    (Person("ann", (Grant("emperor", "setup", 0),)), "look", None, False, "needs the role"),
    (Person("ann", embedded=True), "reveal", None, True, "no duties are separated"),
    (Person("ann", embedded=True), "emergency.approve", "ann", False, "another person"),
    (Person("ann", embedded=True), "read.minds", None, False, "no action"),
]


@pytest.mark.parametrize(("who", "action", "about", "allowed", "words"), CASES)
def test_decision(who: Person, action: str, about: str | None, allowed: bool, words: str) -> None:
    decision = authorise(who, action, NOW, about)
    assert bool(decision) is decision.allowed is allowed
    assert words in decision.reason


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_has_a_role_and_no_conflicting_pair_hides_in_one_role(action: str) -> None:
    assert ACTIONS[action] <= set(ROLES)
    assert [role for role in ROLES if authorise(person(role), action, NOW, "bob")] == [
        role for role in ROLES if role in ACTIONS[action]
    ]


def test_no_role_both_reveals_and_audits() -> None:
    for role in ROLES:
        does = {action for action, roles in ACTIONS.items() if role in roles}
        assert not ("reveal" in does and does & {"audit.show", "audit.verify", "reveal.review", "access.grant"})


@pytest.mark.parametrize(
    ("who", "data_class", "allowed"),
    [
        (person(), "L1", False),
        (person("viewer"), "L1", True),
        (person("viewer"), "L2", True),
        (person("viewer"), "L3", False),
        (person("analyst"), "L2", True),
        (person("analyst"), "L3", False),
        (person("operator"), "L4", False),
        (person("admin"), "L3", False),
        (person("admin"), "L4", False),
        (person("auditor"), "L3", True),
        (person("auditor"), "L4", False),
        (person("rescuer"), "L4", True),
        (person("admin", "rescuer"), "L4", False),
        (until("rescuer", NOW), "L1", False),
        (person("rescuer"), "L9", False),
        (Person("ann", embedded=True), "L4", True),
    ],
)
def test_who_is_cleared_for_which_class(who: Person, data_class: str, allowed: bool) -> None:
    decision = may_see(who, data_class, NOW)
    assert bool(decision) is allowed
    assert (EMBEDDED_NOTICE in decision.reason) is who.embedded


@pytest.mark.parametrize(
    ("who", "grant", "says"),
    [
        (person(), Grant("rescuer", "bob", NOW), None),
        (person("operator"), Grant("rescuer", "bob", NOW, NOW + HOUR), None),
        (person(), Grant("rescuer", "ann", NOW), "themselves"),
        (person(), Grant("emperor", "bob", NOW), "no role 'emperor'"),
        (person(), Grant("rescuer", "bob", NOW, NOW), "end before it begins"),
        *(
            (person(one), Grant(two, "bob", NOW), "cannot be")
            for pair in CONFLICTS
            for one, two in (sorted(pair), sorted(pair, reverse=True))
        ),
        (until("auditor", NOW), Grant("rescuer", "bob", NOW), None),
        (until("auditor", NOW + 1), Grant("rescuer", "bob", NOW), "who reveals cannot audit"),
        (until("auditor", None, NOW + HOUR), Grant("rescuer", "bob", NOW, NOW + HOUR), None),
    ],
)
def test_what_may_be_granted(who: Person, grant: Grant, says: str | None) -> None:
    if says is None:
        check_grant(who, grant)
    else:
        usage = "no role" in says or "end before" in says
        with pytest.raises(UsageError if usage else AccessRefused, match=says):
            check_grant(who, grant)


def test_a_token_identifies_its_person_and_is_not_stored(tmp_path: Path) -> None:
    tokens: dict[str, str] = {}

    def add(register: Register) -> Register:
        for name in ("ann", "张伟"):
            register, tokens[name] = register.with_person(name)
        return register.with_grant("张伟", Grant("rescuer", "ann", NOW))

    update_register(tmp_path, add)
    register = load_register(tmp_path)
    assert {name: register.identify(token) for name, token in tokens.items()} == {
        name: register.person(name) for name in tokens
    }
    assert register.person("张伟").roles(NOW) == {"rescuer"}
    stored = (tmp_path / "access.json").read_text(encoding="utf-8")
    assert not any(token in stored for token in tokens.values())
    assert (tmp_path / "access.json").stat().st_mode & 0o077 == 0
    assert len(set(tokens.values())) == 2


@pytest.mark.parametrize("token", ["", "yq_", "yq_wrong", "ann"])
def test_nobody_s_token(token: str) -> None:
    register, _ = Register().with_person("ann")
    assert register.identify(token) is None
    assert register.locked("ann", NOW).identify(token) is None


def test_a_new_token_ends_the_old_one_and_keeps_grants() -> None:
    register, old = Register().with_person("ann")
    register = register.with_grant("ann", Grant("viewer", "bob", 0))
    register, new = register.with_person("ann")
    assert register.identify(old) is None
    assert register.identify(new) == Person("ann", (Grant("viewer", "bob", 0),))
    assert register.locked("ann", NOW).identify(new) is None


def test_revoking_ends_the_role_and_keeps_the_history() -> None:
    register, _ = Register().with_person("ann")
    register = register.with_grant("ann", Grant("rescuer", "bob", 0)).revoked("ann", "rescuer", NOW)
    assert register.person("ann").grants == (Grant("rescuer", "bob", 0, NOW),)
    assert not authorise(register.person("ann"), "reveal", NOW)
    assert authorise(register.person("ann"), "reveal", NOW - 1)
    with pytest.raises(UsageError, match="no grant of 'rescuer' that could end"):
        register.revoked("ann", "rescuer", NOW + 1)


def test_the_first_person_is_admin_and_there_is_one_first_person_only() -> None:
    register, token = Register().founded("ann", "account ann", NOW)  # the account may be called like the person
    found = register.identify(token)
    assert found is not None
    assert authorise(found, "access.grant", NOW, about="bob")
    assert register.issued_by("ann") == ""
    with pytest.raises(AccessRefused, match="an admin adds the next"):
        register.founded("bob", "account ann", NOW)


LAST_ADMIN = [
    # what else is in the register, whether ann (admin) may lose role or token
    ([], False),
    ([("bob", Grant("operator", "ann", 0))], False),
    ([("bob", Grant("admin", "ann", 0))], True),
    ([("bob", Grant("admin", "ann", 0, NOW + HOUR))], False),  # would leave nobody an hour later
    ([("bob", Grant("admin", "ann", NOW + HOUR))], False),
    ([("bob", Grant("admin", "ann", 0)), ("bob", None)], False),  # locked
]


@pytest.mark.parametrize(("others", "allowed"), LAST_ADMIN)
def test_the_last_admin_keeps_role_and_token(others: list[tuple[str, Grant | None]], allowed: bool) -> None:
    register, _ = Register().founded("ann", "account x", 0)
    for name, grant in others:
        if grant is None:
            register = register.locked(name, NOW)
        else:
            register = register.with_person(name)[0].with_grant(name, grant)
    for change in (lambda: register.revoked("ann", "admin", NOW), lambda: register.locked("ann", NOW)):
        if allowed:
            assert change().lasting_admins(NOW) == ["bob"]
        else:
            with pytest.raises(AccessRefused, match="nobody could grant"):
                change()


def test_who_made_a_token_is_remembered(tmp_path: Path) -> None:
    update_register(tmp_path, lambda register: register.with_person("ann", issued_by="adam")[0])
    register = load_register(tmp_path)
    assert register.issued_by("ann") == "adam"
    own, _ = register.with_person("ann", issued_by="ann")
    assert (own.issued_by("ann"), own.issued_by("nobody")) == ("", "")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"people": [{"name": "ann"}]}'])
def test_a_damaged_register_lets_nobody_in(tmp_path: Path, content: str) -> None:
    (tmp_path / "access.json").write_text(content)
    with pytest.raises(UsageError, match="damaged"):
        load_register(tmp_path)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a/b", "a\n"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(UsageError, match="no person's name"):
        Register().with_person(name)
    with pytest.raises(UsageError, match="nobody is called"):
        Register().person(name)


def test_the_tables_in_the_documentation_are_those_in_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "governance.md").read_text(encoding="utf-8")
    for name, role in ROLES.items():
        actions = ", ".join(action for action, roles in ACTIONS.items() if name in roles)
        assert f"| {name} | {role.purpose} | {role.ceiling} | {actions} |" in text
    for pair, why in CONFLICTS.items():
        assert f"| {' + '.join(sorted(pair))} | {why} |" in text
    for basis, law in LAWFUL_BASES.items():
        assert f"| {basis} | {law} |" in text
    for field in fields(RevealPolicy):
        assert f"\n{field.name}: {field.default}\n" in text
