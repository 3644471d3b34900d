-- alert_id is a plain hash of rule, place and hour: who guesses a village could check the guess, and analysts are not
-- told places. Their view names alerts by a second hash, with something that only the store knows.
CREATE TABLE IF NOT EXISTS view_salt
(
    salt UUID COMMENT 'L3 drawn once; makes names in views that nobody can work out'
)
ENGINE = MergeTree
ORDER BY salt
COMMENT 'One random value';

INSERT INTO view_salt SELECT generateUUIDv4() FROM (SELECT count() AS there FROM view_salt) WHERE there = 0;

-- A join and no scalar, because EXPLAIN would print a constant.
CREATE OR REPLACE VIEW v_alerts
(
    alert_id String COMMENT 'L2 stable name of the alert, another than in alerts',
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
    lower(hex(sipHash128(toString(hidden.salt), hits.id))) AS alert_id, rule, priority, adcode, needs, first_at, last_at, posts, callers
FROM
(
    SELECT
        alert_hits.alert_id AS id, any(rule) AS rule, min(priority) AS priority, max(adcode) AS adcode,
        arraySort(groupUniqArrayArray(needs)) AS needs, min(at) AS first_at, max(at) AS last_at,
        count() AS posts, uniqExact(caller_token) AS callers
    FROM alert_hits FINAL
    GROUP BY id
) AS hits
CROSS JOIN (SELECT min(salt) AS salt FROM view_salt) AS hidden;
