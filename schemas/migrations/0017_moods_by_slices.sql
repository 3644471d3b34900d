-- Moods by slices of five minutes, and hours made of slices. Until now each minute counted every post of the hours that
-- changed, so an hour with millions of posts cost the more the longer it lasted. A slice keeps up to 21 authors, as
-- hashes that hold for one hour only, so that hours know whether they have 20 without reading a post, and no author can be
-- followed from one to the next.

DROP VIEW IF EXISTS mood_hourly_refresh;

DROP VIEW IF EXISTS metrics_minute_refresh;

DROP VIEW IF EXISTS counted_posts_feed;

DROP TABLE IF EXISTS counted_posts;

-- Every slice and minute in which a post ever stood, by an incremental view, so none is missed: a later version may
-- stand in others, and the older row may be merged away before anybody looks. The time is the server's own, whatever
-- a worker's clock says. One small row a post, in small granules: an edit of an old post is looked up here by its key.
CREATE TABLE IF NOT EXISTS counted_posts
(
    platform LowCardinality(String) COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    slice DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L2 five minutes of created_at',
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 of stored_at',
    inserted_at DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 when the store took the row; TTL counts from here',
    INDEX inserted inserted_at TYPE minmax GRANULARITY 8
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (platform, post_id, slice, minute)
TTL inserted_at + INTERVAL 181 DAY
SETTINGS index_granularity = 1024
COMMENT 'Slices and minutes in which posts are or were counted';

CREATE MATERIALIZED VIEW IF NOT EXISTS counted_posts_feed TO counted_posts
(
    platform LowCardinality(String) COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    slice DateTime('UTC') COMMENT 'L2 five minutes of created_at',
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    inserted_at DateTime('UTC') COMMENT 'L1 when the store took the row'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT platform, post_id, toStartOfFiveMinutes(created_at) AS slice, toStartOfMinute(stored_at) AS minute, now('UTC') AS inserted_at
FROM posts;

-- What was stored before. Where older versions stood is not known any more, so everything is counted once from here.
INSERT INTO counted_posts
SELECT platform, post_id, toStartOfFiveMinutes(created_at) AS slice, toStartOfMinute(stored_at) AS minute, now('UTC') AS inserted_at
FROM posts
SETTINGS max_threads = 1;

TRUNCATE TABLE IF EXISTS mood_hourly;

TRUNCATE TABLE IF EXISTS metrics_minute;

-- However few authors a cell has, it stands here, so what it says is L3: nobody reads it but the view that makes the
-- hours. `removed` and `made` mean what they do in mood_hourly.
CREATE TABLE IF NOT EXISTS mood_slices
(
    slice DateTime('UTC') COMMENT 'L1 five minutes of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all posts together',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    kind LowCardinality(String) COMMENT 'L1 sentiment, emotion, or made',
    label LowCardinality(String) COMMENT 'L3 negative, ..., or angry, ...',
    posts UInt64 COMMENT 'L3 in the cell, however few',
    authors Array(UInt64) CODEC(ZSTD(1)) COMMENT 'L3 hashes of up to 21 authors of the cell, others each hour',
    removed UInt8 DEFAULT 0 COMMENT 'L1 1: the cell is no more; FINAL hides it',
    made_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'L1 when it was counted; the latest wins, TTL counts from here',
    INDEX made made_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(made_at, removed)
ORDER BY (slice, kind, adcode, platform, label)
TTL toDateTime(made_at) + INTERVAL 181 DAY
COMMENT 'Moods by five minutes and county: what mood_hourly is made of; read with FINAL';

-- Where the posts that are new stood before is looked up by their key, which reads a granule a post. Beyond 300,000 of them
-- (a history loaded, a flood) their hashes are sought in the whole table: pairs of platform and id of millions are more
-- than a query may hold, and hashes hold thirty million. A name of a WITH is worked out anew wherever it stands, a scalar
-- only once: so `touched` is an array.
CREATE MATERIALIZED VIEW IF NOT EXISTS mood_slices_refresh REFRESH EVERY 1 MINUTE APPEND TO mood_slices
(
    slice DateTime('UTC') COMMENT 'L1 five minutes of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    kind LowCardinality(String) COMMENT 'L1 sentiment, emotion, or made',
    label LowCardinality(String) COMMENT 'L3 negative, ..., or angry, ...',
    posts UInt64 COMMENT 'L3 in the cell, however few',
    authors Array(UInt64) COMMENT 'L3 hashes of up to 21 authors, others each hour',
    removed UInt8 COMMENT 'L1 1: the cell is no more',
    made_at DateTime64(3, 'UTC') COMMENT 'L1 when it was counted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(m.made_at) FROM mood_slices AS m) AS made,
    fresh AS (SELECT platform, post_id, slice FROM counted_posts WHERE inserted_at >= made - INTERVAL 2 MINUTE AND made > toDateTime64(0, 3, 'UTC')),
    (SELECT count() FROM fresh) AS news,
    (
        SELECT groupArray(slice) FROM
        (
            SELECT slice FROM counted_posts WHERE made = toDateTime64(0, 3, 'UTC') GROUP BY slice
            UNION DISTINCT
            SELECT slice FROM fresh GROUP BY slice
            UNION DISTINCT
            SELECT slice FROM counted_posts
            WHERE news <= 300000 AND (platform, post_id) IN (SELECT platform, post_id FROM fresh LIMIT 300000) GROUP BY slice
            UNION DISTINCT
            SELECT slice FROM counted_posts
            WHERE news > 300000 AND cityHash64(platform, post_id) IN (SELECT cityHash64(platform, post_id) FROM fresh) GROUP BY slice
        )
    ) AS touched
SELECT
    c.slice AS slice, c.adcode AS adcode, c.platform AS platform, c.kind AS kind, c.label AS label,
    sum(c.counted) AS posts, groupUniqArrayArray(21)(c.people) AS authors, toUInt8(posts = 0) AS removed, now64(3, 'UTC') AS made_at
FROM
(
    SELECT
        toStartOfFiveMinutes(p.created_at) AS slice, cell AS adcode, p.platform AS platform,
        if(grouping(p.sentiment) = 0, 'sentiment', 'emotion') AS kind, concat(p.sentiment, p.emotion) AS label,
        count() AS counted, groupUniqArrayIf(21)(cityHash64(p.author_token, toStartOfHour(p.created_at)), p.author_token != '') AS people
    FROM posts AS p FINAL
    ARRAY JOIN arrayConcat([''], arrayMap(x -> toString(x), p.adcodes)) AS cell
    WHERE toStartOfFiveMinutes(p.created_at) IN (SELECT arrayJoin(touched))
    GROUP BY GROUPING SETS ((slice, adcode, platform, p.sentiment), (slice, adcode, platform, p.emotion))
    UNION ALL
    SELECT m.slice, toString(m.adcode), m.platform, toString(m.kind), toString(m.label), 0, CAST([], 'Array(UInt64)')
    FROM mood_slices AS m FINAL WHERE m.slice IN (SELECT arrayJoin(touched))
    UNION ALL
    SELECT arrayJoin(touched), '', '', 'made', '', 0, CAST([], 'Array(UInt64)')
) AS c
GROUP BY slice, adcode, platform, kind, label
SETTINGS max_threads = 1, max_rows_in_set = 30000000, set_overflow_mode = 'break', use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 1;

-- After the slices, so none that they made before is missed; ten minutes more cost little, since no post is read.
CREATE MATERIALIZED VIEW IF NOT EXISTS mood_hourly_refresh REFRESH EVERY 1 MINUTE DEPENDS ON mood_slices_refresh APPEND TO mood_hourly
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
    (SELECT groupUniqArray(toStartOfHour(s.slice)) FROM mood_slices AS s WHERE s.made_at >= made - INTERVAL 10 MINUTE) AS touched
SELECT
    c.hour AS hour, c.adcode AS adcode, c.platform AS platform, c.kind AS kind, c.label AS label,
    sum(c.counted) AS posts, max(c.people) AS authors, toUInt8(posts = 0) AS removed, now64(3, 'UTC') AS made_at
FROM
(
    SELECT
        toStartOfHour(s.slice) AS hour, s.adcode AS adcode, s.platform AS platform, s.kind AS kind, s.label AS label,
        sum(s.posts) AS counted, length(groupUniqArrayArray(21)(s.authors)) AS people
    FROM mood_slices AS s FINAL
    WHERE toStartOfHour(s.slice) IN (SELECT arrayJoin(touched)) AND s.kind != 'made'
    GROUP BY hour, adcode, platform, kind, label
    HAVING people >= 20
    UNION ALL
    SELECT m.hour, m.adcode, m.platform, m.kind, m.label, 0, 0
    FROM mood_hourly AS m FINAL WHERE m.hour IN (SELECT arrayJoin(touched))
    UNION ALL
    SELECT arrayJoin(touched), '', '', 'made', '', 0, 0
) AS c
GROUP BY hour, adcode, platform, kind, label
SETTINGS max_threads = 1;

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
    fresh AS (SELECT platform, post_id, minute FROM counted_posts WHERE inserted_at >= made - INTERVAL 2 MINUTE AND made > toDateTime64(0, 3, 'UTC')),
    (SELECT count() FROM fresh) AS news,
    letters AS (SELECT toStartOfMinute(d.stored_at) AS minute, count() AS n FROM dead_letters AS d FINAL GROUP BY minute),
    (
        SELECT groupArray(minute) FROM
        (
            SELECT minute FROM counted_posts WHERE made = toDateTime64(0, 3, 'UTC') GROUP BY minute
            UNION DISTINCT
            SELECT minute FROM fresh GROUP BY minute
            UNION DISTINCT
            SELECT minute FROM counted_posts
            WHERE news <= 300000 AND (platform, post_id) IN (SELECT platform, post_id FROM fresh LIMIT 300000) GROUP BY minute
            UNION DISTINCT
            SELECT minute FROM counted_posts
            WHERE news > 300000 AND cityHash64(platform, post_id) IN (SELECT cityHash64(platform, post_id) FROM fresh) GROUP BY minute
            UNION DISTINCT
            SELECT minute FROM
            (
                SELECT minute, toInt64(n) AS n FROM letters
                UNION ALL
                SELECT m.minute, -toInt64(m.dead_letters) FROM metrics_minute AS m FINAL WHERE m.dead_letters > 0
            )
            GROUP BY minute HAVING sum(n) != 0
        )
    ) AS touched
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
    WHERE toStartOfMinute(p.stored_at) IN (SELECT arrayJoin(touched))
    GROUP BY minute
    UNION ALL
    SELECT l.minute, 0, l.n, [toFloat32(0), 0, 0] FROM letters AS l WHERE l.minute IN (SELECT arrayJoin(touched))
    UNION ALL
    SELECT arrayJoin(touched), 0, 0, [toFloat32(0), 0, 0]
) AS c
GROUP BY minute
SETTINGS max_threads = 1, max_rows_in_set = 30000000, set_overflow_mode = 'break', use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 1;
