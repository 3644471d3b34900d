-- Overload: what was given up, and how far behind the stream was.

-- A post whose labels are the light model's says so in its `model` (udfs/encoder/shedding.py). Distinct ids a minute of
-- storing, so that a row delivered again in its minute is counted once. Kept when a replay labels the posts anew:
-- this says what happened, `posts` says what is.
CREATE TABLE IF NOT EXISTS shed_posts
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    step LowCardinality(String) COMMENT 'L1 step that gave less than its all: classify',
    reason LowCardinality(String) COMMENT 'L1 why: behind (the stream lagged behind what was published)',
    posts AggregateFunction(uniqExact, UInt64) COMMENT 'L2 hashes of (platform, post_id)'
)
ENGINE = AggregatingMergeTree
ORDER BY (minute, step, reason)
TTL minute + INTERVAL 180 DAY
COMMENT 'Distinct posts that were shed, a minute; read v_shed';

CREATE MATERIALIZED VIEW IF NOT EXISTS shed_posts_feed TO shed_posts
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    step LowCardinality(String) COMMENT 'L1 step that gave less than its all',
    reason LowCardinality(String) COMMENT 'L1 why',
    posts AggregateFunction(uniqExact, UInt64) COMMENT 'L2 hashes of (platform, post_id)'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfMinute(stored_at) AS minute, 'classify' AS step, 'behind' AS reason,
    uniqExactState(cityHash64(platform, post_id)) AS posts
FROM posts
WHERE endsWith(model, '+shed')
GROUP BY minute;

CREATE OR REPLACE VIEW v_shed
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    step String COMMENT 'L1 step that gave less than its all: classify',
    reason String COMMENT 'L1 why: behind',
    posts UInt64 COMMENT 'L1 distinct posts'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT minute, step, reason, uniqExactMerge(posts_state) AS posts
FROM (SELECT minute, step, reason, posts AS posts_state FROM shed_posts)
GROUP BY minute, step, reason;

-- Written by each worker of a live stream every few seconds. Followers that are analytics wait while it is high.
CREATE TABLE IF NOT EXISTS stream_lag
(
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 when the worker stored the batch',
    run LowCardinality(String) COMMENT 'L1 of the job',
    lag_ms UInt64 COMMENT 'L1 from the publishing of a record to its row, the worst batch since the last note',
    posts UInt64 COMMENT 'L1 stored since the last note; counted again when delivered again',
    shed UInt64 COMMENT 'L1 of them with labels of the light model'
)
ENGINE = MergeTree
ORDER BY at
TTL toDateTime(at) + INTERVAL 30 DAY
COMMENT 'How far live streams are behind; read v_stream_lag';

CREATE OR REPLACE VIEW v_stream_lag
(
    minute DateTime('UTC') COMMENT 'L1 of at',
    lag_max_ms UInt64 COMMENT 'L1 the worst of all workers',
    posts UInt64 COMMENT 'L1 stored; counted again when delivered again',
    shed UInt64 COMMENT 'L1 of them with labels of the light model'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT toStartOfMinute(at) AS minute, max(lag_ms) AS lag_max_ms, sum(stream_lag.posts) AS posts, sum(stream_lag.shed) AS shed
FROM stream_lag
GROUP BY minute;
