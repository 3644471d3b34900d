"""What all parts of the report share: what they draw from, headings, figures, where a thing stands."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.applications import Decision, Reading
from udfs.brief.markup import Markup, plain, tag
from udfs.explanations.pictures import At, Snippet, Wanted
from udfs.explanations.values import Veil
from udfs.explanations.wording import titled

if TYPE_CHECKING:
    from udfs.types import Type


@dataclass(frozen=True)
class Report:
    """A decision with everything that a part of its report needs."""

    decision: Decision
    kind: Type
    veil: Veil
    snippets: Mapping[Wanted, Snippet]
    reading: Reading | None = None
    withheld: frozenset[At] = frozenset()
    """Pages of which no snippet may be shown: an L4 value stands there, nobody knows where."""

    def where(self, file: str, page: int, part: int = 0, document: str = "") -> str:
        """``公司章程，章程.pdf 第 2 页``: document, file, page and piece, as far as known."""
        if not file:
            return "申请表单"
        said = self.veil(os.path.normpath(file), 120)
        if page:
            said += f" 第 {page} 页"
        if part:
            said += f"（第 {part} 部分）"
        return f"{titled(self.kind.documents, document)}，{said}" if document else said

    def figure(self, wanted: Wanted | None, caption: str = "") -> Markup | None:
        """The snippet of a place with its number; None when there is none."""
        snippet = self.snippets.get(wanted) if wanted is not None else None
        if snippet is None:
            return None
        return tag(
            "figure",
            image(snippet),
            tag("figcaption", f"图 {snippet.number}　{caption}" if caption else f"图 {snippet.number}"),
            id=f"f{snippet.number}",
        )

    def reference(self, wanted: Wanted | None) -> Markup | None:
        """A link to a snippet that stands elsewhere in the report."""
        snippet = self.snippets.get(wanted) if wanted is not None else None
        return tag("a", f"图 {snippet.number}", href=f"#f{snippet.number}") if snippet is not None else None


def heading(text: str, beside: str = "") -> Markup:
    return tag("h2", text, tag("small", beside) if beside else None)


def image(snippet: Snippet) -> Markup:
    """At half its pixels, so that it prints sharp. The URI is ours: base64 and nothing of the application."""
    uri = plain(snippet.uri)
    return Markup(f'<img src="{uri}" width="{snippet.width // 2}" height="{snippet.height // 2}" alt=""/>')
