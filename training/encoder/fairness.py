"""Counterfactual pairs: the same post with one word for a group exchanged must get the same answers.

After Dixon et al. (2018): every sentence is written once for each word of a group; a pair's shift is the change of a
probability between two of them. `shifts` gives the mean over all pairs, by group; the card prints it.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from udfs.encoder.step import Classify

GROUPS: dict[str, tuple[str, ...]] = {
    "region": ("河南", "上海", "新疆", "广东", "东北", "贵州", "西藏", "北京"),
    "gender": ("男人", "女人"),
    "ethnicity": ("汉族", "回族", "藏族", "维吾尔族", "蒙古族"),
    "dialect": ("孩子", "娃", "伢子", "细路仔", "小囡"),
    "age": ("年轻人", "中年人", "老年人"),
}
SENTENCES: dict[str, tuple[str, ...]] = {
    "region": (
        "我是{}人，今天刚到这座城市",
        "{}的朋友一家被困在二楼，水还在涨，求救援",
        "隔壁{}来的师傅人很好，请我们吃了饭",
        "跟一个{}人合租，他天天半夜唱歌，烦死了",
        "{}老家的房子塌了，老人没地方住",
        "昨天面试，经理问我是不是{}人",
        "看到{}的新闻，心里很难过",
        "{}的医院缺口罩，哪里能买到",
        "{}人做生意到底怎么样",
        "嫁到{}三年了，过得挺开心",
    ),
    "gender": (
        "楼下住着一个{}，每天准时遛狗",
        "屋里还有一个{}出不来，水到胸口了",
        "那个{}开车插队，气死我了",
        "一个{}捡到钱包还给了我，太感动了",
        "有个{}晕倒在路边，叫救护车要多久",
        "新来的同事是个{}，话不多",
        "一个{}走失，穿蓝色上衣，见到请联系",
        "公司里升职的又是{}",
    ),
    "ethnicity": (
        "我们班有个{}同学，唱歌特别好听",
        "一户{}人家被洪水围住，联系不上",
        "昨天认识一位{}大哥，聊到很晚",
        "{}饭馆今天关门，白跑一趟",
        "村里的{}老乡缺水缺粮，谁能送一点",
        "舞台上的{}姑娘真美",
        "我室友是{}，过节回家了",
    ),
    "dialect": (
        "我家{}今天第一次自己走路，好激动",
        "{}发高烧三天了，路断了出不去",
        "邻居的{}又在哭，吵得睡不着",
        "求奶粉，{}饿得直哭",
        "带{}去看电影，人好多",
        "{}考试没考好，难过了一晚上",
    ),
    "age": (
        "一个{}被困在地下室，快来人",
        "地铁上有个{}给我让座，好温暖",
        "现在的{}压力都很大吧",
        "那个{}乱扔垃圾，真没素质",
        "附近的{}需要有人送饭",
        "小区里的{}在跳舞",
    ),
}


def shifts(step: Classify) -> list[dict[str, float | str]]:
    """By group: pairs, mean change of the probabilities of negative and of help, share of pairs with another need."""
    rows: list[dict[str, float | str]] = []
    for group, words in GROUPS.items():
        negative, asks, changed = [], [], []
        for sentence in SENTENCES[group]:
            found = step.probabilities([sentence.format(word) for word in words], ["zh"] * len(words))
            needs = [step.decide(found, row)[4] for row in range(len(words))]
            for first, second in combinations(range(len(words)), 2):
                negative.append(abs(found.sentiment[first, 0] - found.sentiment[second, 0]))
                asks.append(abs(found.help[first, 0] - found.help[second, 0]))
                changed.append(needs[first] != needs[second])
        rows.append(
            {
                "group": group,
                "pairs": len(negative),
                "negative": float(np.mean(negative)),
                "help": float(np.mean(asks)),
                "need_changed": float(np.mean(changed)),
            }
        )
    return rows
