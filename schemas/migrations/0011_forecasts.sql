-- Early warning: how many posts a week a theme has in a district, and what was expected.

-- Kept far longer than the posts they were counted from: a year's season needs two years of weeks, posts go after 180
-- days. No post can be told from a count of a week.
CREATE TABLE IF NOT EXISTS weekly_counts
(
    week Date COMMENT 'L1 its Monday, China time',
    theme LowCardinality(String) COMMENT 'L1 category of keyword rules; empty for all posts',
    district LowCardinality(String) COMMENT 'L1 adcode of a county or its city; empty for all of them',
    days Array(UInt64) COMMENT 'L2 distinct posts of each day, Monday first, however few',
    authors UInt8 COMMENT 'L2 distinct authors in the week: up to 20, or 21 for more',
    version UInt64 COMMENT 'L1 of the row; the latest wins',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (theme, district, week)
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'Posts a week by theme and district; read with FINAL';

CREATE TABLE IF NOT EXISTS forecasts
(
    week Date COMMENT 'L1 Monday of the week that is forecast, China time',
    theme LowCardinality(String) COMMENT 'L1 category of keyword rules; empty for all posts',
    district LowCardinality(String) COMMENT 'L1 adcode of a county or its city; empty for all of them',
    step UInt8 COMMENT 'L1 weeks ahead: 1 was forecast when the week before it was over',
    model LowCardinality(String) COMMENT 'L1 naive, ets, ...: the best on the past of this series',
    history UInt16 COMMENT 'L1 whole weeks that were known',
    expected Float64 COMMENT 'L2 posts',
    lower80 Float64 COMMENT 'L2 posts; four weeks of five should lie between',
    upper80 Float64 COMMENT 'L2 posts',
    lower95 Float64 COMMENT 'L2 posts; 19 weeks of 20 should lie between',
    upper95 Float64 COMMENT 'L2 posts',
    observed Nullable(UInt64) COMMENT 'L2 posts in the week, so far; null before it begins',
    days UInt8 COMMENT 'L1 days of the week that observed counts: 7 when it is over',
    warning Bool COMMENT 'L2 observed is above upper95 and enough to be told',
    authors UInt8 COMMENT 'L2 most distinct authors in one of the four weeks before: up to 20, or 21 for more',
    version UInt64 COMMENT 'L1 of the row; the latest wins',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (theme, district, week, step)
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'Forecasts with bands and what came; read with FINAL';

-- A theme in a county can be a handful of people: analysts and dashboards see series of 20 authors a week or more.
CREATE OR REPLACE VIEW v_forecasts
(
    week Date COMMENT 'L1 Monday of the week that is forecast, China time',
    theme String COMMENT 'L1 category of keyword rules; empty for all posts',
    district String COMMENT 'L1 adcode of a county or its city; empty for all of them',
    step UInt8 COMMENT 'L1 weeks ahead',
    model String COMMENT 'L1 naive, ets, ...',
    expected Float64 COMMENT 'L2 posts, of a series of at least 20 distinct authors in a week',
    lower80 Float64 COMMENT 'L2 posts',
    upper80 Float64 COMMENT 'L2 posts',
    lower95 Float64 COMMENT 'L2 posts',
    upper95 Float64 COMMENT 'L2 posts',
    observed Nullable(UInt64) COMMENT 'L2 posts in the week, so far',
    days UInt8 COMMENT 'L1 days of the week that observed counts',
    warning Bool COMMENT 'L2 observed is above upper95'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT week, theme, district, step, model, expected, lower80, upper80, lower95, upper95, observed, days, warning
FROM forecasts AS f FINAL WHERE f.authors >= 20;
