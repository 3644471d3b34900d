-- What people may read, drawn closer, so that nobody's posts or moods can be followed.

-- Whoever continues an own post names it here: a chain of these is one author's thread. So it has the class of a token.
ALTER TABLE posts COMMENT COLUMN IF EXISTS repost_of 'L3 id of the post this one repeats; empty when it is none. A chain may be one author';

-- Sentiment and emotion from one reading of posts. The table itself holds no cell of fewer than 20 distinct authors:
-- sentiment_hourly kept small ones, which operators could read.
CREATE TABLE IF NOT EXISTS mood_hourly
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all posts together',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    kind LowCardinality(String) COMMENT 'L1 sentiment or emotion',
    label LowCardinality(String) COMMENT 'L2 negative, ..., or angry, ...',
    posts UInt64 COMMENT 'L2 in the cell',
    authors UInt64 COMMENT 'L2 distinct authors in the cell, at least 20'
)
ENGINE = MergeTree
ORDER BY (kind, adcode, platform, hour, label)
COMMENT 'Moods by hour and county; analysts read v_sentiment and v_emotion';

CREATE MATERIALIZED VIEW IF NOT EXISTS mood_hourly_refresh REFRESH EVERY 1 MINUTE TO mood_hourly
(
    hour DateTime('UTC') COMMENT 'L1 of created_at',
    adcode LowCardinality(String) COMMENT 'L1 county; empty for all',
    platform LowCardinality(String) COMMENT 'L1 weibo, ...',
    kind LowCardinality(String) COMMENT 'L1 sentiment or emotion',
    label LowCardinality(String) COMMENT 'L2 negative, ..., or angry, ...',
    posts UInt64 COMMENT 'L2 in the cell',
    authors UInt64 COMMENT 'L2 distinct authors'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfHour(created_at) AS hour, cell.1 AS adcode, platform, cell.2 AS kind, cell.3 AS label,
    count() AS posts, uniqExactIf(author_token, author_token != '') AS authors
FROM posts FINAL
ARRAY JOIN arrayConcat(
    arrayMap(x -> (x, 'sentiment', toString(sentiment)), arrayConcat([''], arrayMap(x -> toString(x), adcodes))),
    arrayMap(x -> (x, 'emotion', toString(emotion)), arrayConcat([''], arrayMap(x -> toString(x), adcodes)))
) AS cell
GROUP BY hour, adcode, platform, kind, label
HAVING authors >= 20
SETTINGS max_threads = 1;

-- To the nearest five: the difference of two cells that overlap by all but one post is then no answer.
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
FROM mood_hourly AS moods WHERE moods.kind = 'sentiment' AND moods.authors >= 20;

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
FROM mood_hourly AS moods WHERE moods.kind = 'emotion' AND moods.authors >= 20;

DROP VIEW IF EXISTS sentiment_hourly_refresh;

DROP TABLE IF EXISTS sentiment_hourly;

-- A post that neither asks for help, offers it, nor reports a hazard shows no mood: a stream of people's negative posts
-- is nobody's business here. Moods are counted in v_sentiment and v_emotion.
CREATE OR REPLACE VIEW v_posts
(
    platform String COMMENT 'L2 weibo, ...',
    post_id String COMMENT 'L2 id on the platform',
    created_at DateTime64(3, 'UTC') COMMENT 'L2 when the author posted',
    stored_at DateTime64(3, 'UTC') COMMENT 'L1 when it was stored',
    language String COMMENT 'L1 zh, en, und',
    text_l2 String COMMENT 'L2 masked, shared places too',
    sentiment Nullable(String) COMMENT 'L2 negative, neutral, positive; null unless it asks, offers or warns',
    sentiment_score Nullable(Float32) COMMENT 'L2 calibrated probability, or null',
    emotion Nullable(String) COMMENT 'L2 angry, fear, happy, neutral, sad, surprise; null unless it asks, offers or warns',
    emotion_score Nullable(Float32) COMMENT 'L2 calibrated probability, or null',
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
AS WITH notEmpty(p.needs) OR notEmpty(p.hazards) AS told
SELECT
    platform, post_id, created_at, stored_at, language, text_l2,
    if(told, toNullable(toString(p.sentiment)), NULL) AS sentiment,
    if(told, toNullable(p.sentiment_score), NULL) AS sentiment_score,
    if(told, toNullable(toString(p.emotion)), NULL) AS emotion,
    if(told, toNullable(p.emotion_score), NULL) AS emotion_score,
    need, help_score, arrayMap(x -> toString(x.need), p.needs) AS needs, hazards, source_kind, state, priority,
    arrayDistinct(arrayMap(x -> toString(x.rule), keywords)) AS rules, categories, adcodes, likes, reposts, comments,
    model
FROM posts AS p FINAL;

-- The posts that the whole thing is for: masked evidence beside the alerts, for dashboards and operators.
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
WHERE notEmpty(p.needs) OR notEmpty(p.hazards);
