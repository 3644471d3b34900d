-- Roll-ups that stay right when posts are delivered again, and the views that analysts get.

-- Ids only, by an incremental view: it sees each insert, replays too, so a sum would count twice. A set of distinct
-- ids does not. Exact sets: 8 bytes a post and cell.
CREATE TABLE IF NOT EXISTS post_counts
(
    minute DateTime('UTC') COMMENT 'L1 of created_at',
    dimension LowCardinality(String) COMMENT 'L1 all, adcode, category or rule',
    key LowCardinality(String) COMMENT 'L1 value of the dimension; empty for all',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    posts AggregateFunction(uniqExact, UInt64) COMMENT 'L2 hashes of (platform, post_id)',
    stored_on SimpleAggregateFunction(max, Date) COMMENT 'L1 last write; TTL counts from here'
)
ENGINE = AggregatingMergeTree
ORDER BY (dimension, key, minute, platform)
TTL stored_on + INTERVAL 180 DAY
COMMENT 'Distinct posts a minute; read v_post_counts';

CREATE MATERIALIZED VIEW IF NOT EXISTS post_counts_feed TO post_counts
(
    minute DateTime('UTC') COMMENT 'L1 of created_at',
    dimension LowCardinality(String) COMMENT 'L1 all, adcode, category or rule',
    key LowCardinality(String) COMMENT 'L1 value of the dimension',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    posts AggregateFunction(uniqExact, UInt64) COMMENT 'L2 hashes of (platform, post_id)',
    stored_on SimpleAggregateFunction(max, Date) COMMENT 'L1 last write'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfMinute(created_at) AS minute, cell.1 AS dimension, cell.2 AS key, platform,
    uniqExactState(cityHash64(platform, post_id)) AS posts, max(toDate(stored_at)) AS stored_on
FROM posts
ARRAY JOIN arrayConcat(
    [('all', '')],
    arrayMap(x -> ('adcode', toString(x)), adcodes),
    arrayMap(x -> ('category', toString(x)), categories),
    arrayMap(x -> ('rule', x), arrayDistinct(arrayMap(x -> toString(x.rule), keywords)))
) AS cell
GROUP BY minute, dimension, key, platform;

CREATE OR REPLACE VIEW v_post_counts
(
    minute DateTime('UTC') COMMENT 'L1 of created_at',
    dimension String COMMENT 'L1 all, adcode, category or rule',
    key String COMMENT 'L1 value of the dimension; empty for all',
    platform String COMMENT 'L1 weibo, ...',
    posts UInt64 COMMENT 'L1 distinct posts'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT minute, dimension, key, platform, uniqExactMerge(posts_state) AS posts
FROM (SELECT minute, dimension, key, platform, posts AS posts_state FROM post_counts)
GROUP BY minute, dimension, key, platform;

CREATE OR REPLACE VIEW v_keywords
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    dimension String COMMENT 'L1 category or rule',
    key String COMMENT 'L1 its name',
    platform String COMMENT 'L1 weibo, ...',
    posts UInt64 COMMENT 'L1 distinct posts'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT toStartOfHour(minute) AS hour, dimension, key, platform, uniqExactMerge(posts_state) AS posts
FROM (SELECT minute, dimension, key, platform, posts AS posts_state FROM post_counts WHERE dimension IN ('category', 'rule'))
GROUP BY hour, dimension, key, platform;

-- Labels change when a post is edited or replayed with a better model, so no incremental view can be right: this one
-- is made anew each minute from what FINAL says.
CREATE TABLE IF NOT EXISTS sentiment_hourly
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all posts together',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    sentiment LowCardinality(String) COMMENT 'L2 negative, neutral, positive',
    posts UInt64 COMMENT 'L2 in the cell, however small',
    authors UInt64 COMMENT 'L2 distinct authors in the cell'
)
ENGINE = MergeTree
ORDER BY (adcode, platform, hour, sentiment)
COMMENT 'Sentiment by hour and county; analysts read v_sentiment';

CREATE MATERIALIZED VIEW IF NOT EXISTS sentiment_hourly_refresh REFRESH EVERY 1 MINUTE TO sentiment_hourly
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    sentiment LowCardinality(String) COMMENT 'L2 negative, neutral, positive',
    posts UInt64 COMMENT 'L2 in the cell',
    authors UInt64 COMMENT 'L2 distinct authors'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfHour(created_at) AS hour, cell AS adcode, platform, sentiment,
    count() AS posts, uniqExactIf(author_token, author_token != '') AS authors
FROM posts FINAL
ARRAY JOIN arrayConcat([''], arrayMap(x -> toString(x), adcodes)) AS cell
GROUP BY hour, adcode, platform, sentiment
SETTINGS max_threads = 1;

CREATE OR REPLACE VIEW v_sentiment
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode String COMMENT 'L1 county; empty for all posts together',
    platform String COMMENT 'L1 weibo, ...',
    sentiment String COMMENT 'L2 negative, neutral, positive',
    posts UInt64 COMMENT 'L2 of at least 20 distinct authors'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT hour, adcode, platform, sentiment, posts FROM sentiment_hourly WHERE authors >= 20;

CREATE TABLE IF NOT EXISTS metrics_minute
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    posts UInt64 COMMENT 'L1 distinct posts stored',
    dead_letters UInt64 COMMENT 'L1 distinct dead letters stored',
    latency_p50_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p95_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p99_ms Float64 COMMENT 'L1 from ingested_at to stored_at'
)
ENGINE = MergeTree
ORDER BY minute
COMMENT 'Throughput and latency a minute, made anew each minute';

