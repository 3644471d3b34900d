-- What dashboards and alert rules read beside the views that are there: names and points of districts, the newest post of
-- each feed, the health of jobs, posts by model, need and hazard, and topics by hour without reading every post.

-- L1 by itself: the public gazetteer that the places are found with (udfs/places), filled when the store is migrated.
CREATE TABLE IF NOT EXISTS districts
(
    adcode LowCardinality(String) COMMENT 'L1 of a province, city or county',
    level LowCardinality(String) COMMENT 'L1 province, city or county',
    name String COMMENT 'L1 as people call it',
    parent LowCardinality(String) COMMENT 'L1 adcode of the city or province above; empty for a province',
    lat Float64 COMMENT 'L1 WGS-84, a point in it',
    lon Float64 COMMENT 'L1 WGS-84, a point in it'
)
ENGINE = MergeTree
ORDER BY adcode
COMMENT 'Districts of the gazetteer; read v_districts';

CREATE OR REPLACE VIEW v_districts
(
    adcode String COMMENT 'L1 of a province, city or county',
    level String COMMENT 'L1 province, city or county',
    name String COMMENT 'L1 as people call it',
    city String COMMENT 'L1 name of the city above; empty for cities and provinces',
    province String COMMENT 'L1 name of the province',
    lat Float64 COMMENT 'L1 WGS-84, a point in it',
    lon Float64 COMMENT 'L1 WGS-84, a point in it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    d.adcode AS adcode, d.level AS level, d.name AS name,
    if(d.level = 'county' AND above.level = 'city', above.name, '') AS city,
    multiIf(d.level = 'province', d.name, above.level = 'province', above.name, top.name) AS province,
    d.lat AS lat, d.lon AS lon
FROM districts AS d
LEFT JOIN districts AS above ON above.adcode = d.parent
LEFT JOIN districts AS top ON top.adcode = above.parent;

-- The newest post of each platform: one row each, however many posts there are.
CREATE TABLE IF NOT EXISTS feeds
(
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    last_created_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 of its newest post, as the feed says',
    last_stored_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 when its last row was written'
)
ENGINE = AggregatingMergeTree
ORDER BY platform
TTL toDateTime(last_stored_at) + INTERVAL 180 DAY
COMMENT 'Newest post of each platform; read v_feeds';

CREATE MATERIALIZED VIEW IF NOT EXISTS feeds_feed TO feeds
(
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    last_created_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 of its newest post',
    last_stored_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'L1 when its last row was written'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT platform, max(created_at) AS last_created_at, max(stored_at) AS last_stored_at
FROM posts
GROUP BY platform;

INSERT INTO feeds SELECT platform, max(created_at) AS newest, max(stored_at) AS latest FROM posts GROUP BY platform;

CREATE OR REPLACE VIEW v_feeds
(
    platform String COMMENT 'L1 weibo, ...',
    last_created_at DateTime64(3, 'UTC') COMMENT 'L1 of its newest post, as the feed says',
    last_stored_at DateTime64(3, 'UTC') COMMENT 'L1 when its last row was written'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT f.platform AS platform, max(f.last_created_at) AS last_created_at, max(f.last_stored_at) AS last_stored_at
FROM feeds AS f
GROUP BY f.platform;

-- Three dimensions more. Sets of distinct ids as before; a post counts for each model that ever labelled it.
DROP VIEW IF EXISTS post_counts_feed;

ALTER TABLE post_counts COMMENT COLUMN IF EXISTS dimension 'L1 all, adcode, category, rule, model, need or hazard';

ALTER TABLE post_counts ADD COLUMN IF NOT EXISTS changed_at SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'L1 when a post was last added';

ALTER TABLE post_counts ADD INDEX IF NOT EXISTS changed changed_at TYPE minmax GRANULARITY 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS post_counts_feed TO post_counts
(
    minute DateTime('UTC') COMMENT 'L1 of created_at',
    dimension LowCardinality(String) COMMENT 'L1 all, adcode, category, rule, model, need or hazard',
    key LowCardinality(String) COMMENT 'L1 value of the dimension',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    posts AggregateFunction(uniqExact, UInt64) COMMENT 'L2 hashes of (platform, post_id)',
    stored_on SimpleAggregateFunction(max, Date) COMMENT 'L1 last write',
    changed_at SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'L1 when a post was last added'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfMinute(created_at) AS minute, cell.1 AS dimension, cell.2 AS key, platform,
    uniqExactState(cityHash64(platform, post_id)) AS posts, max(toDate(stored_at)) AS stored_on, max(now('UTC')) AS changed_at
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

-- What was stored before: sets again, so doing it twice changes nothing.
INSERT INTO post_counts
SELECT
    toStartOfMinute(created_at) AS minute, cell.1 AS dimension, cell.2 AS key, platform,
    uniqExactState(cityHash64(platform, post_id)) AS ids, max(toDate(stored_at)) AS stored_on,
    toDateTime(0, 'UTC') AS changed_at
FROM posts
ARRAY JOIN arrayConcat(
    [('model', toString(model))],
    arrayMap(x -> ('need', x), arrayDistinct(arrayMap(x -> toString(x.need), needs))),
    arrayMap(x -> ('hazard', x), arrayDistinct(arrayMap(x -> toString(x), hazards)))
) AS cell
GROUP BY minute, dimension, key, platform
SETTINGS max_threads = 1, max_bytes_before_external_group_by = 100000000, max_block_size = 8192, max_bytes_ratio_before_external_group_by = 0;

-- A set is exact and large: the posts of a day are 200 MB of hashes to read. So cells that grew since the last time are
-- counted each minute, in bounded memory, and views read numbers. An insert is not seen before it is done: two minutes
-- are longer than one may take.
CREATE TABLE IF NOT EXISTS post_totals
(
    dimension LowCardinality(String) COMMENT 'L1 of post_counts',
    key LowCardinality(String) COMMENT 'L1 of post_counts',
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 of post_counts',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    posts UInt64 COMMENT 'L1 distinct posts in the cell',
    stored_on Date COMMENT 'L1 last write of the cell; TTL counts from here',
    made_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 when it was counted; the latest wins'
)
ENGINE = ReplacingMergeTree(made_at)
ORDER BY (dimension, key, minute, platform)
TTL stored_on + INTERVAL 180 DAY
COMMENT 'Distinct posts a minute as numbers, at most a minute old; read v_post_counts';

-- What was counted before, in small blocks: a set in memory takes several times what it takes on disk.
INSERT INTO post_totals
SELECT
    c.dimension AS dimension, c.key AS key, c.minute AS minute, c.platform AS platform,
    uniqExactMerge(c.posts) AS posts, max(c.stored_on) AS stored_on, now64(3, 'UTC') AS made_at
FROM post_counts AS c
GROUP BY dimension, key, minute, platform
SETTINGS max_threads = 1, max_block_size = 512, preferred_block_size_bytes = 100000,
    max_bytes_before_external_group_by = 100000000, max_bytes_ratio_before_external_group_by = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS post_totals_refresh REFRESH EVERY 1 MINUTE APPEND TO post_totals
(
    dimension LowCardinality(String) COMMENT 'L1 of post_counts',
    key LowCardinality(String) COMMENT 'L1 of post_counts',
    minute DateTime('UTC') COMMENT 'L1 of post_counts',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    posts UInt64 COMMENT 'L1 distinct posts in the cell',
    stored_on Date COMMENT 'L1 last write of the cell',
    made_at DateTime64(3, 'UTC') COMMENT 'L1 when it was counted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    c.dimension AS dimension, c.key AS key, c.minute AS minute, c.platform AS platform,
    uniqExactMerge(c.posts) AS posts, max(c.stored_on) AS stored_on, now64(3, 'UTC') AS made_at
FROM post_counts AS c
WHERE (c.dimension, c.key, c.minute, c.platform) IN
(
    SELECT dimension, key, minute, platform FROM post_counts
    WHERE changed_at >= (SELECT max(t.made_at) FROM post_totals AS t) - INTERVAL 2 MINUTE
)
GROUP BY dimension, key, minute, platform
SETTINGS max_threads = 1, max_block_size = 512, preferred_block_size_bytes = 100000,
    max_bytes_before_external_group_by = 100000000, max_bytes_ratio_before_external_group_by = 0;

CREATE OR REPLACE VIEW v_post_counts
(
    minute DateTime('UTC') COMMENT 'L1 of created_at',
    dimension String COMMENT 'L1 all, adcode, category, rule, model, need or hazard',
    key String COMMENT 'L1 value of the dimension; empty for all',
    platform String COMMENT 'L1 weibo, ...',
    posts UInt64 COMMENT 'L1 distinct posts, as of the last minute'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT t.minute AS minute, t.dimension AS dimension, t.key AS key, t.platform AS platform, t.posts AS posts
FROM post_totals AS t FINAL;

CREATE OR REPLACE VIEW v_keywords
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    dimension String COMMENT 'L1 category or rule',
    key String COMMENT 'L1 its name',
    platform String COMMENT 'L1 weibo, ...',
    posts UInt64 COMMENT 'L1 distinct posts, as of the last minute'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfHour(t.minute) AS hour, t.dimension AS dimension, t.key AS key, t.platform AS platform, sum(t.posts) AS posts
FROM post_totals AS t FINAL
WHERE t.dimension IN ('category', 'rule')
GROUP BY hour, dimension, key, platform;

-- Topics by hour, merges done: made anew every five minutes from FINAL, since a topic may be taken over by another at any time.
CREATE TABLE IF NOT EXISTS topic_hours
(
    topic_id String COMMENT 'L2 of topics, after merges',
    hour DateTime('UTC') COMMENT 'L1 of the post',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    copies UInt64 COMMENT 'L2 near copies'
)
ENGINE = MergeTree
ORDER BY (topic_id, hour)
COMMENT 'Topics by hour, made anew every five minutes; read v_topic_hours';

CREATE MATERIALIZED VIEW IF NOT EXISTS topic_hours_refresh REFRESH EVERY 5 MINUTE TO topic_hours
(
    topic_id String COMMENT 'L2 of topics, after merges',
    hour DateTime('UTC') COMMENT 'L1 of the post',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    copies UInt64 COMMENT 'L2 near copies'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    if(merged.into = '', p.topic_id, merged.into) AS topic_id, p.hour AS hour,
    sum(p.firsts) AS posts, sum(p.others) AS copies
FROM
(
    SELECT topic_id, toStartOfHour(at) AS hour, countIf(copy_of = '') AS firsts, countIf(copy_of != '') AS others
    FROM post_topics FINAL
    GROUP BY topic_id, hour
) AS p
LEFT JOIN (SELECT topic_id, merged_into AS into FROM topics FINAL WHERE merged_into != '') AS merged
    ON merged.topic_id = p.topic_id
GROUP BY topic_id, hour
SETTINGS max_threads = 1;

CREATE OR REPLACE VIEW v_topic_hours
(
    hour DateTime('UTC') COMMENT 'L1 of the post',
    topic_id String COMMENT 'L2 of v_topics, after merges',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    copies UInt64 COMMENT 'L2 near copies'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT t.hour AS hour, t.topic_id AS topic_id, t.posts AS posts, t.copies AS copies FROM topic_hours AS t;

-- A look at each live run every few seconds, by the service `watch`.
CREATE TABLE IF NOT EXISTS job_health
(
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 when it was looked at',
    run LowCardinality(String) COMMENT 'L1 of the job',
    job LowCardinality(String) COMMENT 'L1 opinion, ...',
    state LowCardinality(String) COMMENT 'L1 running, restarting, finished, failed, cancelled, stopped, unknown',
    restarts UInt32 COMMENT 'L1 since its start',
    back_pressure Float32 COMMENT 'L1 0 to 1: share of the time that the most waiting part waited for the next',
    busy Float32 COMMENT 'L1 0 to 1: share of the time that the busiest part worked',
    checkpoint_age_s Float32 COMMENT 'L1 since the last checkpoint that was completed; 0 without checkpoints',
    breaker Bool COMMENT 'L1 the circuit breaker stopped it'
)
ENGINE = MergeTree
ORDER BY (run, at)
TTL toDateTime(at) + INTERVAL 30 DAY
COMMENT 'Health of jobs; read v_job_health';

CREATE OR REPLACE VIEW v_job_health
(
    minute DateTime('UTC') COMMENT 'L1 of at',
    run String COMMENT 'L1 of the job',
    job String COMMENT 'L1 opinion, ...',
    state String COMMENT 'L1 the last of the minute',
    restarts UInt32 COMMENT 'L1 since its start',
    back_pressure Float32 COMMENT 'L1 0 to 1, the worst of the minute',
    busy Float32 COMMENT 'L1 0 to 1, the worst of the minute',
    checkpoint_age_s Float32 COMMENT 'L1 the worst of the minute',
    breaker Bool COMMENT 'L1 the circuit breaker stopped it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfMinute(at) AS minute, run, job, argMax(h.state, at) AS state, max(h.restarts) AS restarts,
    max(h.back_pressure) AS back_pressure, max(h.busy) AS busy, max(h.checkpoint_age_s) AS checkpoint_age_s,
    max(h.breaker) AS breaker
FROM job_health AS h
GROUP BY minute, run, job;

-- As before, but for how it is read: whoever asks for some posts by their ids gets them without reading the texts of
-- their neighbours. Only conditions on the key move before FINAL: another could let an older version through.
CREATE OR REPLACE VIEW v_calls
(
    platform String COMMENT 'L2 weibo, ...',
    post_id String COMMENT 'L2 id on the platform',
    created_at DateTime64(3, 'UTC') COMMENT 'L2 when the author posted',
    stored_at DateTime64(3, 'UTC') COMMENT 'L1 when it was stored',
    text_l2 String COMMENT 'L2 masked, shared places too',
    priority UInt8 COMMENT 'L2 1 life at risk now ... 4 the rest',
    need String COMMENT 'L2 strongest need, or none',
    needs Array(String) COMMENT 'L2 every need, strongest first',
    hazards Array(String) COMMENT 'L2 dyke_breach, collapse, ...',
    items Array(Tuple(name String, quantity Nullable(Float64), unit Nullable(String))) COMMENT 'L2 goods asked for or offered',
    people Tuple(count Nullable(Int32), vulnerable Array(String)) COMMENT 'L2 how many people, which groups',
    source_kind String COMMENT 'L2 self, relay, volunteer, media, official, other',
    state String COMMENT 'L2 open, partial, closed, unclear',
    adcodes Array(String) COMMENT 'L2 counties',
    reposts Int64 COMMENT 'L2 as the feed says'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    platform, post_id, created_at, stored_at, text_l2, priority, need,
    arrayMap(x -> toString(x.need), p.needs) AS needs, hazards, items, people, source_kind, state, adcodes, reposts
FROM posts AS p FINAL
WHERE notEmpty(p.needs) OR notEmpty(p.hazards)
SETTINGS optimize_move_to_prewhere_if_final = 1;

-- With the county, by which dashboards choose.
CREATE OR REPLACE VIEW alerts
(
    alert_id String COMMENT 'L2 hash of rule, fold key and event-time window',
    rule String COMMENT 'L2 keyword rule, urgent-need, burst:... or silence',
    priority UInt8 COMMENT 'L2 the most urgent of its posts',
    place String COMMENT 'L3 full path of the deepest place',
    needs Array(String) COMMENT 'L2 what is asked for, by any of its posts',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 time of the first post',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 time of the last post',
    posts UInt64 COMMENT 'L2 distinct posts',
    callers UInt64 COMMENT 'L2 distinct callers; those without a token count as one',
    state String COMMENT 'L2 open, acknowledged, closed',
    reasons Array(String) COMMENT 'L2 why, of all its posts',
    adcode String COMMENT 'L2 county; empty when none is known'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    hits.alert_id AS alert_id, hits.rule AS rule, hits.priority AS priority, hits.place AS place,
    arraySort(hits.needs) AS needs, hits.first_at AS first_at, hits.last_at AS last_at,
    hits.posts AS posts, hits.callers AS callers,
    if(states.state = '', 'open', states.state) AS state, arraySort(hits.reasons) AS reasons,
    hits.adcode AS adcode
FROM
(
    SELECT
        alert_id, any(rule) AS rule, min(priority) AS priority,
        argMin(place, (empty(place), -length(splitByRegexp('[省市区县镇乡]', place)), at)) AS place,
        groupUniqArrayArray(needs) AS needs, min(at) AS first_at, max(at) AS last_at,
        countIf(post_id != '') AS posts, uniqExactIf(caller_token, post_id != '') AS callers,
        groupUniqArrayArray(20)(reasons) AS reasons, max(adcode) AS adcode
    FROM alert_hits FINAL
    GROUP BY alert_id
) AS hits
LEFT JOIN
(
    SELECT alert_id, argMax(state, at) AS state FROM alert_states GROUP BY alert_id
) AS states ON states.alert_id = hits.alert_id;
