"""What crosses a boundary: record columns, the step contract, settings, errors, keyword rules, SQL migrations.

Every room may import this one; it imports none of ours.
"""
