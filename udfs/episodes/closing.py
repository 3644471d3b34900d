"""Whether a post says that a call was answered: it may propose `closed`, and never more than propose.

The lexicon of `udfs.triage.state` finds the words; here every doubt counts against them. A closing that is missed costs
a phone call, a false one may cost a life.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from udfs.triage.evidence import read
from udfs.triage.state import state_of

_DOUBT = re.compile(
    r"如果|如已|如能|如有|如未|若|倘|要是|万一|假如|直到|一旦|部分|分之|一半|大半|陆续|分批|还有|尚有|仍|剩|其余|其他人|另有|另外|"
    r"还在|还被|还缺|还需|还差|尚未|未能|未知|只差|除了|希望|但愿|祝愿|祈(?!祷\])|盼|愿[他她它你大所]|是否|有没有|能否|不知|听说|据说|网传|"
    r"[吗么嘛][?？!！。，,\s]|[?？]|真的假的|求证|未经|未核实|\bif\b|\bhope|\bpray|\bsome of\b|\bnot\b",
    re.IGNORECASE,
)
"""Anywhere in the post."""
_DENIED = re.compile(r"不|没|未|等|请|求(?!助)|快|赶紧|需要|准备|计划|正在|将|无法|难以|来不及")
"""In the same clause, before the word of an answer."""
_CLAUSE = re.compile(r"[，,。.！!？?；;：:\n~]")
MAY_CLOSE = (
    "获救|得救|脱险|平安|救出|接出|救走|接走|转移|撤离|撤出|找到|联系上|已解决|停止转发|不用转|别再转|再转发|求助结束|安全|不需要|"
    "已送到|已到位|已入院|住院|rescued|safe|been found|no longer needed"
)
"""The cheap look before the dear one: RE2 and `re` read it alike."""
_ANSWERED = re.compile(
    r"(?:都|均|全部?|已经?|全家|平安|母子|大人孩子)(?:已经?|都|被)?(?:平安|获救|得救|脱险|救出|接出|接走|救走|转移(?!到安全的?前)|撤离|撤出|找到|联系上)|"
    r"(?:获救|得救|脱险|救出来|接出来|救走|接走|找到|联系上|平安)(?:了|啦)|之前的求助(?:信息)?(?:已解决|已完成|可以删|作废)"
)
"""Words of an answer that the lexicon leaves out beside 求 or the like; the doubts hold for them too."""
_QUOTED = re.compile(r"//\s*@.*$", re.DOTALL)


def proposes_closed(text: str, needs: Sequence[str], hazards: Sequence[str]) -> bool:
    """Whether ``text`` says without a doubt that help came or is no longer needed. ``needs`` are those it asks for.

    A forwarded tail is what somebody else wrote before: only the comment speaks. Cost: about 0.2 ms where MAY_CLOSE
    matches; nothing else is worth asking.
    """
    own = _QUOTED.sub("", text)
    if _DOUBT.search(own):
        return False
    for found in _ANSWERED.finditer(own):
        before = _CLAUSE.split(own[max(0, found.start() - 20) : found.start()])[-1]
        if not needs and not _DENIED.search(before):
            return True
    evidence = read(own)
    if state_of(evidence, frozenset(needs), hazards).label != "closed":
        return False
    for hit in [*evidence.of("state", "done"), *evidence.of("state", "withdrawn")]:
        before = _CLAUSE.split(own[max(0, hit.start - 20) : hit.start])[-1]
        withdrawn = hit.rule.id == "withdrawn" or hit.term[:1] in "不停"
        if withdrawn or not _DENIED.search(before):
            return True
    return False
