"""What a government must be able to show about personal data: who may see what, why, and who did.

Keys and encryption (``keys``, ``crypto``, ``tokens``), the step that seals identities (``seal``), data classes,
roles, purposes, the vault's rules, the audit ledger and the circuit breaker. Pure logic over rows and columns:
nothing here talks to an engine or a database; where something must be stored, a small Protocol is passed in.
May be imported by ``pipelines``; imports ``schemas`` and libraries only.
"""
