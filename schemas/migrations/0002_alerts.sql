-- Alerts are counted from facts: one row a post that belongs to an alert, so that a repeat raises the counts and a
-- delivery of the same post again does not.

-- version = notify << 63 | version of the post: once a post may notify, no replay (notify 0) takes that back.
CREATE TABLE IF NOT EXISTS alert_hits
(
    alert_id String COMMENT 'L2 hash of rule, fold key and event-time window',
    platform LowCardinality(String) COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    version UInt64 COMMENT 'L1 notify << 63 | version of the post',
    lane LowCardinality(String) COMMENT 'L1 rules (before the model) or needs (after it)',
    rule LowCardinality(String) COMMENT 'L2 keyword rule, or urgent-need',
    priority UInt8 COMMENT 'L2 1 life at risk now ... 4 the rest',
    fold LowCardinality(String) COMMENT 'L1 what folded it: place, phone or copy',
    place String COMMENT 'L3 full path of the deepest place; empty when none is named',
    adcode LowCardinality(String) COMMENT 'L2 county of the place',
    needs Array(LowCardinality(String)) COMMENT 'L2 what is asked for',
    caller_token String COMMENT 'L3 keyed hash of the first phone number, else of the author; empty without either',
    reasons Array(String) COMMENT 'L2 terms of rules, labels and scores; never text of the post',
    notify UInt8 COMMENT 'L1 0 for replays and old events: counted, never sent',
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L2 when the author posted',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)) COMMENT 'L1 when the sink wrote the row; TTL counts from here',
    INDEX stored stored_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (alert_id, platform, post_id)
TTL toDateTime(stored_at) + INTERVAL 180 DAY
COMMENT 'Posts of alerts; read with FINAL';

-- What people said about an alert, all of it: the latest counts.
CREATE TABLE IF NOT EXISTS alert_states
(
    alert_id String COMMENT 'L2 of alert_hits',
    at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L2 when',
    state LowCardinality(String) COMMENT 'L2 open, acknowledged, closed',
    actor String COMMENT 'L3 who',
    note String COMMENT 'L3 why'
)
ENGINE = MergeTree
ORDER BY (alert_id, at)
TTL toDateTime(at) + INTERVAL 180 DAY
COMMENT 'Acknowledgements and closings';

-- The notifier's memory: an intent before each attempt, done after the receiver accepted it.
CREATE TABLE IF NOT EXISTS alert_deliveries
(
    alert_id String COMMENT 'L2 of alert_hits',
    priority UInt8 COMMENT 'L2 that was told; told again only when it rises',
    attempt UInt32 COMMENT 'L1 1, 2, 3, ...',
    status LowCardinality(String) COMMENT 'L1 intent, done, failed',
    idempotency_key String COMMENT 'L2 the same for every attempt at one alert and priority',
    channel LowCardinality(String) COMMENT 'L1 webhook or file',
    detail String COMMENT 'L1 HTTP status or name of the error',
    at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (alert_id, priority, attempt, status)
TTL toDateTime(at) + INTERVAL 180 DAY
COMMENT 'Deliveries of alerts';

CREATE OR REPLACE VIEW alerts
(
    alert_id String COMMENT 'L2 hash of rule, fold key and event-time window',
    rule String COMMENT 'L2 keyword rule, or urgent-need',
    priority UInt8 COMMENT 'L2 the most urgent of its posts',
    place String COMMENT 'L3 full path of the deepest place',
    needs Array(String) COMMENT 'L2 what is asked for, by any of its posts',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 time of the first post',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 time of the last post',
    posts UInt64 COMMENT 'L2 distinct posts',
    callers UInt64 COMMENT 'L2 distinct callers; those without a token count as one',
    state String COMMENT 'L2 open, acknowledged, closed',
    reasons Array(String) COMMENT 'L2 why, of all its posts'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    hits.alert_id AS alert_id, hits.rule AS rule, hits.priority AS priority, hits.place AS place,
    arraySort(hits.needs) AS needs, hits.first_at AS first_at, hits.last_at AS last_at,
    hits.posts AS posts, hits.callers AS callers,
    if(states.state = '', 'open', states.state) AS state, arraySort(hits.reasons) AS reasons
FROM
(
    SELECT
        alert_id, any(rule) AS rule, min(priority) AS priority,
        argMin(place, (empty(place), -length(splitByRegexp('[省市区县镇乡]', place)), at)) AS place,
        groupUniqArrayArray(needs) AS needs, min(at) AS first_at, max(at) AS last_at,
        count() AS posts, uniqExact(caller_token) AS callers, groupUniqArrayArray(20)(reasons) AS reasons
    FROM alert_hits FINAL
    GROUP BY alert_id
) AS hits
LEFT JOIN
(
    SELECT alert_id, argMax(state, at) AS state FROM alert_states GROUP BY alert_id
) AS states ON states.alert_id = hits.alert_id;
