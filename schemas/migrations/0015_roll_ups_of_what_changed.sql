-- Roll-ups that cost what changed. Until now mood_hourly and metrics_minute were made anew from all posts each minute,
-- and `feeds` took a part of its own with every insert, which costs more in files than its five rows.

-- Every hour and minute in which a post ever stood, by an incremental view, so none is missed: a later version may
-- stand in others, and the older row may be merged away before anybody looks. The time is the server's own, whatever
-- a worker's clock says. One small row a post.
CREATE TABLE IF NOT EXISTS counted_posts
(
    platform LowCardinality(String) COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L2 of created_at',
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 of stored_at',
    inserted_at DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 when the store took the row; TTL counts from here',
    INDEX inserted inserted_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (platform, post_id, hour, minute)
TTL inserted_at + INTERVAL 181 DAY
COMMENT 'Hours and minutes in which posts are or were counted';

CREATE MATERIALIZED VIEW IF NOT EXISTS counted_posts_feed TO counted_posts
(
    platform LowCardinality(String) COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    hour DateTime('UTC') COMMENT 'L2 of created_at',
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    inserted_at DateTime('UTC') COMMENT 'L1 when the store took the row'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT platform, post_id, toStartOfHour(created_at) AS hour, toStartOfMinute(stored_at) AS minute, now('UTC') AS inserted_at
FROM posts;

-- What was stored before.
INSERT INTO counted_posts
SELECT platform, post_id, toStartOfHour(created_at) AS hour, toStartOfMinute(stored_at) AS minute, now('UTC') AS inserted_at
FROM posts
SETTINGS max_threads = 1;

-- A cell that is no more has a row with removed = 1, which FINAL hides. Each hour that was made has one too, of kind
-- `made`: from the newest of them the next refresh knows where to go on. Two minutes are longer than an insert takes.
DROP VIEW IF EXISTS mood_hourly_refresh;

DROP TABLE IF EXISTS mood_hourly;

CREATE TABLE IF NOT EXISTS mood_hourly
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all posts together',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    kind LowCardinality(String) COMMENT 'L1 sentiment or emotion',
    label LowCardinality(String) COMMENT 'L2 negative, ..., or angry, ...',
    posts UInt64 COMMENT 'L2 in the cell',
    authors UInt64 COMMENT 'L2 distinct authors in the cell: 20, or 21 for more',
    removed UInt8 DEFAULT 0 COMMENT 'L1 1: the cell is no more; FINAL hides it',
    made_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'L1 when it was counted; the latest wins, TTL counts from here'
)
ENGINE = ReplacingMergeTree(made_at, removed)
ORDER BY (kind, adcode, platform, hour, label)
TTL toDateTime(made_at) + INTERVAL 180 DAY
COMMENT 'Moods by hour and county, at most a minute old; read with FINAL, or v_sentiment and v_emotion';

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
    fresh AS (SELECT platform, post_id FROM counted_posts WHERE inserted_at >= made - INTERVAL 2 MINUTE AND made > toDateTime64(0, 3, 'UTC')),
    touched AS
    (
        SELECT hour FROM counted_posts WHERE made = toDateTime64(0, 3, 'UTC') GROUP BY hour
        UNION DISTINCT
        SELECT hour FROM counted_posts WHERE (platform, post_id) IN (SELECT platform, post_id FROM fresh) GROUP BY hour
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
SETTINGS max_threads = 1, use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 1;

CREATE OR REPLACE VIEW v_sentiment
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode String COMMENT 'L1 county; empty for all posts together',
    platform String COMMENT 'L1 weibo, ...',
    sentiment String COMMENT 'L2 negative, neutral, positive',
    posts UInt64 COMMENT 'L2 of at least 20 distinct authors, to the nearest 5'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT hour, adcode, platform, label AS sentiment, intDiv(posts + 2, 5) * 5 AS posts
FROM mood_hourly AS moods FINAL WHERE moods.kind = 'sentiment' AND moods.authors >= 20;

CREATE OR REPLACE VIEW v_emotion
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode String COMMENT 'L1 county; empty for all posts together',
    platform String COMMENT 'L1 weibo, ...',
    emotion String COMMENT 'L2 angry, fear, happy, neutral, sad, surprise',
    posts UInt64 COMMENT 'L2 of at least 20 distinct authors, to the nearest 5'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT hour, adcode, platform, label AS emotion, intDiv(posts + 2, 5) * 5 AS posts
FROM mood_hourly AS moods FINAL WHERE moods.kind = 'emotion' AND moods.authors >= 20;

DROP VIEW IF EXISTS metrics_minute_refresh;

DROP TABLE IF EXISTS metrics_minute;

CREATE TABLE IF NOT EXISTS metrics_minute
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    posts UInt64 COMMENT 'L1 distinct posts stored',
    dead_letters UInt64 COMMENT 'L1 distinct dead letters stored',
    latency_p50_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p95_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p99_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    removed UInt8 DEFAULT 0 COMMENT 'L1 1: nothing of that minute is left; FINAL hides it',
    made_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'L1 when it was counted; the latest wins, TTL counts from here'
)
ENGINE = ReplacingMergeTree(made_at, removed)
ORDER BY minute
TTL toDateTime(made_at) + INTERVAL 180 DAY
COMMENT 'Throughput and latency a minute, at most a minute old; read with FINAL, or v_metrics';

-- Dead letters are few and may move by themselves (a retry is stored anew), so all are counted, and minutes that differ
-- from what stands here are made again.
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
    fresh AS (SELECT platform, post_id FROM counted_posts WHERE inserted_at >= made - INTERVAL 2 MINUTE AND made > toDateTime64(0, 3, 'UTC')),
    letters AS (SELECT toStartOfMinute(d.stored_at) AS minute, count() AS n FROM dead_letters AS d FINAL GROUP BY minute),
    touched AS
    (
        SELECT minute FROM counted_posts WHERE made = toDateTime64(0, 3, 'UTC') GROUP BY minute
        UNION DISTINCT
        SELECT minute FROM counted_posts WHERE (platform, post_id) IN (SELECT platform, post_id FROM fresh) GROUP BY minute
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
SETTINGS max_threads = 1, use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 1;

CREATE OR REPLACE VIEW v_metrics
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    posts UInt64 COMMENT 'L1 distinct posts stored',
    dead_letters UInt64 COMMENT 'L1 distinct dead letters stored',
    latency_p50_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p95_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p99_ms Float64 COMMENT 'L1 from ingested_at to stored_at'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT m.minute AS minute, m.posts AS posts, m.dead_letters AS dead_letters, m.latency_p50_ms AS latency_p50_ms,
    m.latency_p95_ms AS latency_p95_ms, m.latency_p99_ms AS latency_p99_ms
FROM metrics_minute AS m FINAL;

-- The newest post of a platform comes from post_counts now, whose `all` cells see every post anyway; what `feeds` knew
-- until then it still says.
ALTER TABLE post_counts ADD COLUMN IF NOT EXISTS last_created_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 of the newest post of the cell';

ALTER TABLE post_counts ADD COLUMN IF NOT EXISTS last_stored_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 when the last row of the cell was written';

DROP VIEW IF EXISTS post_counts_feed;

CREATE MATERIALIZED VIEW IF NOT EXISTS post_counts_feed TO post_counts
(
    minute DateTime('UTC') COMMENT 'L1 of created_at',
    dimension LowCardinality(String) COMMENT 'L1 all, adcode, category, rule, model, need or hazard',
    key LowCardinality(String) COMMENT 'L1 value of the dimension',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    posts AggregateFunction(uniqExact, UInt64) COMMENT 'L2 hashes of (platform, post_id)',
    stored_on SimpleAggregateFunction(max, Date) COMMENT 'L1 last write',
    changed_at SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'L1 when a post was last added',
    last_created_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 of the newest post',
    last_stored_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 when the last row was written'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfMinute(created_at) AS minute, cell.1 AS dimension, cell.2 AS key, platform,
    uniqExactState(cityHash64(platform, post_id)) AS posts, max(toDate(stored_at)) AS stored_on, max(now('UTC')) AS changed_at,
    max(created_at) AS last_created_at, max(stored_at) AS last_stored_at
FROM posts
ARRAY JOIN arrayConcat(
    [('all', ''), ('model', toString(model))],
    arrayMap(x -> ('adcode', toString(x)), adcodes),
    arrayMap(x -> ('category', toString(x)), categories),
    arrayMap(x -> ('rule', x), arrayDistinct(arrayMap(x -> toString(x.rule), keywords))),
    arrayMap(x -> ('need', x), arrayDistinct(arrayMap(x -> toString(x.need), needs))),
    arrayMap(x -> ('hazard', x), arrayDistinct(arrayMap(x -> toString(x), hazards)))
) AS cell
GROUP BY minute, dimension, key, platform;

DROP VIEW IF EXISTS feeds_feed;

CREATE OR REPLACE VIEW v_feeds
(
    platform String COMMENT 'L1 weibo, ...',
    last_created_at DateTime64(3, 'UTC') COMMENT 'L1 of its newest post, as the feed says',
    last_stored_at DateTime64(3, 'UTC') COMMENT 'L1 when its last row was written'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT f.platform AS platform, max(f.newest) AS last_created_at, max(f.latest) AS last_stored_at
FROM
(
    SELECT b.platform AS platform, b.last_created_at AS newest, b.last_stored_at AS latest FROM feeds AS b
    UNION ALL
    SELECT c.platform, c.last_created_at, c.last_stored_at FROM post_counts AS c
    WHERE c.dimension = 'all' AND c.key = '' AND c.last_stored_at > toDateTime64(0, 3, 'UTC')
) AS f
GROUP BY platform;
