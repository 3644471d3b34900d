"""Applications on the real server: what comes back, what is written twice, what readers see and what they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from governance.applications import PLATFORM, SealApplications
from governance.automation import CLOSED, OPEN, Outcome, State, judge
from governance.crypto import Sealer
from governance.keys import Key
from governance.roles import Grant, Person
from governance.tokens import Tokeniser
from governance.vault import SubjectRequests
from pipelines.store.applications import IDS_A_REQUEST, ApplicationStore
from pipelines.store.client import StoreSettings, connect
from pipelines.store.roles import LIMITS, readable
from pipelines.store.vault import ClickHouseVault
from schemas.applications import Change, Check, Decision, Extraction, Field, Found, Review
from schemas.errors import StoreError, StoreUnavailable
from schemas.settings import Bands
from schemas.tables import data_classes

pytestmark = pytest.mark.services

NOW = round(datetime.now(UTC).timestamp() * 1000)
NAME, MOBILE, IDENTITY = "欧阳试验", "13912340077", "11010519491231002X"
KEY, TOKENISER = Key(b"k" * 32), Tokeniser(Key(b"t" * 32))
SEALING = SealApplications(Sealer([KEY]), TOKENISER)


class Spec:
    def __init__(self, kind, data_class):
        self.kind, self.data_class, self.choices, self.columns = kind, data_class, {}, {}


class Type:
    def __init__(self):
        self.fields = {
            "name": Spec("person", "L3"),
            "phone": Spec("phone", "L3"),
            "id_number": Spec("id_number", "L4"),
            "area": Spec("area", "L1"),
        }


def decide(name, kind="lift", **changes):
    """A decision on application ``name`` of a type of the test's own."""
    values = {"name": NAME, "phone": MOBILE, "id_number": IDENTITY, "area": 12.5}
    fields = {key: Field(key, Found(value, str(value), 0.9, f"{NAME}.pdf", 1)) for key, value in values.items()}
    checks = (
        Check("votes.area", "-", False, "supplement", f"{NAME}未签名", "请补签", version="1"),
        Check("votes.owners", "-", True, "supplement", version="1"),
        Check("roster.units", "-", None, "refer", "无法判断", version="2"),
    )
    given = {
        "application_id": name, "type": kind, "decision": "refer", "confidence": 0.5,
        "reasons": ("check:votes.area", f"unreadable:{NAME}.pdf"), "checks": checks, "supplement": (f"请{NAME}补签",),
        "extraction": Extraction((), fields), "fingerprint": f"of {name}", "rules": f"{kind}@1", "models": "ocr@1",
        "decided_on": "2026-11-28",
    }  # fmt: skip
    return Decision(**(given | changes))


def seal(name, kind="lift", at=NOW, **options):
    names = ("submitted_at", "duplicate_key", "seconds", "state", "ocr_confidence", "report")
    sealing = {"seconds": 2.0, "state": State()} | {key: options.pop(key) for key in names if key in options}
    return SEALING.seal(decide(name, kind, **options), Type(), decided_at=at, **sealing)


def review(name, verdict, at=NOW + 1, kind="lift", **changes):
    said = Review(name, f"of {name}", "ofelia", "2026-11-28T10:00:00+08:00", verdict, f"{NAME}说明",
                  (Change("phone", MOBILE, MOBILE),), signed=True)  # fmt: skip
    return SEALING.seal_review(said, decide(name, kind, **changes), at)


@pytest.fixture
def store(clickhouse):
    with ApplicationStore(clickhouse) as applications:
        yield applications


def test_a_decision_comes_back_as_it_was_written(store, clickhouse):
    sealed = seal("app-whole", submitted_at=NOW - 5, duplicate_key="k", ocr_confidence=0.75, report="cases/a.html")
    store.write([sealed])
    assert store.row("app-whole") == replace(sealed.row, field_confidences=(pytest.approx(0.9),) * 4)
    assert store.row("app-nothing") is None
    with ClickHouseVault(clickhouse) as vault:
        key = lambda row: (row.start, row.type)  # noqa: E731
        assert sorted(vault.rows(PLATFORM, "app-whole"), key=key) == sorted(sealed.vault, key=key)


