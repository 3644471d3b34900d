"""One form for the many ways a word is typed, without moving a single offset.

Full-width ASCII becomes half-width, Latin letters lower case, traditional characters of the emergency vocabulary
simplified. Every code point maps to exactly one code point, so spans in the normalised text are spans in the post.

Not a converter for reading: only the traditional characters that occur in rules (and common words around them) are
listed. Add a pair below when a new term needs one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

# traditional then simplified, pair by pair
_PAIRS = (
    "災灾難难淹淹斷断電电氣气煙烟樓楼漲涨沒没過过無无來来們们個个這这裡里裏里從从開开關关門门車车緊紧"
    "醫医藥药療疗護护傷伤癥症診诊發发燒烧熱热隔隔離离確确疫疫"
    "聯联繫系絡络繩绳係系線线話话電电號号碼码"
    "衝冲鋒锋"
    "壩坝渦涡澇涝濕湿溝沟滿满滅灭漿浆瀉泻瀰弥溫温潰溃滯滞"
    "築筑塌塌牆墙壞坏壓压圍围場场墊垫屍尸屋屋"
    "瓊琼礦矿砲炮礮炮磚砖磯矶"
    "風风颱台颶飓飛飞館馆飢饥餓饿飯饭飲饮餵喂餘余馬马驚惊"
    "燈灯爐炉爛烂燃燃爾尔牽牵"
    "轉转輕轻輛辆輪轮軍军運运達达遠远遞递還还邊边遷迁遺遗鄉乡鄰邻"
    "產产妊妊婦妇嬰婴兒儿孫孙學学"
    "歲岁歸归時时暫暂會会條条橋桥機机樁桩"
    "殘残殺杀毀毁決决況况洩泄"
    "傳传僅仅價价倉仓備备優优儲储億亿"
    "請请謝谢謠谣證证誰谁調调論论識识訊讯訴诉該该認认讓让說说誤误諮咨"
    "報报導导屬属島岛嶺岭縣县"
    "帶带幫帮幹干庫库應应廠厂廣广廳厅"
    "張张強强彈弹後后徑径復复"
    "愛爱慘惨憂忧懸悬戰战"
    "擴扩擊击擔担據据擠挤擁拥撲扑揚扬換换損损搶抢擋挡擱搁攜携攔拦拋抛採采"
    "數数"
    "區区協协"
    "喪丧嚴严嚇吓噴喷嗎吗問问啟启員员"
    "國国園园圖图團团塊块塵尘"
    "夠够夥伙頭头頂顶順顺須须預预顧顾題题願愿類类額额"
    "糧粮紗纱級级紅红純纯紙纸細细終终組组結结給给統统絕绝經经維维網网綠绿緩缓編编縮缩總总續续"
    "羅罗義义習习聽听聲声職职"
    "脫脱腫肿腳脚臉脸臟脏"
    "艙舱蓋盖蘇苏處处虧亏蟲虫蛻蜕術术衛卫補补裝装複复見见規规視视覺觉觸触"
    "計计訂订記记許许設设評评試试詢询語语課课談谈變变"
    "貓猫貝贝負负貨货貧贫責责貴贵買买費费資资賣卖質质賬账購购贈赠"
    "趕赶趙赵踐践躍跃踴踊"
    "釋释鐵铁銀银錢钱錯错鍋锅鎖锁鏟铲鎮镇長长閉闭間间陣阵陰阴陸陆隊队階阶際际隨随險险隱隐雙双雜杂"
    "雲云霧雾靜静響响"
    "魚鱼鳥鸟麗丽麥麦麼么黃黄點点齊齐齡龄龍龙龜龟"
    "剛刚創创動动務务勝胜勞劳勢势勸劝"
    "佈布併并內内兩两冊册寫写凍冻剩剩幾几"
    "實实審审寬宽寶宝對对尋寻將将"
    "拯拯敗败敵敌於于"
    "樹树權权歡欢殼壳"
    "濟济潔洁淚泪滾滚潛潜"
    "爭争為为狀状獨独獲获"
    "畫画異异當当痠酸瘋疯瘡疮盡尽監监"
    "碎碎確确礙碍禍祸禮礼種种稱称穩稳積积"
    "窮穷競竞筆笔節节簡简籃篮簽签"
    "週周進进連连遊游選选適适郵邮"
    "鋼钢鋪铺鑽钻鑰钥鍵键鏈链"
    "陳陈陽阳雖虽難难離离電电"
    "駕驾駛驶驗验騎骑騙骗"
    "髒脏鬆松鬧闹"
)
_SIZE = 0x10000
_SURROGATE = re.compile("[\ud800-\udfff]")


@cache
def _table() -> npt.NDArray[np.uint16]:
    """uint16 map over the basic plane; surrogates map to themselves, so astral characters pass unchanged."""
    table = np.arange(_SIZE, dtype=np.uint16)
    for code in range(0xFF01, 0xFF5F):
        table[code] = code - 0xFEE0
    table[0x3000] = 0x20
    table[0x00A0] = 0x20
    for upper in range(ord("A"), ord("Z") + 1):
        table[upper] = upper + 32
        table[upper + 0xFEE0] = upper + 32
    for traditional, simplified in zip(_PAIRS[::2], _PAIRS[1::2], strict=True):
        table[ord(traditional)] = ord(simplified)
    return table


def normalise(text: str) -> str:
    """Return ``text`` in the form that rules are matched in; same length in code points. About 3 ns a character."""
    codes = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype=np.uint16)
    normal = _table()[codes].tobytes().decode("utf-16-le", "surrogatepass")
    if len(normal) != len(text):  # two lone surrogates side by side would become one character
        return normalise(_SURROGATE.sub("\ufffd", text))
    return normal


def join(texts: Sequence[str]) -> tuple[str, list[int]]:
    """Return the normalised texts in one string, one NUL after each, and the offset at which each begins.

    One pass of the automaton over a whole batch costs a fraction of a pass a post; no term contains NUL, so nothing
    matches across a border.
    """
    starts = []
    at = 0
    for text in texts:
        starts.append(at)
        at += len(text) + 1
    return normalise("\0".join(texts) + "\0"), starts
