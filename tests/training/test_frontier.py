"""What the README says of the shipped models is what their bundles say."""

from pathlib import Path

from training.encoder.frontier import table

ROOT = Path(__file__).parents[2]


def test_the_readme_quotes_the_bundles() -> None:
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8")
