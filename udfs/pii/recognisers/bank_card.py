"""Bank cards: ISO/IEC 7812, 15 to 19 digits, with the issuer ranges in use in China; and announced accounts."""

from __future__ import annotations

import re

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser
from udfs.pii.recognisers.mobile import ORDER_CONTEXT

_BIN = r"(?:62\d\d|4\d{3}|5[1-5]\d\d|35\d\d|9558|(?:10|60|68|81|90|94|95|98)\d\d)"
_S = r"[ \-.·_/|\ufffc\r\n]{1,2}"
_ANNOUNCED = (
    r"(?:[卡账帐折][ \t]{0,4}[号户]|银行卡|储蓄卡|信用卡|借记卡|社保卡|[工农建中交招]行卡|邮储卡|卡(?=[:：])|户头|"
    r"(?:bank|credit|debit) ?card|card ?(?:no\b\.?|number|num)|bank account|account ?(?:no\b\.?|number))"
)


class BankCardRecogniser(IdentifierRecogniser):
    """BANK_CARD. Luhn's check digit; without it only the common ranges or the word make a card of a number."""

    ENTITY = "BANK_CARD"
    AHEAD = r"\d"
    GATES = (SEVEN_DIGITS, r"(?:\d\D{0,3}){11}\d")
    NUMERALS = True
    CONTEXT = (
        "银行", "卡号", "账号", "账户", "储蓄", "信用卡", "借记", "打款", "转账", "汇款", "工行", "建行", "农行",
        "中行", "招行", "交行", "邮储", "开户", "card", "bank", "捐款", "收款", "户名", "银联",
    )  # fmt: skip
    AGAINST = (*ORDER_CONTEXT, "快递", "物流")
    WINDOW = (18, 6)
    PATTERNS = (
        ("UnionPay", r"(?<!\d)(?<!\d[.])62\d{14}(?:\d{3}|\d{1,2})?(?!\d)", 0.6),
        (
            "UnionPay, grouped",
            rf"(?<!\d)62\d{{2}}(?:{_S}\d{{4}}){{3}}(?:[ \-.·_/|\ufffc]{{0,2}}\d{{1,3}})?(?!\d)",
            0.65,
        ),
        ("international, grouped", rf"(?<!\d){_BIN}(?:[ \-]\d{{4}}){{3}}(?:[ \-]?\d{{1,3}})?(?!\d)", 0.45),
        ("grouped otherwise", rf"(?<!\d)62\d{{4}}{_S}\d{{9,13}}(?!\d)", 0.5),
        ("American Express, grouped", r"(?<!\d)3[47]\d{2}[ \-]\d{6}[ \-]\d{5}(?!\d)", 0.45),
        ("other ranges", rf"(?<!\d)(?<!\d[.]){_BIN}\d{{11,15}}(?!\d)", 0.2),
        ("any long number", r"(?<!\d)(?<!\d[.])[1-9]\d{11,18}(?!\d)", 0.05),
        (
            "announced",
            rf"{_ANNOUNCED}(?:(?!电话|金额|资产|余额|热线)[^0-9\n]){{0,8}}"
            r"(?P<span>\d(?:[ \-.·_/|\ufffc\r\n]{0,3}\d){11,20})(?!\d)(?![元万亿])",
            0.5,
        ),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """True when Luhn's sum is right and the range is a card's; an order number passes Luhn one time in ten."""
        digits = re.sub(r"[^0-9]", "", pattern_text)
        if len(set(digits)) < 2:
            return False
        if not re.fullmatch(r"(?:62|9558)\d{12,17}|4\d{15}|5[1-5]\d{14}|35\d{14}|3[47]\d{13}", digits):
            return None
        total = 0
        for i, char in enumerate(reversed(digits)):
            value = int(char) * (1 + i % 2)
            total += value - 9 if value > 9 else value
        return True if total % 10 == 0 else None
