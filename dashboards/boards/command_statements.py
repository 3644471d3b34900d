"""What 应急指挥 asks. Statements are built of the columns of ``episodes`` as ``e`` and of ``v_districts`` as ``d``."""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from dashboards import words
from dashboards.query import OPEN, counted, in_region, on_platform

WAITED = "greatest(0, dateDiff('minute', first_at, now()))"

PLACE_IN_LINE = "row_number() OVER (ORDER BY e.rank DESC, e.episode_id)"

# the path without the province and city that the whole wall is about
PLACE = """if(e.place = '', '地点不详',
        if(startsWith(e.place, concat(d.province, d.city)) AND length(e.place) > length(concat(d.province, d.city)),
            substring(e.place, length(concat(d.province, d.city)) + 1), e.place))"""

NEEDED = f"""arrayStringConcat(arrayFilter(said -> said != '',
        [{words.words("e.needs", "need")}, {words.words("e.hazards", "hazard")}]), '；')"""

PEOPLE = f"""concat(if(e.people IS NULL, '人数不详', concat(toString(e.people), ' 人')),
        if(empty(e.vulnerable), '', concat('（', {words.words("e.vulnerable", "vulnerable")}, '）')))"""

TOP_FIVE = f"""
SELECT
    concat(toString({PLACE_IN_LINE}), '. ', {words.word("e.state", "state")}, ' · 等待 ',
        toString({WAITED}), ' 分钟 · 求助者 ', toString(e.callers)) AS `序号`,
    concat('P', toString(e.priority), ' ', {NEEDED}, ' · ', {PLACE}, ' · ', {PEOPLE}) AS `事件`
FROM
(
    SELECT * FROM episodes WHERE {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 5
) AS e
LEFT JOIN v_districts AS d ON d.adcode = e.adcode
ORDER BY e.rank DESC, e.episode_id
"""

COUNTS = f"""
SELECT
    countIf(priority = 1) AS `P1 危及生命`,
    countIf(priority = 2) AS `P2 断粮断药或滞留`,
    countIf(priority = 3) AS `P3 物资人力险情`,
    countIf(state = 'unverified') AS `待核实`,
    countIf(deadline IS NOT NULL AND deadline < now() AND state != 'arrived') AS `已超时限`,
    maxOrNullIf({WAITED}, priority = 1 AND state = 'unverified' AND calls = 0) AS `最久未答 P1`
FROM episodes
WHERE {OPEN} AND {in_region()}
"""

EPISODES = f"""
WITH (SELECT groupArray((platform, post_id)) FROM (
    SELECT evidence[1].1 AS platform, evidence[1].2 AS post_id
    FROM episodes WHERE {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 50
)) AS first_posts
SELECT
    {PLACE_IN_LINE} AS `序`,
    e.priority AS `级别`,
    {NEEDED} AS `需要`,
    {PLACE} AS `地点`,
    {PEOPLE} AS `人数`,
    e.state AS `状态`,
    {WAITED} AS `已等待`,
    {words.shortened("c.said", 44)} AS `原文（已遮蔽）`,
    e.callers AS `求助者`,
    e.relays AS `转发`,
    e.owner AS `承办`,
    e.deadline AS `时限`,
    e.last_at AS `最后消息`,
    {words.why("e.reasons")} AS `其他依据`,
    arrayStringConcat(arrayMap(post -> concat(post.1, '/', post.2), arraySlice(e.evidence, 1, 3)), ' ') AS `证据帖`,
    e.first_at AS `首次消息`,
    e.episode_id AS `事件编号`
FROM
(
    SELECT * FROM episodes WHERE {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 50
) AS e
LEFT JOIN v_districts AS d ON d.adcode = e.adcode
LEFT JOIN
(
    SELECT platform, post_id, {words.spoken("any(text_l2)")} AS said FROM v_calls
    WHERE (platform, post_id) IN (SELECT one.1, one.2 FROM (SELECT arrayJoin(first_posts) AS one))
    GROUP BY platform, post_id
) AS c ON c.platform = e.evidence[1].1 AND c.post_id = e.evidence[1].2
ORDER BY e.rank DESC, e.episode_id
"""

MAP = f"""
SELECT any(d.name) AS `地区`, any(d.lat) AS lat, any(d.lon) AS lon, count() AS `未结束`, min(e.priority) AS `最急`,
    concat(`地区`, ' ', toString(`未结束`)) AS `标注`
FROM episodes AS e
INNER JOIN v_districts AS d ON d.adcode = e.adcode
WHERE e.state != 'closed' AND e.merged_into = '' AND {in_region("e.adcode")}
GROUP BY e.adcode
ORDER BY `最急`, `未结束` DESC
"""

