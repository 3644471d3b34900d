"""What of an application reaches the store in clear, what is sealed, and who opens it."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from governance.applications import Applications, CaseSeal, SealApplications, agrees, may_see, reason_code
from governance.audit import Ledger, verify
from governance.automation import State
from governance.classes import DAY_MS
from governance.crypto import CannotOpen, Sealer
from governance.keys import Key, ensure_keys
from governance.roles import AccessRefused, Grant, Person
from governance.tokens import Tokeniser
from schemas.applications import Change, Check, Decision, Extraction, Field, Found, Overruling, Review
from schemas.errors import UsageError

NOW = 1_760_000_000_000
KEY, OTHER_KEY = Key(b"k" * 32), Key(b"l" * 32)
TOKENISER = Tokeniser(Key(b"t" * 32))
MOBILE, IDENTITY, NAME = "13812345678", "11010519491231002X", "王小明"


def spec(kind, data_class, choices=(), **columns):
    return SimpleNamespace(kind=kind, data_class=data_class, choices=dict.fromkeys(choices), columns=columns)


KIND = SimpleNamespace(
    fields={
        "begins_on": spec("date", "L1"),
        "capital": spec("amount", "L2"),
        "dwelling": spec("choice", "L1", (True, False)),
        "born_on": spec("date", "L3"),
        "income": spec("amount", "L4"),
        "scope": spec("text", "L1"),
        "applicant_name": spec("person", "L3"),
        "phone": spec("phone", "L3"),
        "id_number": spec("id_number", "L4"),
        "shareholders": spec(
            "table", "L4", name=spec("person", "L3"), capital=spec("amount", "L2"), id_number=spec("id_number", "L4")
        ),
    }
)


def found(value, file="a.pdf", page=2):
    return Found(value, str(value), 0.9, file, page, box=(0.1, 0.2, 0.3, 0.4))


def decision(fields=None, **changes):
    fields = (
        {"phone": found(MOBILE), "id_number": found(IDENTITY), "capital": found(500_000.0)}
        if fields is None
        else fields
    )
    made = {
        name: value if isinstance(value, Field) else Field(name, value, declared=None) for name, value in fields.items()
    }
    checks = (
        Check("generic.required", "a", True, "supplement", version="1"),
        Check("capital.sum", "b", False, "supplement", f"{NAME}的出资额不符", f"请{NAME}核对", version="2024-07-01"),
        Check("scope.permit", "c", None, "refer", "无法判断"),
    )
    values = {
        "application_id": "case-1", "type": "enterprise_registration", "decision": "refer", "confidence": 0.8,
        "reasons": ("check:capital.sum", f"unreadable:{NAME}.pdf"), "checks": checks, "supplement": (f"请{NAME}补正",),
        "extraction": Extraction((), made), "fingerprint": "f" * 64, "rules": "enterprise_registration@1#ab",
        "models": "rapidocr@3", "decided_on": "2026-11-28",
    }  # fmt: skip
    return Decision(**(values | changes))


def seal(given=None, kind=KIND, at=NOW, **options):
    sealing = SealApplications(Sealer([KEY]), TOKENISER)
    options = {"decided_at": at, "seconds": 3.0, "state": State()} | options
    return sealing.seal(given or decision(), kind, **options)


@pytest.mark.parametrize(
    ("name", "value", "clear", "sealed_as"),
    [
        ("begins_on", "2026-11-28", "2026-11-28", None),
        ("begins_on", f"2026年{NAME}", "", "DATE"),
        ("capital", 500_000.0, "500000", None),
        ("capital", 0.25, "0.25", None),
        ("capital", 13_812_345_678, "", "AMOUNT"),
        ("capital", float(IDENTITY[:17]), "", "AMOUNT"),
        ("capital", True, "", "AMOUNT"),
        ("capital", NAME, "", "AMOUNT"),
        ("dwelling", True, "true", None),
        ("dwelling", NAME, "", "CHOICE"),
        ("born_on", "1949-12-31", "", "DATE"),
        ("income", 5.0, "", "AMOUNT"),
        ("scope", f"餐饮服务 {NAME}", "", "TEXT"),
        ("applicant_name", NAME, "", "PERSON"),
        ("phone", MOBILE, "", "CN_MOBILE"),
        ("phone", "010-12345678", "", "CN_LANDLINE"),
        ("id_number", IDENTITY, "", "CN_ID"),
        ("nobody_knows", "2026-11-28", "", "UNKNOWN"),
    ],
)
def test_a_value_is_clear_or_sealed(name, value, clear, sealed_as):
    sealed = seal(decision({name: found(value)}, checks=(), supplement=()))
    assert sealed.row.field_values == (clear,)
    assert [row.type for row in sealed.vault] == ([] if sealed_as is None else [sealed_as])
    numbered = (sealed_as or "").startswith("CN_")
    assert sealed.row.field_tokens == (TOKENISER.token(sealed_as, value) if numbered else "",)
    assert all(row.token == sealed.row.field_tokens[0] for row in sealed.vault)
    assert sealed.row.field_classes == (KIND.fields[name].data_class if name in KIND.fields else "L4",)


def test_without_a_type_nothing_is_clear():
    sealed = seal(decision({"begins_on": found("2026-11-28")}), None)
    assert (sealed.row.field_values, sealed.row.field_classes) == (("",), ("L4",))


def test_nothing_of_l3_and_l4_stands_in_the_row_nor_in_clear_in_the_vault():
    table = Field(
        "shareholders", None, rows=({"name": found(NAME), "capital": found(10.0), "id_number": found(IDENTITY)},)
    )
    declared = Field("phone", None, declared=found(MOBILE, "", 0))
    given = {"shareholders": table, "phone": declared, "applicant_name": found(NAME), "scope": found(NAME)}
    sealed = seal(decision(given, type="enterprise_registration"), duplicate_key="abc")
    stored = repr(asdict(sealed.row)) + "".join(repr(asdict(row)) for row in sealed.vault)
    for value in (NAME, MOBILE, IDENTITY, "abc'"):
        assert value not in stored
        assert value.encode() not in b"".join(row.ciphertext for row in sealed.vault)
    row = sealed.row
    assert row.field_names == (
        *("shareholders[1].name", "shareholders[1].capital", "shareholders[1].id_number"),
        *("phone", "applicant_name", "scope"),
    )
    assert row.field_values == ("", "10", "", "", "", "")
    assert row.field_pages == (2, 2, 2, 0, 2, 2)
    assert row.reasons == ("check:capital.sum", "unreadable")
    assert (row.supplement, row.check_results) == (("capital.sum",), ("passed", "failed", "unjudged"))
    assert len({len(value) for name, value in asdict(row).items() if name.startswith("field_")}) == 1
    assert all(one.expires_at == NOW + 30 * DAY_MS for one in sealed.vault)


def test_a_declared_table_gives_only_columns_of_the_type():
    table = Field("shareholders", None, declared_rows=({"capital": 5, NAME: NAME},))
    assert seal(decision({"shareholders": table})).row.field_names == ("shareholders[1].capital",)


def test_what_strangers_name_is_made_fit_to_store():
    given = decision({"scope": found("\ud800", "\udcff.pdf")}, application_id="a\udcff", supplement=("\udcff",))
    row = seal(given).row
    assert (row.application_id, row.field_files) == ("a?", ("?.pdf",))
    assert [str(seal(decision(decided_on=day)).row.decided_on) for day in ("0001-01-01", "9999-12-31")] == [
        *("1970-01-01", "2106-02-07"),
    ]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("audit_sample", "audit_sample"),
        ("check:capital.sum", "check:capital.sum"),
        ("uncertain:shareholders[2].name", "uncertain:shareholders[2].name"),
        (f"uncertain:{NAME}", "uncertain:other"),
        (f"unreadable:{NAME}.pdf", "unreadable"),
        (f"form:没有{NAME}", "form"),
        (NAME, "other"),
        (f"check:{'a' * 200}", "check:other"),
    ],
)
def test_reasons_are_codes(reason, code):
    assert reason_code(reason) == code


def test_equal_things_have_equal_keys_that_nobody_can_make():
    keys = {seal(duplicate_key=key).row.duplicate_key for key in ("same", "same", "other")}
    assert len(keys) == 2
    assert keys.isdisjoint({SealApplications(Sealer([KEY]), Tokeniser(OTHER_KEY)).duplicate_token("same")})
    assert seal().row.duplicate_key == ""


def test_values_are_kept_no_longer_than_their_class():
    short = SealApplications(Sealer([KEY]), TOKENISER, 7).seal(
        decision(), KIND, decided_at=NOW, seconds=1, state=State()
    )
    assert {row.expires_at for row in short.vault} == {NOW + 7 * DAY_MS}
    with pytest.raises(UsageError):
        SealApplications(Sealer([KEY]), TOKENISER, 31)


class Memory:
    """The vault's store in memory."""

    def __init__(self, *rows):
        self.kept = {}
        self.put(rows)

    def put(self, rows):
        for row in rows:
            key = (row.post_id, row.start, row.type)
            if key not in self.kept or row.version >= self.kept[key].version:
                self.kept[key] = row

    def rows(self, platform, post_id):
        return [row for row in self.kept.values() if (row.platform, row.post_id) == (platform, post_id)]