def test_written_twice_is_written_once_and_the_latest_counts(store, rows):
    first, again = seal("app-twice"), seal("app-twice", at=NOW + 60_000, fingerprint="other", decision="approve")
    store.write([first])
    store.write([again, seal("app-beside")])
    store.write([first])  # delivered late
    store.write([again])
    assert store.decided(["app-twice", "app-beside", "app-nobody", ""]) == {
        "app-twice": "other",
        "app-beside": "of app-beside",
    }
    assert rows("SELECT count(), any(decision) FROM applications FINAL WHERE application_id = 'app-twice'") == [
        (1, "approve")
    ]
    vault = "SELECT count() FROM pii_vault FINAL WHERE platform = 'application' AND post_id = 'app-twice'"
    assert rows(vault) == [(len(first.vault),)]


def test_an_application_stopped_between_its_two_writes_is_decided_again(store, clickhouse, monkeypatch):
    sealed = seal("app-stopped")
    insert = store._insert

    def stopped(name, table):
        if name == "applications":
            raise StoreUnavailable("killed")
        insert(name, table)

    monkeypatch.setattr(store, "_insert", stopped)
    with pytest.raises(StoreUnavailable):
        store.write([sealed])
    monkeypatch.undo()
    assert store.decided(["app-stopped"]) == {}
    store.write([sealed])
    assert store.decided(["app-stopped"]) == {"app-stopped": "of app-stopped"}


def test_many_ids_in_one_question(store):
    ids = [f"办件编号{number:05}" for number in range(IDS_A_REQUEST * 2 + 1)]
    assert store.decided(ids) == {}
    assert store.decided([]) == {}


@pytest.mark.parametrize("submitted", [-(10**13), 10**15])
def test_times_that_an_applicant_made_up_are_cut(store, submitted):
    name = f"app-time-{submitted}"
    store.write([seal(name, submitted_at=submitted, decided_on="9999-12-31")])
    row = store.row(name)
    assert row.submitted_at == (0 if submitted < 0 else 4_294_967_295_000)
    assert row.decided_on == date(2106, 2, 7)


def test_earlier_applications_for_the_same_thing(store):
    same, other = (SEALING.duplicate_token(key) for key in ("earlier-same", "earlier-other"))
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    store.write([
        seal("app-early-2", duplicate_key="earlier-same"),
        seal("app-early-1", duplicate_key="earlier-same", submitted_at=round(moment.timestamp() * 1000)),
        seal("app-early-0"),
    ])  # fmt: skip
    assert store.earlier([same, other, ""]) == {same: [("app-early-1", moment), ("app-early-2", None)]}


def test_reviews_and_what_stands(store):
    kind = "type-of-reviews"
    store.write([seal(f"app-r{number}", kind, decision="propose_reject") for number in range(1, 5)])
    first, last = review("app-r1", "supplement", NOW + 1, kind), review("app-r1", "reject", NOW + 2, kind)
    for one in (last, first, last, review("app-r2", "supplement", kind=kind), review("app-r4", "approve", kind=kind)):
        store.write_review(one)
    assert store.reviews("app-r1") == [first.row, last.row]
    assert store.settled(["app-r1", "app-r2", "app-r3", "app-r4"]) == {"app-r1": "reject", "app-r4": "approve"}
    store.write([seal("app-r4", kind, at=NOW + 9, fingerprint="with other documents")])
    stand = {row["application_id"]: row for row in store.listed(10_000) if row["type"] == kind}
    assert {name: (row["decision"], row["final"], row["decided_by"]) for name, row in stand.items()} == {
        "app-r1": ("reject", True, "ofelia"),
        "app-r2": ("refer", False, "ofelia"),
        "app-r3": ("propose_reject", False, "machine"),
        "app-r4": ("refer", False, "machine"),  # decided anew since: waits again
    }


