"""Posts of which everything is known: what each is, which identifiers stand in it, which lines are no posts.

Every wave has the same posts under other ids, with the same times: so each must become the same rows and the same
alerts as the first, which nothing disturbs. The texts are plain: what the masker can find is measured elsewhere
(`yuqing bench pii`), here it must only never be skipped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

PLACES = ("郑州市二七区马寨镇", "荥阳市高村乡", "巩义市米河镇", "新密市超化镇", "登封市告成镇", "中牟县官渡镇")
CALLS = (
    "{place}水磨村房子进水到二楼了，被困{people}人，急需皮划艇救援，电话{phone}",
    "求助！{place}敬老院断水断电，有{people}位老人缺药，联系人电话 {phone}",
    "{place}有{people}名群众被洪水围困，请求紧急救援！身份证{identity}，手机{phone}",
)
EVERYDAY = (
    "今天的烩面真好吃，菜单要的发邮件到{mail}",
    "周末去公园看荷花，人不多，第{index}次来了，微信问路的打{phone}",
    "这部电影一般，票价倒是不便宜，第{index}排",
    "快递又晚了一天，客服让我留电话{phone}",
    "Lovely evening by the river, number {index}, write to {mail}",
)
EVERY_CALL, EVERY_BAD = 6, 150
"""One post in so many is a call for help, one line in so many is no post (the job stops itself at 1%)."""


@dataclass(frozen=True)
class Wave:
    """`count` lines under a name of its own, the first published at `begins` (epoch ms), ten a second."""

    name: str
    count: int
    begins: int

    def line(self, index: int) -> bytes:
        """The line, without its end."""
        if self.is_bad(index):
            return b'{"id":"%s","text":"%s' % (self.post_id(index).encode(), phone(index).encode())
        post = {
            "id": self.post_id(index),
            "platform": "weibo",
            "author": f"planted-author-{index % 97}",
            "created_at": self.begins + index * 100,
            "text": text(index),
        }
        return json.dumps(post, ensure_ascii=False).encode()

    def lines(self, first: int = 0, count: int | None = None) -> Iterator[bytes]:
        last = self.count if count is None else min(first + count, self.count)
        return (self.line(index) for index in range(first, last))

    def post_id(self, index: int) -> str:
        return f"{self.name}-{index:06d}"

    def is_bad(self, index: int) -> bool:
        return index % EVERY_BAD == EVERY_BAD - 1

    @cached_property
    def good(self) -> frozenset[int]:
        """Indices of the lines that are posts."""
        return frozenset(index for index in range(self.count) if not self.is_bad(index))

    @cached_property
    def bad(self) -> frozenset[str]:
        """SHA-256 of the lines that are none."""
        lines = (self.line(index) for index in range(self.count) if self.is_bad(index))
        return frozenset(hashlib.sha256(line).hexdigest() for line in lines)

    @cached_property
    def planted(self) -> frozenset[str]:
        """Identifiers that must stand nowhere in clear."""
        made = (function(index) for function in (phone, identity, mail) for index in range(self.count))
        return frozenset(made) | {f"planted-author-{number}" for number in range(97)}


def text(index: int) -> str:
    """Of post `index` of any wave. Calls come from a few callers again and again, so that alerts fold and rise."""
    templates = EVERYDAY if index % EVERY_CALL else CALLS
    caller = index if index % EVERY_CALL else index % (EVERY_CALL * 20)
    return templates[index // EVERY_CALL % len(templates)].format(
        index=index,
        place=PLACES[caller // EVERY_CALL % len(PLACES)],
        people=2 + caller % 5,
        phone=phone(caller),
        identity=identity(caller),
        mail=mail(index),
    )


def phone(index: int) -> str:
    return f"139{index * 7919 % 100_000_000:08d}"


def mail(index: int) -> str:
    return f"planted.person{index}@example.org"


def identity(index: int) -> str:
    """An identity number with a right check digit (GB 11643-1999)."""
    body = f"41010519{50 + index % 50}0{1 + index % 9}1{index % 10}{index * 31 % 1000:03d}"
    weighed = sum(int(digit) * (2 ** (17 - at) % 11) for at, digit in enumerate(body))
    return body + "10X98765432"[weighed % 11]