@pytest.fixture
def ledger(tmp_path):
    ensure_keys(tmp_path)
    return Ledger(tmp_path, "applications", lambda: NOW, durable=False)


def person(name, *roles):
    return Person(name, tuple(Grant(role, "setup", 0) for role in roles))


OFFICER = person("ofelia", "officer")
REVIEWED = Review(
    "case-1", "f" * 64, "ofelia", "2026-11-28T10:00:00+08:00", "reject", reason=f"{NAME}已被列入名单",
    changes=(Change("phone", MOBILE, "13900001111"), Change(NAME, 1, 2)),
    overruled=(Overruling("capital.sum", True, f"{NAME}已补缴"),), comment=NAME, signed=True,
)  # fmt: skip


def opened(ledger, store, row, who=OFFICER, reason="to sign it", purpose="decide on it", key=KEY, now=NOW, reviews=()):
    return Applications(store, ledger, Sealer([key])).open(who, row, reason, purpose, now, reviews)


def test_an_officer_sees_what_was_sealed(ledger, tmp_path):
    sealed = seal()
    review = SealApplications(Sealer([KEY]), TOKENISER).seal_review(REVIEWED, decision(), NOW + 5)
    store = Memory(*sealed.vault, *review.vault)
    seen = opened(ledger, store, sealed.row, reviews=[review.row])
    assert seen.values == {"phone": MOBILE, "id_number": IDENTITY}
    assert seen.reasons == {"capital.sum": (f"{NAME}的出资额不符", f"请{NAME}核对"), "scope.permit": ("无法判断", "")}
    assert seen.supplement == (f"请{NAME}补正",)
    assert seen.reviews == {NOW + 5: REVIEWED}
    assert not [value for value in (NAME, MOBILE) if value in repr(review.row) + repr(seen)]
    assert (review.row.changed, review.row.overruled, review.row.agreed) == (("phone", "other"), ("capital.sum",), None)
    assert (seen.entry.action, seen.entry.subject, seen.entry.detail["purpose"]) == (
        *("application.see", "application case-1"),
        "decide on it",
    )
    assert NAME.encode() not in (tmp_path / "audit" / "applications.jsonl").read_bytes()
    assert verify(tmp_path).ok


