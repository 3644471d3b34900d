"""What a brief asks the store. Every number of the page comes from one of these statements, which its annex shows.

Parameters: start, end (ms, the period is [start, end)), step (ms of the time line). They are asked as ``operator``:
labels, ids and counts of base tables, and views; never stored text of base tables. ``PEOPLE`` alone is asked by the
pipeline's own account, since nobody else may read author tokens; it answers with two counts.
"""

from __future__ import annotations

_CREATED = """created_at >= fromUnixTimestamp64Milli({start:Int64})
    AND created_at < fromUnixTimestamp64Milli({end:Int64})"""
_ASKS = "arrayExists(x -> x.need != 'offer', p.needs)"
_OFFERS = "arrayExists(x -> x.need = 'offer', p.needs)"
OPEN_MS = 48 * 3_600_000
"""An episode that nobody closed is still in a brief this long after its last post."""

TIMELINE = f"""
SELECT
    intDiv(toUnixTimestamp64Milli(created_at) - {{start:Int64}}, {{step:Int64}}) AS bin,
    count() AS posts, countIf({_ASKS}) AS calls, countIf({_ASKS} AND priority = 1) AS urgent,
    countIf({_OFFERS}) AS offers
FROM posts AS p FINAL
WHERE {_CREATED}
GROUP BY bin ORDER BY bin
"""  # noqa: S608 - only constants of this module are filled in, here and below

PEOPLE = rf"""
SELECT if(authors >= 20, toNullable(intDiv(authors + 2, 5) * 5), NULL) AS authors, posts, originals
FROM
(
    SELECT
        uniqExactIf(author_token, author_token != '') AS authors, count() AS posts,
        uniqExact(cityHash64(replaceRegexpAll(text_l2, '//\\s*@.*|<[A-Z_]+>|[\\s\\d[:punct:]]+', ''))) AS originals
    FROM posts FINAL
    WHERE {_CREATED}
)
"""  # noqa: S608

COPIES = """
SELECT sum(posts) AS originals, sum(copies) AS copies
FROM v_topic_hours
WHERE hour >= toStartOfHour(fromUnixTimestamp64Milli({start:Int64})) AND hour < fromUnixTimestamp64Milli({end:Int64})
"""

ALERTS = """
SELECT
    intDiv(toUnixTimestamp64Milli(first_at) - {start:Int64}, {step:Int64}) AS bin,
    count() AS alerts, countIf(state != 'open') AS taken
FROM alerts
WHERE first_at >= fromUnixTimestamp64Milli({start:Int64}) AND first_at < fromUnixTimestamp64Milli({end:Int64})
GROUP BY bin ORDER BY bin
"""

SILENCES = """
SELECT place, toUnixTimestamp64Milli(first_at) AS since, reasons
FROM alerts
WHERE rule = 'silence' AND last_at >= fromUnixTimestamp64Milli({start:Int64})
    AND first_at < fromUnixTimestamp64Milli({end:Int64})
ORDER BY first_at LIMIT 50
"""

# e.: without it WHERE would mean the aliases
_HAPPENED = f"""e.merged_into = '' AND e.first_at < fromUnixTimestamp64Milli({{end:Int64}})
    AND greatest(e.last_at, e.last_posted_at)
        >= fromUnixTimestamp64Milli({{start:Int64}} - if(e.state = 'closed', 0, {OPEN_MS}))"""
_OPEN = "e.state != 'closed'"

TOTALS = f"""
SELECT
    count() AS episodes, countIf({_OPEN}) AS open, countIf({_OPEN} AND priority = 1) AS urgent,
    countIf(state NOT IN ('arrived', 'closed') AND deadline < fromUnixTimestamp64Milli({{now:Int64}})) AS overdue
FROM episodes AS e
WHERE {_HAPPENED}
"""  # noqa: S608

EPISODES = f"""
SELECT
    episode_id, kind, place, adcode, needs, hazards, items, people, vulnerable, priority, callers, relays, posts,
    toUnixTimestamp64Milli(first_at) AS first_at, toUnixTimestamp64Milli(last_at) AS last_at, standing, claims, denials,
    proposed, proposed_by.2 AS proposed_by, rank, reasons, arrayMap(x -> (x.1, x.2), e.evidence) AS evidence,
    length(e.offers) AS offers, state, owner,
    toUnixTimestamp64Milli(deadline) AS deadline, calls
FROM episodes AS e
WHERE {_HAPPENED}
ORDER BY {_OPEN} DESC, rank DESC, priority, last_at DESC, episode_id
LIMIT 1000
"""  # noqa: S608

EPISODES_WITHOUT_PLACES = EPISODES.replace("kind, place,", "kind, '' AS place,")

DISTRICTS = f"""
SELECT
    adcode, count() AS episodes, countIf({_OPEN}) AS open, minIf(priority, {_OPEN}) AS urgent, min(priority) AS any,
    sumIf(people, {_OPEN}) AS people
FROM episodes AS e
WHERE {_HAPPENED}
GROUP BY adcode ORDER BY open DESC, adcode
"""  # noqa: S608

