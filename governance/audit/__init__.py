"""The audit ledger: who did what, when and why, in a form that shows every later change.

Each writer (a worker, the command line, the vault) appends to a file of its own under ``HOME/audit``; every entry
carries the hash of the one before. From time to time the newest hash of every writer is put into one *head*, signed
with the Ed25519 key of ``HOME/keys/audit.key`` and chained to the head before; the newest head is also kept outside
the ledger (``anchor``). ``verify`` finds any entry that was removed, altered, inserted or moved, and says which.

What it cannot find: entries cut off after the newest head (a killed process leaves such a tail too; it is counted and
shown), and anything done by someone who holds the signing key and every copy of the head. On one machine with one
account no duties are separated: keep the anchor where the machine's administrator cannot write.
"""

from governance.audit.changes import note_change
from governance.audit.decisions import Decisions, RecordDecisions, untaken
from governance.audit.heads import Head, public_key, seal_heads
from governance.audit.ledger import (
    AUDIT_LOG,
    AuditEntry,
    Follow,
    Ledger,
    find_entry,
    newest_first,
    now_ms,
    writers,
)
from governance.audit.verify import Problem, Report, verify

__all__ = [
    "AUDIT_LOG",
    "AuditEntry",
    "Decisions",
    "Follow",
    "Head",
    "Ledger",
    "Problem",
    "RecordDecisions",
    "Report",
    "find_entry",
    "newest_first",
    "note_change",
    "now_ms",
    "public_key",
    "seal_heads",
    "untaken",
    "verify",
    "writers",
]