@pytest.mark.parametrize(
    ("who", "reason", "purpose"),
    [
        (person("rita", "rescuer"), "to sign it", "decide"),
        (person("adam", "admin"), "to sign it", "decide"),
        (person("ann", "analyst", "operator"), "to sign it", "decide"),
        (person("bo", "officer", "auditor"), "to sign it", "decide"),
        (Person("late", (Grant("officer", "setup", 0, NOW),)), "to sign it", "decide"),
        (OFFICER, "  ", "decide"),
        (OFFICER, "to sign it", " "),
    ],
)
def test_nobody_else_does_and_the_ledger_says_so(ledger, who, reason, purpose):
    sealed = seal()

    class Untouched:
        def rows(self, platform, post_id):
            raise AssertionError("asked before it was decided")

    with pytest.raises(AccessRefused):
        opened(ledger, Untouched(), sealed.row, who, reason, purpose)
    entry = next(ledger.newest_first())
    assert (entry.actor, entry.action) == (who.name, "application.see.refused")
    with pytest.raises(AccessRefused):
        may_see(ledger, who, "case-1", reason, purpose, NOW)


def test_a_value_opens_in_its_own_place_only(ledger):
    sealed = seal()
    phone, identity = sealed.vault[:2]
    elsewhere = seal(decision(application_id="case-2"))
    for moved in (
        [replace(phone, start=1, type="CN_ID")],  # another field
        [replace(elsewhere.vault[0], post_id="case-1")],  # another application
        [replace(phone, ciphertext=phone.ciphertext[:-1] + bytes([phone.ciphertext[-1] ^ 1]))],
    ):
        seen = opened(ledger, Memory(*moved, identity) if moved[0].start != 1 else Memory(*moved), sealed.row)
        assert (MOBILE in seen.values.values(), seen.failed) == (False, 1)
        assert next(ledger.newest_first()).action == "application.see.failed"
    assert opened(ledger, Memory(*sealed.vault), sealed.row, key=OTHER_KEY).values == {}
    with pytest.raises(CannotOpen):  # as a reveal of a post would try
        Sealer([KEY]).open(phone.ciphertext, phone.context)


