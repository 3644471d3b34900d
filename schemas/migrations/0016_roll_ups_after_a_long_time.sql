-- What changed is remembered as hashes. As pairs of platform and id, three million posts since the last look took more
-- memory than a query may have, so that roll-ups once behind (a history loaded, a night without refreshes) stayed
-- behind for good. Eight bytes a post hold thirty million; what lies beyond is recounted where it stands now, but not
-- where an earlier version of it stood. (Four bytes would find forty strangers a minute among ten million posts, and each
-- has an hour counted that need not be.)
DROP VIEW IF EXISTS mood_hourly_refresh;

CREATE MATERIALIZED VIEW IF NOT EXISTS mood_hourly_refresh REFRESH EVERY 1 MINUTE APPEND TO mood_hourly
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    kind LowCardinality(String) COMMENT 'L1 sentiment or emotion',
    label LowCardinality(String) COMMENT 'L2 negative, ..., or angry, ...',
    posts UInt64 COMMENT 'L2 in the cell',
    authors UInt64 COMMENT 'L2 distinct authors: 20, or 21 for more',
    removed UInt8 COMMENT 'L1 1: the cell is no more',
    made_at DateTime64(3, 'UTC') COMMENT 'L1 when it was counted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(m.made_at) FROM mood_hourly AS m) AS made,
    fresh AS (SELECT hour, cityHash64(platform, post_id) AS post FROM counted_posts WHERE inserted_at >= made - INTERVAL 2 MINUTE AND made > toDateTime64(0, 3, 'UTC')),
    touched AS
    (
        SELECT hour FROM counted_posts WHERE made = toDateTime64(0, 3, 'UTC') GROUP BY hour
        UNION DISTINCT
        SELECT hour FROM fresh GROUP BY hour
        UNION DISTINCT
        SELECT hour FROM counted_posts WHERE cityHash64(platform, post_id) IN (SELECT post FROM fresh) GROUP BY hour
    )
SELECT
    c.hour AS hour, c.adcode AS adcode, c.platform AS platform, c.kind AS kind, c.label AS label,
    sum(c.counted) AS posts, max(c.people) AS authors, toUInt8(posts = 0) AS removed, now64(3, 'UTC') AS made_at
FROM
(
    SELECT
        toStartOfHour(p.created_at) AS hour, cell AS adcode, p.platform AS platform,
        if(grouping(p.sentiment) = 0, 'sentiment', 'emotion') AS kind, concat(p.sentiment, p.emotion) AS label,
        count() AS counted, toUInt64(uniqUpToIf(20)(p.author_token, p.author_token != '')) AS people
    FROM posts AS p FINAL
    ARRAY JOIN arrayConcat([''], arrayMap(x -> toString(x), p.adcodes)) AS cell
    WHERE toStartOfHour(p.created_at) IN (SELECT hour FROM touched)
    GROUP BY GROUPING SETS ((hour, adcode, platform, p.sentiment), (hour, adcode, platform, p.emotion))
    HAVING people >= 20
    UNION ALL
    SELECT m.hour, toString(m.adcode), m.platform, toString(m.kind), toString(m.label), 0, 0
    FROM mood_hourly AS m FINAL WHERE m.hour IN (SELECT hour FROM touched)
    UNION ALL
    SELECT t.hour, '', '', 'made', '', 0, 0 FROM touched AS t
) AS c
GROUP BY hour, adcode, platform, kind, label
SETTINGS max_threads = 1, max_rows_in_set = 30000000, set_overflow_mode = 'break', use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 1;

DROP VIEW IF EXISTS metrics_minute_refresh;

CREATE MATERIALIZED VIEW IF NOT EXISTS metrics_minute_refresh REFRESH EVERY 1 MINUTE APPEND TO metrics_minute
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    posts UInt64 COMMENT 'L1 distinct posts stored',
    dead_letters UInt64 COMMENT 'L1 distinct dead letters stored',
    latency_p50_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p95_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p99_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    removed UInt8 COMMENT 'L1 1: nothing of that minute is left',
    made_at DateTime64(3, 'UTC') COMMENT 'L1 when it was counted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(m.made_at) FROM metrics_minute AS m) AS made,
    fresh AS (SELECT minute, cityHash64(platform, post_id) AS post FROM counted_posts WHERE inserted_at >= made - INTERVAL 2 MINUTE AND made > toDateTime64(0, 3, 'UTC')),
    letters AS (SELECT toStartOfMinute(d.stored_at) AS minute, count() AS n FROM dead_letters AS d FINAL GROUP BY minute),
    touched AS
    (
        SELECT minute FROM counted_posts WHERE made = toDateTime64(0, 3, 'UTC') GROUP BY minute
        UNION DISTINCT
        SELECT minute FROM fresh GROUP BY minute
        UNION DISTINCT
        SELECT minute FROM counted_posts WHERE cityHash64(platform, post_id) IN (SELECT post FROM fresh) GROUP BY minute
        UNION DISTINCT
        SELECT minute FROM
        (
            SELECT minute, toInt64(n) AS n FROM letters
            UNION ALL
            SELECT m.minute, -toInt64(m.dead_letters) FROM metrics_minute AS m FINAL WHERE m.dead_letters > 0
        )
        GROUP BY minute HAVING sum(n) != 0
    )
SELECT
    c.minute AS minute, sum(c.stored) AS posts, sum(c.rejected) AS dead_letters,
    max(c.latency[1]) AS latency_p50_ms, max(c.latency[2]) AS latency_p95_ms, max(c.latency[3]) AS latency_p99_ms,
    toUInt8(posts = 0 AND dead_letters = 0) AS removed, now64(3, 'UTC') AS made_at
FROM
(
    SELECT
        toStartOfMinute(p.stored_at) AS minute, count() AS stored, 0 AS rejected,
        quantilesTDigest(0.5, 0.95, 0.99)(greatest(0, dateDiff('millisecond', p.ingested_at, p.stored_at))) AS latency
    FROM posts AS p FINAL
    WHERE toStartOfMinute(p.stored_at) IN (SELECT minute FROM touched)
    GROUP BY minute
    UNION ALL
    SELECT l.minute, 0, l.n, [toFloat32(0), 0, 0] FROM letters AS l WHERE l.minute IN (SELECT minute FROM touched)
    UNION ALL
    SELECT t.minute, 0, 0, [toFloat32(0), 0, 0] FROM touched AS t
) AS c
GROUP BY minute
SETTINGS max_threads = 1, max_rows_in_set = 30000000, set_overflow_mode = 'break', use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 1;