CREATE MATERIALIZED VIEW IF NOT EXISTS metrics_minute_refresh REFRESH EVERY 1 MINUTE TO metrics_minute
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    posts UInt64 COMMENT 'L1 distinct posts stored',
    dead_letters UInt64 COMMENT 'L1 distinct dead letters stored',
    latency_p50_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p95_ms Float64 COMMENT 'L1 from ingested_at to stored_at',
    latency_p99_ms Float64 COMMENT 'L1 from ingested_at to stored_at'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    minute, sum(stored) AS posts, sum(rejected) AS dead_letters,
    max(latency[1]) AS latency_p50_ms, max(latency[2]) AS latency_p95_ms, max(latency[3]) AS latency_p99_ms
FROM
(
    SELECT
        toStartOfMinute(stored_at) AS minute, count() AS stored, 0 AS rejected,
        quantilesTDigest(0.5, 0.95, 0.99)(greatest(0, dateDiff('millisecond', ingested_at, stored_at))) AS latency
    FROM posts FINAL
    GROUP BY minute
    UNION ALL
    SELECT toStartOfMinute(stored_at) AS minute, 0 AS stored, count() AS rejected, [toFloat32(0), 0, 0] AS latency
    FROM dead_letters FINAL
    GROUP BY minute
)
GROUP BY minute
SETTINGS max_threads = 1;

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
AS SELECT minute, posts, dead_letters, latency_p50_ms, latency_p95_ms, latency_p99_ms FROM metrics_minute;

CREATE OR REPLACE VIEW v_posts
(
    platform String COMMENT 'L2 weibo, ...',
    post_id String COMMENT 'L2 id on the platform',
    created_at DateTime64(3, 'UTC') COMMENT 'L2 when the author posted',
    stored_at DateTime64(3, 'UTC') COMMENT 'L1 when it was stored',
    language String COMMENT 'L1 zh, en, und',
    text_l2 String COMMENT 'L2 masked, shared places too',
    sentiment String COMMENT 'L2 negative, neutral, positive',
    sentiment_score Float32 COMMENT 'L2 calibrated probability',
    emotion String COMMENT 'L2 angry, fear, happy, neutral, sad, surprise',
    emotion_score Float32 COMMENT 'L2 calibrated probability',
    need String COMMENT 'L2 strongest need, or none',
    help_score Float32 COMMENT 'L2 calibrated probability that the post asks for any help',
    needs Array(String) COMMENT 'L2 every need, strongest first',
    hazards Array(String) COMMENT 'L2 dyke_breach, collapse, ...',
    source_kind String COMMENT 'L2 self, relay, volunteer, media, official, other',
    state String COMMENT 'L2 open, partial, closed, unclear',
    priority UInt8 COMMENT 'L2 1 life at risk now ... 4 the rest',
    rules Array(String) COMMENT 'L2 keyword rules that fired',
    categories Array(String) COMMENT 'L2 their categories',
    adcodes Array(String) COMMENT 'L2 counties',
    likes Int64 COMMENT 'L2 as the feed says',
    reposts Int64 COMMENT 'L2 as the feed says',
    comments Int64 COMMENT 'L2 as the feed says',
    model String COMMENT 'L1 bundle name and version'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    platform, post_id, created_at, stored_at, language, text_l2, sentiment, sentiment_score, emotion, emotion_score,
    need, help_score, arrayMap(x -> toString(x.need), needs) AS needs, hazards, source_kind, state, priority,
    arrayDistinct(arrayMap(x -> toString(x.rule), keywords)) AS rules, categories, adcodes, likes, reposts, comments,
    model
FROM posts FINAL;

-- Without the place: analysts see counties, the command centre's operators see `alerts`.
CREATE OR REPLACE VIEW v_alerts
(
    alert_id String COMMENT 'L2 of alert_hits',
    rule String COMMENT 'L2 keyword rule, or urgent-need',
    priority UInt8 COMMENT 'L2 the most urgent of its posts',
    adcode String COMMENT 'L2 county',
    needs Array(String) COMMENT 'L2 what is asked for',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 time of the first post',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 time of the last post',
    posts UInt64 COMMENT 'L2 distinct posts',
    callers UInt64 COMMENT 'L2 distinct callers'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    alert_id, any(rule) AS rule, min(priority) AS priority, max(adcode) AS adcode,
    arraySort(groupUniqArrayArray(needs)) AS needs, min(at) AS first_at, max(at) AS last_at,
    count() AS posts, uniqExact(caller_token) AS callers
FROM alert_hits FINAL
GROUP BY alert_id;

CREATE OR REPLACE VIEW v_dead_letters
(
    minute DateTime('UTC') COMMENT 'L1 of stored_at',
    step String COMMENT 'L1 step that rejected the record',
    reason String COMMENT 'L1 why',
    state String COMMENT 'L1 open or retried',
    dead_letters UInt64 COMMENT 'L1 distinct dead letters'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT toStartOfMinute(stored_at) AS minute, step, reason, state, count() AS dead_letters
FROM dead_letters FINAL
GROUP BY minute, step, reason, state;
