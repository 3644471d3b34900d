"""Generator of application folders with known truth, for the accuracy, wrong approvals and time of approval.

    python -m loadtest.applications --output DIR --count N --seed S --split tune|figure

    plan         index -> type, kind, defect (pure)         invention, writing   values, and how they are printed
    road, ...    a type: its papers, values and defects     faults, hostile      defects that every type knows
    layouts, placing   papers -> sheets of marks              faces                fonts of the two splits
    pdf, word, picture, wear   sheets -> files              folders              one application's folder and truth

Knows the types' fields and rules by name only (a test holds them together); docs/approval-generator.md says the rest.
"""
