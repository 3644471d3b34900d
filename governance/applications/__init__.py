"""Decisions on applications, made fit for the store: what documents say is sealed, what remains are codes and figures.

    Decision, classes of its type -> SealApplications -> Sealed (a row of `applications`, rows of `pii_vault`)
    row, vault, officer           -> Applications     -> Opened, after an audit entry

In clear stand only values of a closed form (``CLEAR_KINDS``) of class L1 or L2, and only where they are of that form:
what OCR took for a business scope may be somebody's name, and what it took for an amount a telephone number. Everything
else is sealed by the same machinery as identifiers of posts, in the same table, with platform ``application`` and the
place in ``field_names`` for ``start``. So ``keys list`` counts it, requests of persons find it by its token, and it
ends after the 30 days of L4: the originals stay where they are, and equal inputs give an equal decision again.

The sealed values are bound to application, field and place, by another context than those of posts: a reveal of a post
opens none of them, whatever its platform is called.
"""

from governance.applications.opening import Applications, Opened, may_see
from governance.applications.rows import (
    PLATFORM,
    ApplicationRow,
    Kind,
    ReviewRow,
    Sealed,
    SealedReview,
)
from governance.applications.sealing import CaseSeal, SealApplications, agrees, reason_code

__all__ = [
    "PLATFORM",
    "ApplicationRow",
    "Applications",
    "CaseSeal",
    "Kind",
    "Opened",
    "ReviewRow",
    "SealApplications",
    "Sealed",
    "SealedReview",
    "agrees",
    "may_see",
    "reason_code",
]
