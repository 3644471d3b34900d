"""Lexicons of triage as keyword rule files."""
