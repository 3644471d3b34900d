"""The opinion job: what happens to a post, from the feed to the store.

Rules fire before the model, so a slow model does not hold back a keyword alert of the same batch; the vault is written
before the post, so that a stored post never lacks the identifiers that were masked in it.
"""

from __future__ import annotations

from governance.audit import RecordDecisions
from governance.seal import Seal
from pipelines.engines.job import Job
from pipelines.jobs.dead_letters import CountedDeadLetters, StoredDeadLetters
from pipelines.jobs.site import Site
from pipelines.jobs.traced import NoteRules
from pipelines.store.alerts import WriteAlerts
from pipelines.store.settle import Settle
from pipelines.store.shed import NoteLag
from pipelines.store.sinks import StorePosts, StoreVault
from schemas.settings import Settings
from schemas.step import Step
from udfs.encoder.shedding import SheddingClassify
from udfs.encoder.step import Classify
from udfs.keywords.step import Match
from udfs.language import Language
from udfs.parse import Parse
from udfs.pii.step import Mask
from udfs.places.step import Locate
from udfs.render import Render
from udfs.triage.step import Triage

NAME = "opinion"
PURPOSE = "Find calls for help and public moods in published posts, so that rescue and city services can respond."
LAWFUL_BASIS = "emergency, statutory_duty, public_information"


def opinion(site: Site) -> Job:
    """The stream: parse -> mask -> match -> locate -> (alert) -> classify -> triage -> (alert) -> render -> store.

    What was decided is in the audit ledger before anything follows from it. A live stream that falls behind gives up
    labels of posts that cannot be calls, and nothing else (`udfs.encoder.shedding`).
    """
    store, alerts = site.store, site.settings.alerts
    parse, language, mask, match, locate, classify, triage, render = _steps(
        site.settings, NoteRules(site.home), live=site.live
    )
    return Job(
        name=NAME,
        purpose=PURPOSE,
        lawful_basis=LAWFUL_BASIS,
        steps=(
            parse,
            language,
            mask,
            Seal(site.home, site.settings.keys.master, site.settings.keys.token),
            *((Settle(store),) if site.generation else ()),
            match,
            locate,
            WriteAlerts(store, "rules", generation=site.generation, max_age_hours=alerts.max_age_hours),
            classify,
            triage,
            RecordDecisions(site.home, NAME, site.run),
            WriteAlerts(store, "needs", generation=site.generation, max_age_hours=alerts.max_age_hours),
            render,
            StoreVault(store, generation=site.generation),
            StorePosts(store, generation=site.generation, job=NAME),
            *((NoteLag(store, site.run),) if site.live else ()),
        ),
        dead_letters=StoredDeadLetters(site.home, store, site.settings.keys.master, NAME),
    )


def score(settings: Settings, dead_letters: CountedDeadLetters) -> Job:
    """The same steps as a filter: nothing is stored, alerted or sealed, and no key or service is needed."""
    return Job("score", PURPOSE, LAWFUL_BASIS, _steps(settings), dead_letters)


def mask(dead_letters: CountedDeadLetters) -> Job:
    """Masking alone, shared places too."""
    return Job("mask", PURPOSE, LAWFUL_BASIS, (Parse(), Language(), Mask(mask_places=True)), dead_letters)


def _steps(settings: Settings, rules_changed: NoteRules | None = None, live: bool = False) -> tuple[Step, ...]:
    return (
        Parse(),
        Language(),
        Mask(),
        Match(settings.rules.folders or None, changed=rules_changed),
        Locate(),
        _classify(settings, live),
        Triage(),
        Render(),
    )


def _classify(settings: Settings, live: bool) -> Classify:
    model, overload = settings.model, settings.overload
    bundle = str(model.bundle) if model.bundle else None
    batch_texts = max(512, settings.flink.batch)  # a GPU wants the engine's batch whole
    if live and overload.lag_s:
        limits = {"lag_s": overload.lag_s, "back_s": overload.back_s}
        return SheddingClassify(bundle, **limits, cache_size=model.memo, batch_texts=batch_texts, device=model.device)
    return Classify(bundle, cache_size=model.memo, batch_texts=batch_texts, device=model.device)