NO_COUNTY = f"""
SELECT countIf(adcode = '') AS `不知区县`, countIf(place = '') AS `不知地点`
FROM episodes
WHERE {OPEN}
"""

# which alerts first, by what is cheap of all of them; then everything of those. A scalar is worked out once, a table of
# WITH again wherever it is named
ALERTS = f"""
WITH
    (SELECT groupArray(alert_id) FROM (
        SELECT alert_id FROM alerts WHERE $__timeFilter(last_at) AND {in_region()}
        ORDER BY last_at DESC, alert_id LIMIT 30
    )) AS latest,
    (SELECT groupArray((alert_id, post.1, post.2)) FROM (
        SELECT alert_id, argMax((platform, post_id), at) AS post FROM alert_posts
        WHERE alert_id IN (SELECT arrayJoin(latest)) GROUP BY alert_id
    )) AS last_posts
SELECT
    a.last_at AS `时间`,
    a.priority AS `级别`,
    if(a.place = '', '地点不详', a.place) AS `地点`,
    {words.alert_reasons("a.reasons")} AS `依据`,
    {words.shortened("c.said", 44)} AS `原文（已遮蔽）`,
    a.callers AS `求助者`,
    a.posts AS `帖数`,
    a.state AS `状态`,
    {words.word("a.rule", "rule")} AS `规则`,
    if(p.post_id = '', '', concat(p.platform, '/', p.post_id)) AS `证据帖`,
    a.alert_id AS `告警编号`
FROM
(
    SELECT * FROM alerts WHERE alert_id IN (SELECT arrayJoin(latest))
) AS a
LEFT JOIN
(
    SELECT one.1 AS alert_id, one.2 AS platform, one.3 AS post_id FROM (SELECT arrayJoin(last_posts) AS one)
) AS p ON p.alert_id = a.alert_id
LEFT JOIN
(
    SELECT platform, post_id, {words.spoken("any(text_l2)")} AS said FROM v_calls
    WHERE (platform, post_id) IN (SELECT one.2, one.3 FROM (SELECT arrayJoin(last_posts) AS one))
    GROUP BY platform, post_id
) AS c ON c.platform = p.platform AND c.post_id = p.post_id
ORDER BY a.last_at DESC, a.alert_id
"""

NEEDS = f"""
SELECT {words.word("need", "need")} AS `需要`, count() AS `未结束`
FROM episodes ARRAY JOIN needs AS need
WHERE {OPEN} AND need != 'offer' AND {in_region()}
GROUP BY need
ORDER BY `未结束` DESC, need
"""

ARRIVALS = f"""
SELECT
    $__timeInterval(minute) AS time, {words.word("platform", "platform")} AS source,
    sum(posts) * 60 / greatest($__interval_s, 60) AS Value
FROM v_post_counts
WHERE $__timeFilter(minute) AND {counted()} AND {on_platform()}
GROUP BY time, source
ORDER BY time, source
"""

CALLS = f"""
SELECT $__timeInterval(minute) AS time, {words.word("key", "need")} AS need,
    sum(posts) * 60 / greatest($__interval_s, 60) AS Value
FROM v_post_counts
WHERE $__timeFilter(minute) AND dimension = 'need' AND key != 'offer' AND {on_platform()}
GROUP BY time, need
ORDER BY time, need
"""

FEEDS = f"""
SELECT
    {words.word("platform", "platform")} AS `平台`,
    greatest(0, dateDiff('second', last_created_at, now64(3))) / 60 AS `距最新一帖`
FROM v_feeds
WHERE {on_platform()}
ORDER BY `距最新一帖` DESC, platform
"""

HAZARDS = f"""
SELECT
    {words.words("e.hazards", "hazard")} AS `险情`,
    {PLACE} AS `地点`,
    e.standing AS `说法`,
    e.claims AS `说有`,
    e.denials AS `说没有`,
    e.priority AS `级别`,
    e.last_at AS `最后消息`,
    e.state AS `状态`,
    e.episode_id AS `事件编号`
FROM
(
    SELECT * FROM episodes WHERE kind = 'hazard' AND {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 30
) AS e
LEFT JOIN v_districts AS d ON d.adcode = e.adcode
ORDER BY e.rank DESC, e.episode_id
"""
