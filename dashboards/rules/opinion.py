"""What people write, as a whole: keyword bursts and the mood of districts. Looked at every minute."""

from __future__ import annotations

from dashboards.rules.rule import AlertRule, district

INTERVAL_S = 60
TITLE = "舆情"

SPAN_MIN, BEFORE_H = 15, 6

BURST = AlertRule(
    uid="yuqing-keyword-burst",
    title="关键词突增",
    question="哪条关键词规则最近 15 分钟命中的帖子，是之前 6 小时平均每 15 分钟的多少倍？不足 20 帖不计。",
    # greatest(.., 5): against a rule that nobody ever met, twenty posts are four times too many, not infinitely many
    sql=f"""
WITH ($__toTime) - INTERVAL {SPAN_MIN} MINUTE AS recent
SELECT key AS keyword,
    sumIf(posts, minute >= recent) / greatest(sumIf(posts, minute < recent) / {BEFORE_H * 60 // SPAN_MIN}, 5) AS times
FROM v_post_counts
WHERE dimension = 'rule' AND $__timeFilter(minute)
GROUP BY key
HAVING sumIf(posts, minute >= recent) >= 20
""",  # noqa: S608 - of constants of this room
    looks_back_s=(BEFORE_H * 60 + SPAN_MIN) * 60,
    test="gt",
    limits=(3,),
    severity="warning",
    area="opinion",
    summary="关键词规则 {{ .Labels.keyword }}：15 分钟内为平时的 {{ humanize .Values.B.Value }} 倍",
    evidence="d/yuqing-opinion?from=now-6h&to=now",
    for_="1m",
    keep_firing_for="10m",
    error="KeepLast",
)

COLLAPSE = AlertRule(
    uid="yuqing-sentiment-collapse",
    title="地区情绪骤降",
    question="哪个地区上一整点小时的负面占比，比它自己之前 24 小时高出多少个百分点？"
    "上一小时不足 50 帖、之前不足 100 帖的不计。",
    # v_sentiment hides cells of fewer than 20 authors, so the whole is counted from v_post_counts. A hidden cell counts
    # as none now and as 19 posts before, about the most it can hide: what nobody may see never sets off an alert.
    sql=f"""
WITH toStartOfHour(($__toTime)) - INTERVAL 1 HOUR AS last_hour
SELECT if(c.adcode = '', 'all', c.adcode) AS adcode,
    if(c.adcode = '', '全部地区', {district("c.adcode", "d")}) AS district,
    100 * (
        sumIf(m.negative, c.hour = last_hour) / sumIf(c.posts, c.hour = last_hour)
        - sumIf(if(m.negative = 0, least(c.posts, 19), m.negative), c.hour < last_hour)
        / sumIf(c.posts, c.hour < last_hour)
    ) AS points
FROM
(
    SELECT toStartOfHour(minute) AS hour, key AS adcode, platform, sum(posts) AS posts
    FROM v_post_counts
    WHERE dimension IN ('all', 'adcode')
        AND minute >= last_hour - INTERVAL 24 HOUR AND minute < last_hour + INTERVAL 1 HOUR
    GROUP BY hour, adcode, platform
) AS c
LEFT JOIN
(
    SELECT hour, adcode, platform, posts AS negative
    FROM v_sentiment
    WHERE sentiment = 'negative' AND hour >= last_hour - INTERVAL 24 HOUR AND hour <= last_hour
) AS m ON m.hour = c.hour AND m.adcode = c.adcode AND m.platform = c.platform
LEFT JOIN v_districts AS d ON d.adcode = c.adcode
GROUP BY c.adcode, d.level, d.name, d.city, d.province
HAVING sumIf(c.posts, c.hour = last_hour) >= 50 AND sumIf(c.posts, c.hour < last_hour) >= 100
""",  # noqa: S608 - of constants of this room
    looks_back_s=26 * 3_600,
    test="gt",
    limits=(25,),
    severity="warning",
    area="opinion",
    summary="{{ .Labels.district }}：负面占比比前 24 小时高 {{ humanize .Values.B.Value }} 个百分点",
    evidence="d/yuqing-opinion?var-region={{ .Labels.adcode }}&from=now-24h&to=now",
    for_="2m",
    error="KeepLast",
)

RULES = (BURST, COLLAPSE)