def test_answers_of_officers(store):
    kind = "type-of-answers"
    cases = [("propose_reject", "reject", True), ("approve", "reject", False), ("refer", "approve", None)]
    for number, (decision, verdict, _) in enumerate(cases):
        store.write_review(review(f"app-answer-{number}", verdict, kind=kind, decision=decision))
    assert [said for of, said in store.answers() if of == kind] == [same for _, _, same in cases]


def test_the_history_of_an_epoch(store):
    state = State(CLOSED, 77)
    usual = {"state": state, "decision": "approve", "reasons": ()}
    store.write([seal(f"app-history-{n:02}", "history", NOW + n, seconds=n, **usual) for n in range(30)])
    store.write([seal("app-other-epoch", "history", NOW + 99, state=State(CLOSED, 78))])
    store.write([seal("app-sample", "history", NOW + 30, state=state, reasons=("audit_sample",), ocr_confidence=0.5)])
    for number, verdict in ((1, "reject"), (3, "approve"), (29, "approve")):
        store.write_review(review(f"app-history-{number:02}", verdict, kind="history", decision="approve", reasons=()))
    history = store.history(77, 4, 2)
    assert history == [
        Outcome("approve", 3.0, None, True, 77, NOW + 3),
        Outcome("approve", 27.0, None, None, 77, NOW + 27),
        Outcome("approve", 28.0, None, None, 77, NOW + 28),
        Outcome("approve", 29.0, None, True, 77, NOW + 29),
        Outcome("approve", 2.0, 0.5, None, 77, NOW + 30),
    ]
    assert [one.at - NOW for one in store.history(77, 4, 9)] == [1, 3, 27, 28, 29, 30]
    assert len(store.history(77, 400, 9)) == 31
    assert not judge(state, history, Bands(), NOW).opens


def test_the_breakers_state_goes_by_epoch_not_by_the_clock(store, clickhouse):
    with connect(clickhouse) as client:
        client.command("TRUNCATE TABLE automation_state")
    assert store.state() == State()
    opened = State(OPEN, 0, NOW, ("referral_high: 60 of 60, limit 0.7",), "breaker")
    closed = State(CLOSED, 1, NOW - 86_400_000, ("mended",), "ofelia")  # a day earlier, says the clock
    for state, holds in ((opened, opened), (closed, closed), (opened, closed), (closed, closed)):
        store.set_state(state)
        assert store.state() == holds
    again = State(OPEN, 1, NOW - 2 * 86_400_000, ("a wrong rule",), "olga")
    store.set_state(again)
    assert store.state() == again
    with pytest.raises(ValueError, match="half"):
        store.set_state(State("half"))
    with connect(clickhouse) as client:
        assert client.query("SELECT epoch, state, cause FROM v_automation ORDER BY epoch, at DESC").result_rows == [
            (0, "open", "breaker"),
            (1, "closed", "person"),
            (1, "open", "person"),
        ]


def test_a_request_of_a_person_finds_what_applications_hold(store, clickhouse, tmp_path):
    from governance.audit import Ledger

    store.write([seal("app-subject")])
    asker = Person("rita", (Grant("rescuer", "setup", 0),))
    with ClickHouseVault(clickhouse) as vault, Ledger(tmp_path, "vault", lambda: NOW, seal_every_ms=None) as ledger:
        requests = SubjectRequests(vault, ledger, Sealer([KEY]), TOKENISER, lambda: NOW)
        held = requests.find(asker, "+86 139 1234 0077", "letter 12")
        assert ("application", "app-subject", "CN_MOBILE") in {(one.platform, one.post_id, one.type) for one in held}
        assert vault.key_counts()[KEY.id][0] >= 6


VIEWS = [view for view in data_classes() if view.startswith(("v_appl", "v_approval", "v_automation"))]
COUNTS = set(VIEWS) - {"v_applications"}
TABLES = ("applications", "application_reviews", "automation_state")


