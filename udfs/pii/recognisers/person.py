"""Names that their surroundings give away, whatever the tagger thinks: a form of address, a label, "my name is"."""

from __future__ import annotations

from udfs.pii.names import COMPOUND_SURNAMES, SURNAME_AND_TITLE, SURNAMES
from udfs.pii.recogniser import IdentifierRecogniser

_FULL = rf"(?:(?:{'|'.join(COMPOUND_SURNAMES)})[\u4e00-\u9fff]{{1,2}}|[{SURNAMES}][\u4e00-\u9fff]{{1,2}})"
_LABEL = "联系人|求助人|收件人|收货人|负责人|报警人|当事人|被困人员|失联人员|失联者|姓名|户主|患者|户名|名字"

_LABEL_STARTS = "".join(sorted({label[0] for label in _LABEL.split("|")}))


class AddressedPersonRecogniser(IdentifierRecogniser):
    """PERSON: 张女士 (the title belongs to a bare surname), 联系人：李小明, 我叫李小明."""

    ENTITY = "PERSON"
    HAN_ONLY = True
    GATES = (
        rf"(?=[先女小太阿叔大奶爷婆老医师同某我{_LABEL_STARTS}])(?:先生|女士|小姐|太太|阿姨|叔叔|[大奶爷婆][爷妈娘婶叔伯姐奶婆夫]|老师|医生|师傅|同学|某|我叫|{_LABEL})",
    )
    PATTERNS = (
        ("surname and title", SURNAME_AND_TITLE.pattern, 0.7),
        ("half named", rf"(?<![\u4e00-\u9fff])[{SURNAMES}]某[\u4e00-\u9fff](?=事件|案|[（(，,、。0-9和等因涉])", 0.75),
        ("labelled", rf"(?=[{_LABEL_STARTS}])(?:{_LABEL})[:： ]{{1,2}}(?P<span>{_FULL})(?![\u4e00-\u9fff])", 0.85),
        ("my name is", rf"我叫(?P<span>{_FULL})(?![\u4e00-\u9fff])", 0.8),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for a brand, and for thanks ("谢谢爷爷")."""
        return False if pattern_text in ("康师傅", "牛奶奶", "谢谢") or pattern_text[0] == "谢" else None
