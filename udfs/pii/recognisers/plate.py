"""Number plates of motor vehicles: GA 36-2018, with the six-place plates of new-energy vehicles."""

from __future__ import annotations

from udfs.pii.recogniser import IdentifierRecogniser

_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_L = "A-HJ-NP-Z"
_D = r"[ .·\-・•●\ufffc]?"
_WORD = r"(?:车牌|号牌|牌照|车号)(?:号码?)?[:：是为 ]{0,3}"


class PlateRecogniser(IdentifierRecogniser):
    """CN_PLATE. Letters I and O are not used; at least two places of five are digits."""

    ENTITY = "CN_PLATE"
    GATES = (
        r"\d",
        rf"{_PROVINCE[:-1]}使领jJ牌照号](?:(?<={_PROVINCE}) ?[A-Za-z]|(?<=使) ?\d|(?<=\d[使领])|(?<=[wW][jJ])|"
        r"(?<=[车号]牌)|(?<=牌照)|(?<=车号))",
    )
    CONTEXT = ("车牌", "牌照", "车号", "号牌", "车主", "司机", "轿车", "肇事")
    PATTERNS = (
        ("ordinary", rf"{_PROVINCE} ?[A-Z]{_D}[{_L}0-9]{{4}}[{_L}0-9挂学警港澳领](?![A-Za-z0-9])", 0.7),
        ("run into text", rf"{_PROVINCE}[A-Z]{_D}\d{{5}}(?=[A-Za-z])", 0.5),
        ("run into a date", rf"{_PROVINCE}[A-Z]{_D}\d{{5}}(?=\d{{1,2}}月)", 0.6),
        ("new energy, small", rf"{_PROVINCE} ?[A-Z]{_D}[DFABCEGHJK][{_L}0-9]\d{{4}}(?![A-Za-z0-9])", 0.75),
        ("new energy, large", rf"{_PROVINCE} ?[A-Z]{_D}\d{{5}}[DFABCEGHJK](?![A-Za-z0-9])", 0.75),
        ("emergency and temporary", rf"{_PROVINCE}[A-Z]{_D}(?:\d{{4}}应急|临{_D}\d{{5}}(?!\d))", 0.7),
        ("embassy and consulate", r"(?:使 ?\d{6}|\d{6}使|[A-Z]\d{5}领)(?![A-Za-z0-9])", 0.3),
        ("armed police", rf"WJ{_D}{_PROVINCE}?{_D}\d{{4}}[0-9{_L}]", 0.6),
        (
            "announced",
            rf"{_WORD}(?P<span>[\u4e00-\u9fff] ?[A-Z]{_D}[{_L}0-9](?:{_D}[{_L}0-9]){{4,5}})(?![A-Za-z0-9月日])",
            0.6,
        ),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for a body of letters, and for one with lower-case letters that is hardly digits: words, not plates."""
        digits = sum(char.isdigit() for char in pattern_text)
        return None if digits >= (2 if pattern_text == pattern_text.upper() else 4) else False