@pytest.mark.parametrize("user", LIMITS)
def test_no_reader_sees_what_a_document_says(store, as_user, user):
    """All that a reader may read of these tables and views. What is refused is asked in test_data_classes."""
    store.write([seal("app-seen", "seen", duplicate_key=NAME)])
    store.write_review(review("app-seen", "approve", kind="seen"))
    views = {view for view in VIEWS if view in readable(user)}
    assert views == {"analyst": set(VIEWS), "operator": set(VIEWS), "auditor": set()}.get(user, COUNTS)
    asked = [(view, "*") for view in views]
    if user == "operator":
        levels = {table: data_classes()[table] for table in TABLES}
        asked += [(table, ", ".join(name for name in of if of[name] in ("L1", "L2"))) for table, of in levels.items()]
    seen = "".join(repr(as_user(user).query(f"SELECT {what} FROM {table}").result_rows) for table, what in asked)
    assert ("seen@1" in seen) == (user in ("analyst", "operator"))
    secrets = [NAME, MOBILE, IDENTITY, "ofelia", "未签名", "补签", SEALING.duplicate_token(NAME)]
    secrets += filter(None, seal("x").row.field_tokens)
    assert not [secret for secret in secrets if secret in seen]


def test_views_count_what_was_decided(store, as_user):
    kind, hour = "type-of-views", NOW // 3_600_000 * 3_600_000
    cases = [
        ("approve", (), "approve", 1.0),
        ("refer", ("audit_sample",), "reject", 2.0),
        ("refer", ("check:votes.area",), "approve", 3.0),
        ("propose_reject", ("check:votes.area",), None, 40.0),
    ]
    for number, (decision, reasons, verdict, seconds) in enumerate(cases):
        said = {"decision": decision, "reasons": reasons}
        state = State() if number else State(OPEN)
        given = {"seconds": seconds, "state": state, "ocr_confidence": 0.5, **said}
        sealed = seal(f"app-view-{number}", kind, hour + number, **given)
        store.write([sealed])
        store.write([sealed])
        if verdict:
            store.write_review(review(f"app-view-{number}", verdict, hour + 99, kind, **said))
    analyst = as_user("analyst")

    def ask(columns, view):
        return analyst.query(f"SELECT {columns} FROM {view} WHERE type = '{kind}' ORDER BY ALL").result_rows

    counts = "applications, approved, referred, proposed, sampled, stopped, reviewed, compared, agreed"
    assert ask(f"toUnixTimestamp(hour) * 1000, {counts}", "v_approval_hours") == [(hour, 4, 1, 2, 1, 1, 1, 3, 2, 1)]
    assert ask("p50_seconds, p95_seconds, ocr_confidence", "v_approval_hours") == [(3.0, 40.0, 0.5)]
    assert ask("rule, version, outcome, result, applications", "v_application_checks") == [
        ("roster.units", "2", "refer", "unjudged", 4),
        ("votes.area", "1", "supplement", "failed", 4),
    ]
    assert ask("decision, reviewed, agreed, audit_sample, length(application)", "v_applications") == [
        ("approve", "approve", True, False, 32),
        ("propose_reject", "", None, False, 32),
        ("refer", "approve", None, False, 32),
        ("refer", "reject", False, True, 32),
    ]


def test_an_error_says_nothing_of_what_was_sent(clickhouse_server, store):
    sealed = seal("app-error")
    wrong = ApplicationStore(clickhouse_server.settings("viewer"), 0.1)
    for request in (lambda: wrong.write([sealed]), lambda: wrong.decided([NAME]), lambda: wrong.earlier([NAME])):
        with pytest.raises(StoreError) as caught:
            request()
        assert "ACCESS_DENIED" in str(caught.value)
        assert NAME not in str(caught.value)
    wrong.close()
    nobody = ApplicationStore(StoreSettings("http://127.0.0.1:1", "yuqing", "", "yuqing", 1), 0.1)
    with pytest.raises(StoreUnavailable):
        nobody.decided(["a"])