NEEDS = f"""
SELECT need, count() AS open, sum(people) AS people, countIf(notEmpty(offers)) AS matched
FROM episodes AS e
ARRAY JOIN needs AS need
WHERE {_HAPPENED} AND {_OPEN} AND need != 'offer'
GROUP BY need ORDER BY open DESC, need
"""  # noqa: S608

OFFERS = f"""
SELECT toString(code) AS adcode, count() AS offers
FROM posts AS p FINAL
ARRAY JOIN adcodes AS code
WHERE {_CREATED} AND {_OFFERS}
GROUP BY adcode ORDER BY offers DESC, adcode
"""  # noqa: S608

CLAIMS = """
SELECT episode_id, role, platform, post_id, toUnixTimestamp64Milli(at) AS at
FROM episode_posts FINAL
WHERE episode_id IN {ids:Array(String)} AND role IN ('claim', 'denial')
ORDER BY at DESC, post_id LIMIT 3 BY episode_id, role
"""

TEXTS = """
SELECT platform, post_id, toUnixTimestamp64Milli(created_at) AS at, text_l2, priority, needs
FROM v_calls
WHERE platform IN {platforms:Array(String)} AND post_id IN {posts:Array(String)}
"""

QUOTES = """
SELECT platform, post_id, toUnixTimestamp64Milli(created_at) AS at, text_l2, priority, needs
FROM v_calls
WHERE created_at >= fromUnixTimestamp64Milli({start:Int64}) AND created_at < fromUnixTimestamp64Milli({end:Int64})
    AND priority = 1 AND arrayExists(x -> x != 'offer', needs)
ORDER BY created_at DESC, post_id LIMIT 1 BY text_l2 LIMIT 20
"""

MOODS = """
SELECT 'sentiment' AS kind, sentiment AS label, sum(posts) AS posts
FROM v_sentiment
WHERE adcode = '' AND hour >= toStartOfHour(fromUnixTimestamp64Milli({start:Int64}))
    AND hour < fromUnixTimestamp64Milli({end:Int64})
GROUP BY label
UNION ALL
SELECT 'emotion' AS kind, emotion AS label, sum(posts) AS posts
FROM v_emotion
WHERE adcode = '' AND hour >= toStartOfHour(fromUnixTimestamp64Milli({start:Int64}))
    AND hour < fromUnixTimestamp64Milli({end:Int64})
GROUP BY label
"""

TOPICS = """
SELECT
    topics.topic_id AS topic_id, name, hours.fresh AS posts, hours.fresh + hours.copied AS reach,
    toUnixTimestamp64Milli(first_at) AS first_at, growth, negative, neutral, positive,
    arrayMap(x -> x.1, topics.counties) AS counties
FROM
(
    SELECT topic_id, sum(posts) AS fresh, sum(copies) AS copied
    FROM v_topic_hours
    WHERE hour >= toStartOfHour(fromUnixTimestamp64Milli({start:Int64}))
        AND hour < fromUnixTimestamp64Milli({end:Int64})
    GROUP BY topic_id HAVING fresh >= 3
    ORDER BY fresh + copied DESC, topic_id LIMIT 10
) AS hours
INNER JOIN v_topics AS topics ON topics.topic_id = hours.topic_id
ORDER BY reach DESC, topic_id
"""

TOPICS_EVER = "SELECT count() AS topics FROM v_topics"

METRICS = """
SELECT
    sum(posts) AS stored, count() AS minutes, max(latency_p95_ms) AS worst, quantileExact(0.5)(latency_p50_ms) AS median
FROM v_metrics
WHERE minute >= fromUnixTimestamp64Milli({start:Int64}) AND minute < fromUnixTimestamp64Milli({end:Int64}) AND posts > 0
"""

DEAD = """
SELECT sum(dead_letters) AS dead
FROM v_dead_letters
WHERE minute >= fromUnixTimestamp64Milli({start:Int64}) AND minute < fromUnixTimestamp64Milli({end:Int64})
"""

SHED = """
SELECT sum(posts) AS shed
FROM v_shed
WHERE minute >= fromUnixTimestamp64Milli({start:Int64}) AND minute < fromUnixTimestamp64Milli({end:Int64})
"""

MODELS = f"""
SELECT toString(model) AS name, count() AS posts
FROM posts FINAL
WHERE {_CREATED}
GROUP BY name ORDER BY posts DESC, name LIMIT 10
"""  # noqa: S608

FORECASTS = """
SELECT
    theme, district, toInt64(toUnixTimestamp(toDateTime(week, 'Asia/Shanghai'))) * 1000 AS monday,
    observed, expected, lower95, upper95
FROM v_forecasts
WHERE warning AND week > toDate(fromUnixTimestamp64Milli({start:Int64}), 'Asia/Shanghai') - 7
    AND week <= toDate(fromUnixTimestamp64Milli({end:Int64}), 'Asia/Shanghai')
ORDER BY step LIMIT 1 BY theme, district, week
LIMIT 20
"""

FORECASTS_EVER = "SELECT count() AS forecasts FROM v_forecasts"
