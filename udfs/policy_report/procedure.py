"""Part 8: what a major administrative decision needs besides, as forms to fill in by hand.

In the order of the 重大行政决策程序暂行条例 (State Council decree 713, in force since 2019-09-01): chapter 2 public
participation, expert opinion, risk assessment; chapter 3 review of legality, collective discussion.
"""

from __future__ import annotations

from udfs.policy_report.blocks import Block, Form, Heading, Text

_FORMS = (
    Form(
        "（一）公众参与",
        "座谈会、听证会、公开征求意见、问卷等；意见怎样采纳，不采纳的理由。",
        (("方式与起止日期", 1), ("参加人与代表性", 2), ("主要意见", 3), ("采纳情况与理由", 3)),
        ("承办单位负责人", "日期"),
    ),
    Form(
        "（二）专家论证",
        "专业性、技术性较强的决策：必要性、可行性、科学性；推演所用的规则、假设和数据是否站得住。",
        (("专家或机构及其独立性", 2), ("对规则、假设和数据的意见", 3), ("结论", 2)),
        ("专家签名", "日期"),
    ),
    Form(
        "（三）风险评估",
        "社会稳定、公共安全、生态环境、财政等；第 6 部分所列拦截与提醒逐条写明怎样处置。",
        (("风险点与等级", 3), ("防范与化解措施", 3), ("结论", 1)),
        ("评估单位负责人", "日期"),
    ),
    Form(
        "（四）合法性审查",
        "决策权限、程序、内容是否合法；第 6 部分所列法定门槛是否都达到。",
        (("审查机构", 1), ("意见", 4)),
        ("审查人", "日期"),
    ),
    Form(
        "（五）集体讨论决定",
        "由决策机关常务会议或者全体会议讨论；采用的方案可以不是排在第一的方案，写明理由。",
        (("会议与出席人员", 2), ("不同意见", 2), ("决定采用的方案与理由", 3)),
        ("行政首长", "日期"),
    ),
)


def section() -> list[Block]:
    return [
        Heading("8　重大行政决策程序", page=True),
        Text(
            "以下各项由承办单位填写，软件不填。顺序依《重大行政决策程序暂行条例》（国务院令第 713 号）；"
            "财政政策等宏观调控决策、政府立法决策和突发事件应急处置决策，法律、行政法规另有规定，不依该条例。"
        ),
        *_FORMS,
    ]