def test_values_of_an_earlier_decision_are_not_shown_and_expired_ones_neither(ledger):
    first = seal(decision({"capital": found(NAME), "applicant_name": found(NAME), "phone": found(MOBILE)}))
    again = seal(decision({"capital": found(5.0), "phone": found("13900001111")}), at=NOW + 60_000)
    store = Memory(*first.vault, *again.vault)
    seen = opened(ledger, store, again.row, now=NOW + 60_000)
    assert (seen.values, seen.failed) == ({"phone": "13900001111"}, 0)
    assert opened(ledger, store, again.row, now=NOW + 31 * DAY_MS).values == {}


def test_what_a_person_had_corrected_or_deleted_stays_so(ledger):
    sealed = seal()
    phone, identity = sealed.vault[:2]
    sealer = Sealer([KEY])
    right = replace(phone, ciphertext=sealer.seal(b"13900001111", phone.context), version=phone.next_version)
    store = Memory(*sealed.vault, right, identity.erased())
    store.put(seal().vault)  # decided once more
    assert opened(ledger, store, sealed.row).values == {"phone": "13900001111"}


def test_case_files_are_bound_to_their_name():
    seal_file = CaseSeal(Sealer([KEY]))
    sealed = seal_file.seal("case-1.html", NAME.encode())
    assert NAME.encode() not in sealed
    assert seal_file.open("case-1.html", sealed) == NAME.encode()
    for name, keys in (("case-2.html", KEY), ("case-1.html", OTHER_KEY)):
        with pytest.raises(CannotOpen):
            CaseSeal(Sealer([keys])).open(name, sealed)


@pytest.mark.parametrize(
    ("alone", "verdict", "same"),
    [
        ("approve", "approve", True),
        ("approve", "reject", False),
        ("approve", "supplement", False),
        ("propose_reject", "reject", True),
        ("propose_reject", "approve", False),
        ("propose_reject", "supplement", False),
        ("refer", "approve", None),
        ("refer", "reject", None),
    ],
)
def test_agreement_counts_where_the_machine_took_a_side(alone, verdict, same):
    assert agrees(alone, verdict) is same
