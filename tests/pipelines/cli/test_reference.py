from pathlib import Path

from pipelines.cli.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m pipelines.cli.reference > docs/cli.md"
