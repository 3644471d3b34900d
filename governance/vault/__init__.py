"""The vault: identifiers, sealed, with the rules for opening them.

Everything here is logic over a ``VaultStore`` (a Protocol; ``pipelines`` brings the one over ClickHouse) and the audit
ledger. Order of every access: decide, write the audit entry, then open. A refusal is written down too.
"""

from governance.roles import AccessRefused
from governance.vault.emergency import Emergencies, Emergency
from governance.vault.holds import Hold, Holds
from governance.vault.policy import RevealPolicy, load_policy
from governance.vault.reveal import Revealed, RevealedValue, Vault
from governance.vault.rows import PII_VAULT, PostFacts, VaultRow, VaultStore, vault_rows
from governance.vault.subject import Outcome, SubjectRequests

__all__ = [
    "PII_VAULT",
    "AccessRefused",
    "Emergencies",
    "Emergency",
    "Hold",
    "Holds",
    "Outcome",
    "PostFacts",
    "RevealPolicy",
    "Revealed",
    "RevealedValue",
    "SubjectRequests",
    "Vault",
    "VaultRow",
    "VaultStore",
    "load_policy",
    "vault_rows",
]
