-- Topics by hour, counted anew only in the hours that changed. Until now every five minutes read all that stands in a
-- topic, half a year of it. A post's topic and hour stay what they were when it joined, so no cell ever loses a post, and
-- one topic's being taken over by another is looked up when the view is read.
DROP VIEW IF EXISTS topic_hours_refresh;

DROP TABLE IF EXISTS topic_hours;

ALTER TABLE post_topics ADD INDEX IF NOT EXISTS joined at TYPE minmax GRANULARITY 1;

ALTER TABLE post_topics ADD INDEX IF NOT EXISTS written stored_at TYPE minmax GRANULARITY 1;

ALTER TABLE post_topics MATERIALIZE INDEX joined;

ALTER TABLE post_topics MATERIALIZE INDEX written;

CREATE TABLE IF NOT EXISTS topic_hours
(
    hour DateTime('UTC') COMMENT 'L1 of the post',
    topic_id String COMMENT 'L2 of topics, before merges',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    copies UInt64 COMMENT 'L2 near copies',
    made_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'L1 when it was counted; the latest wins, TTL counts from here'
)
ENGINE = ReplacingMergeTree(made_at)
ORDER BY (hour, topic_id)
TTL toDateTime(made_at) + INTERVAL 180 DAY
COMMENT 'Topics by hour, at most five minutes old; read v_topic_hours';

-- A row is seen some time after the instant that it bears; ten minutes are longer than an insert takes. An hour that was
-- counted has a cell at least, so the newest says where to go on.
CREATE MATERIALIZED VIEW IF NOT EXISTS topic_hours_refresh REFRESH EVERY 5 MINUTE APPEND TO topic_hours
(
    hour DateTime('UTC') COMMENT 'L1 of the post',
    topic_id String COMMENT 'L2 of topics, before merges',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    copies UInt64 COMMENT 'L2 near copies',
    made_at DateTime64(3, 'UTC') COMMENT 'L1 when it was counted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(t.made_at) FROM topic_hours AS t) AS made,
    (SELECT groupUniqArray(toStartOfHour(w.at)) FROM post_topics AS w WHERE w.stored_at >= made - INTERVAL 10 MINUTE) AS touched
SELECT
    toStartOfHour(p.at) AS hour, p.topic_id AS topic_id, countIf(p.copy_of = '') AS posts, countIf(p.copy_of != '') AS copies,
    now64(3, 'UTC') AS made_at
FROM post_topics AS p FINAL
WHERE toStartOfHour(p.at) IN (SELECT arrayJoin(touched))
GROUP BY hour, topic_id
SETTINGS max_threads = 1, use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 1;

CREATE OR REPLACE VIEW v_topic_hours
(
    hour DateTime('UTC') COMMENT 'L1 of the post',
    topic_id String COMMENT 'L2 of v_topics, after merges',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    copies UInt64 COMMENT 'L2 near copies'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    t.hour AS hour, if(merged.into = '', t.topic_id, merged.into) AS topic_id, sum(t.posts) AS posts, sum(t.copies) AS copies
FROM topic_hours AS t FINAL
LEFT JOIN (SELECT topic_id, merged_into AS into FROM topics FINAL WHERE merged_into != '') AS merged ON merged.topic_id = t.topic_id
GROUP BY hour, topic_id;
