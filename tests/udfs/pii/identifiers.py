"""Made-up identifiers, valid by their standards, from a random source that is passed in."""

from __future__ import annotations

import random

_HAN = "的一是在不了有和人这中大为上个国我以要他来用们生到作地于出就会可主发年动同工也能下过子说产种面而方后多定行学"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"


def digits(r: random.Random, n: int) -> str:
    return "".join(r.choices("0123456789", k=n))


def han(r: random.Random, n: int) -> str:
    return "".join(r.choices(_HAN, k=n))


def mobile(r: random.Random) -> str:
    return f"1{r.choice('3456789')}{digits(r, 9)}"


def landline(r: random.Random) -> str:
    return f"{r.choice(['010', '021', '0371', '0755', '0991', '025'])}-{r.choice('23456789')}{digits(r, 7)}"


def resident_id(r: random.Random, *, right: bool = True) -> str:
    body = f"{r.choice(['110105', '410103', '440305', '650102'])}{r.randint(1930, 2020)}{r.randint(1, 12):02}"
    body += f"{r.randint(1, 28):02}{digits(r, 3)}"
    check = sum(int(c) * w for c, w in zip(body, _WEIGHTS, strict=True)) % 11
    return body + "10X98765432"[check if right else (check + 4) % 11]


def resident_id_15(r: random.Random) -> str:
    return f"410103{r.randint(30, 99)}{r.randint(1, 12):02}{r.randint(1, 28):02}{digits(r, 3)}"


def bank_card(r: random.Random, *, length: int = 19, right: bool = True) -> str:
    body = "622202" + digits(r, length - 7)
    total = 0
    for i, char in enumerate(reversed(body + "0")):
        value = int(char) * (1 + i % 2)
        total += value - 9 if value > 9 else value
    return body + str((-total + (0 if right else 3)) % 10)


def uscc(r: random.Random, *, right: bool = True) -> str:
    body = "91" + r.choice(["410100", "440300", "110108"]) + "MA" + "".join(r.choices(_USCC, k=7))
    total = sum(_USCC.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _USCC[(31 - total + (0 if right else 5)) % 31]


def plate(r: random.Random) -> str:
    head = r.choice(PROVINCES) + r.choice("ABCDEFGH")
    return head + r.choice(
        [digits(r, 5), "D" + digits(r, 5), digits(r, 5) + "F", "Q" + digits(r, 4), "AB" + digits(r, 3)]
    )


def passport(r: random.Random) -> str:
    return r.choice(["E" + digits(r, 8), "G" + digits(r, 8), "EK" + digits(r, 7)])


def permit(r: random.Random) -> str:
    return r.choice(["H" + digits(r, 8), "C" + digits(r, 8), "M" + digits(r, 8)])


def email(r: random.Random) -> str:
    return (
        "".join(r.choices("abcdefgh_", k=3)) + f"x{digits(r, 3)}@{r.choice(['qq.com', '163.com', 'mail.example.cn'])}"
    )


def ip_address(r: random.Random) -> str:
    return f"{r.randint(101, 223)}.{r.randint(10, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}"


def url(r: random.Random) -> str:
    return f"http://t.cn/{''.join(r.choices('abcXYZ', k=3))}{digits(r, 4)}"
