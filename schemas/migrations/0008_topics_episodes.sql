-- What needs memory over posts: topics, and episodes of calls for help and hazards. Written by followers, which read
-- `posts` in the order of stored_at; writing the same thing twice changes nothing.

-- A post's topic never changes once it stands here: a merge of topics is a row of topic_changes.
CREATE TABLE IF NOT EXISTS post_topics
(
    platform LowCardinality(String) COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    topic_id String COMMENT 'L2 of topics',
    copy_of String CODEC(ZSTD(1)) COMMENT 'L2 post_id of the first near copy in the topic; empty for what is none',
    similarity Float32 COMMENT 'L1 to the topic when it joined, 0 to 1',
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L2 when the author posted',
    version UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'L1 of the row',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)) COMMENT 'L1 when it was written; TTL counts from here',
    INDEX topic topic_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (platform, post_id)
TTL toDateTime(stored_at) + INTERVAL 180 DAY
COMMENT 'Topic of each post; read with FINAL';

CREATE TABLE IF NOT EXISTS topics
(
    topic_id String COMMENT 'L2 stable: made of the first post',
    version UInt64 COMMENT 'L1 the latest wins',
    name String COMMENT 'L2 its strongest terms',
    terms Array(String) COMMENT 'L2 strongest first; each in at least two of its posts, none from a place or a person',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 time of the first post',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 time of the last post',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    reach UInt64 COMMENT 'L2 posts with their copies and reposts',
    authors UInt8 COMMENT 'L2 distinct authors, 21 for more than 20',
    negative UInt64 COMMENT 'L2 posts of this sentiment',
    neutral UInt64 COMMENT 'L2 posts of this sentiment',
    positive UInt64 COMMENT 'L2 posts of this sentiment',
    hour_posts UInt64 COMMENT 'L2 posts of the hour up to last_at',
    hour_before UInt64 COMMENT 'L2 posts of the hour before that',
    growth Float64 COMMENT 'L2 (hour_posts + 1) / (hour_before + 1)',
    counties Array(Tuple(adcode LowCardinality(String), posts UInt64)) COMMENT 'L2 counties named, most first',
    representatives Array(Tuple(platform LowCardinality(String), post_id String)) COMMENT 'L2 posts nearest to its centre',
    merged_into String COMMENT 'L2 topic that took it over; empty while it stands',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY topic_id
TTL toDateTime(stored_at) + INTERVAL 180 DAY
COMMENT 'Hot topics; read with FINAL';

CREATE TABLE IF NOT EXISTS topic_changes
(
    topic_id String COMMENT 'L2 topic that went on',
    kind LowCardinality(String) COMMENT 'L1 merge or split',
    other_id String COMMENT 'L2 topic that went into it, or came out of it',
    at DateTime64(3, 'UTC') COMMENT 'L2 time of the post at which it happened',
    posts UInt64 COMMENT 'L2 posts of the other topic then',
    similarity Float32 COMMENT 'L1 of both, 0 to 1',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (topic_id, kind, other_id)
TTL toDateTime(stored_at) + INTERVAL 180 DAY
COMMENT 'Merges and splits of topics; read with FINAL';

-- What the software found. States are what people say: episode_events.
CREATE TABLE IF NOT EXISTS episode_facts
(
    episode_id String COMMENT 'L2 stable: hash of its first post',
    version UInt64 COMMENT 'L1 the latest wins',
    kind LowCardinality(String) COMMENT 'L2 help or hazard',
    place String COMMENT 'L3 full path of its deepest place; empty when none is named',
    level LowCardinality(String) COMMENT 'L2 of the place: province ... poi; empty without one',
    adcode LowCardinality(String) COMMENT 'L2 county',
    lat Nullable(Float64) COMMENT 'L3 WGS-84',
    lon Nullable(Float64) COMMENT 'L3 WGS-84',
    radius_m Nullable(Int32) COMMENT 'L3 the place lies within',
    needs Array(LowCardinality(String)) COMMENT 'L2 what is asked for, by any of its posts',
    hazards Array(LowCardinality(String)) COMMENT 'L2 dyke_breach, collapse, ...',
    items Array(String) COMMENT 'L2 goods asked for',
    people Nullable(Int32) COMMENT 'L2 most people that a post speaks of',
    vulnerable Array(LowCardinality(String)) COMMENT 'L2 elderly, infant, ...',
    priority UInt8 COMMENT 'L2 the most urgent of its posts',
    callers UInt32 COMMENT 'L2 distinct numbers or posters',
    relays UInt32 COMMENT 'L2 posts that pass a call on, copies too',
    posts UInt32 COMMENT 'L2 distinct posts',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 earliest time written in its posts, else of posting',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 latest time written in its posts, else of posting: how fresh it is',
    last_posted_at DateTime64(3, 'UTC') COMMENT 'L2 when its last post was posted; copies travel for days',
    standing LowCardinality(String) COMMENT 'L2 of a hazard: unverified, official or contested; empty for calls',
    claims UInt32 COMMENT 'L2 posts that claim the hazard',
    denials UInt32 COMMENT 'L2 posts that deny it',
    proposed LowCardinality(String) COMMENT 'L2 state that a post proposes: closed, partial or empty',
    proposed_by Tuple(platform LowCardinality(String), post_id String) COMMENT 'L2 the post that proposes it',
    proposed_at DateTime64(3, 'UTC') COMMENT 'L2 time of that post',
    rank Float64 COMMENT 'L2 the higher the more urgent',
    reasons Array(String) COMMENT 'L2 why it ranks so; never text of a post',
    evidence Array(Tuple(platform LowCardinality(String), post_id String)) COMMENT 'L2 posts behind it, at most 20',
    offers Array(Tuple(platform LowCardinality(String), post_id String, km Float32)) COMMENT 'L2 offers nearby that fit',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY episode_id
TTL toDateTime(stored_at) + INTERVAL 180 DAY
COMMENT 'Episodes as found; read the view episodes';

CREATE TABLE IF NOT EXISTS episode_posts
(
    platform LowCardinality(String) COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    episode_id String COMMENT 'L2 of episode_facts',
    role LowCardinality(String) COMMENT 'L2 call, relay, copy, claim, denial or closing',
    caller_token String COMMENT 'L3 keyed hash of the phone number, else of the author; empty without either',
    at DateTime64(3, 'UTC') COMMENT 'L2 time written in the post, else of posting',
    version UInt64 COMMENT 'L1 the latest wins: a split by hand moves a post',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here',
    INDEX episode episode_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (platform, post_id)
TTL toDateTime(stored_at) + INTERVAL 180 DAY
COMMENT 'Posts of episodes; read with FINAL';

-- All that people did about an episode. Plain MergeTree and never changed: what was said was said.
CREATE TABLE IF NOT EXISTS episode_events
(
    event_id String COMMENT 'L2 unique; a second row of one id counts once',
    episode_id String COMMENT 'L2 of episode_facts',
    at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L2 when',
    actor String COMMENT 'L3 who',
    action LowCardinality(String) COMMENT 'L2 verify, dispatch, arrive, close, reopen, reject, merge, split, note, handover, called',
    state LowCardinality(String) COMMENT 'L2 state after it; empty when it changes none',
    unit String COMMENT 'L2 unit that owns it from now on; empty when unchanged',
    deadline Nullable(DateTime64(3, 'UTC')) COMMENT 'L2 until when; null when unchanged',
    note String COMMENT 'L3 what was said',
    other_id String COMMENT 'L2 of a merge: the episode it goes into; of a split: empty',
    posts Array(Tuple(platform String, post_id String)) COMMENT 'L2 of a split: posts that leave'
)
ENGINE = MergeTree
ORDER BY (episode_id, at, event_id)
TTL toDateTime(at) + INTERVAL 180 DAY
COMMENT 'Events of episodes';

CREATE OR REPLACE VIEW episodes
(
    episode_id String COMMENT 'L2 stable: hash of its first post',
    kind String COMMENT 'L2 help or hazard',
    place String COMMENT 'L3 full path of its deepest place',
    level String COMMENT 'L2 of the place',
    adcode String COMMENT 'L2 county',
    lat Nullable(Float64) COMMENT 'L3 WGS-84',
    lon Nullable(Float64) COMMENT 'L3 WGS-84',
    radius_m Nullable(Int32) COMMENT 'L3 the place lies within',
    needs Array(String) COMMENT 'L2 what is asked for, by any of its posts',
    hazards Array(String) COMMENT 'L2 dyke_breach, collapse, ...',
    items Array(String) COMMENT 'L2 goods asked for',
    people Nullable(Int32) COMMENT 'L2 most people that a post speaks of',
    vulnerable Array(String) COMMENT 'L2 elderly, infant, ...',
    priority UInt8 COMMENT 'L2 the most urgent of its posts',
    callers UInt32 COMMENT 'L2 distinct numbers or posters',
    relays UInt32 COMMENT 'L2 posts that pass a call on, copies too',
    posts UInt32 COMMENT 'L2 distinct posts',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 earliest time written in its posts, else of posting',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 latest time written in its posts, else of posting',
    last_posted_at DateTime64(3, 'UTC') COMMENT 'L2 when its last post was posted',
    standing String COMMENT 'L2 of a hazard: unverified, official or contested',
    claims UInt32 COMMENT 'L2 posts that claim the hazard',
    denials UInt32 COMMENT 'L2 posts that deny it',
    proposed String COMMENT 'L2 state that a post proposes and nobody has turned down or set since',
    proposed_by Tuple(platform String, post_id String) COMMENT 'L2 the post that proposes it',
    proposed_at DateTime64(3, 'UTC') COMMENT 'L2 time of that post',
    rank Float64 COMMENT 'L2 the higher the more urgent',
    reasons Array(String) COMMENT 'L2 why it ranks so',
    evidence Array(Tuple(platform String, post_id String)) COMMENT 'L2 posts behind it, at most 20',
    offers Array(Tuple(platform String, post_id String, km Float32)) COMMENT 'L2 offers nearby that fit',
    state String COMMENT 'L2 unverified, verified, dispatched, arrived or closed',
    owner String COMMENT 'L2 unit that owns it',
    deadline Nullable(DateTime64(3, 'UTC')) COMMENT 'L2 until when',
    verified_by String COMMENT 'L3 who verified it last',
    verified_at Nullable(DateTime64(3, 'UTC')) COMMENT 'L2 when',
    calls UInt64 COMMENT 'L2 how often somebody has phoned back',
    last_called_at Nullable(DateTime64(3, 'UTC')) COMMENT 'L2 when somebody phoned last',
    merged_into String COMMENT 'L2 episode that took it over by hand; empty while it stands'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    facts.episode_id AS episode_id, kind, place, level, adcode, lat, lon, radius_m, needs, hazards, items, people,
    vulnerable, priority, callers, relays, facts.posts AS posts, first_at, last_at, last_posted_at, standing, claims,
    denials, if(facts.proposed_at > ifNull(done.settled_at, toDateTime64(0, 3, 'UTC')), facts.proposed, '') AS proposed,
    proposed_by, proposed_at, rank, reasons, evidence, offers,
    if(done.last_state = '', 'unverified', done.last_state) AS state, done.last_unit AS owner,
    done.last_deadline AS deadline, done.verifier AS verified_by, done.verification AS verified_at,
    done.called AS calls, done.called_last AS last_called_at, done.into AS merged_into
FROM (SELECT * FROM episode_facts FINAL) AS facts
LEFT JOIN
(
    SELECT
        episode_id, argMaxIf(state, (at, event_id), state != '') AS last_state,
        argMaxIf(unit, (at, event_id), unit != '') AS last_unit,
        argMaxIf(deadline, (at, event_id), deadline IS NOT NULL) AS last_deadline,
        argMaxIf(actor, (at, event_id), action = 'verify') AS verifier,
        maxOrNullIf(at, action = 'verify') AS verification,
        uniqExactIf(event_id, action = 'called') AS called,
        maxOrNullIf(at, action = 'called') AS called_last,
        maxOrNullIf(at, action IN ('close', 'reopen', 'reject')) AS settled_at,
        argMaxIf(other_id, (at, event_id), action = 'merge') AS into
    FROM episode_events GROUP BY episode_id
) AS done ON done.episode_id = facts.episode_id;

-- Without places and people: analysts see counties.
CREATE OR REPLACE VIEW v_episodes
(
    episode_id String COMMENT 'L2 stable: hash of its first post',
    kind String COMMENT 'L2 help or hazard',
    adcode String COMMENT 'L2 county',
    needs Array(String) COMMENT 'L2 what is asked for',
    hazards Array(String) COMMENT 'L2 dyke_breach, collapse, ...',
    priority UInt8 COMMENT 'L2 the most urgent of its posts',
    callers UInt32 COMMENT 'L2 distinct numbers or posters',
    relays UInt32 COMMENT 'L2 posts that pass a call on',
    posts UInt32 COMMENT 'L2 distinct posts',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 earliest time written in its posts, else of posting',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 latest time written in its posts, else of posting',
    standing String COMMENT 'L2 of a hazard: unverified, official or contested',
    state String COMMENT 'L2 unverified, verified, dispatched, arrived or closed',
    owner String COMMENT 'L2 unit that owns it',
    deadline Nullable(DateTime64(3, 'UTC')) COMMENT 'L2 until when',
    rank Float64 COMMENT 'L2 the higher the more urgent'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    episode_id, kind, adcode, needs, hazards, priority, callers, relays, posts, first_at, last_at, standing, state,
    owner, deadline, rank
FROM episodes WHERE merged_into = '';

-- The mix of moods only where at least 20 people speak.
CREATE OR REPLACE VIEW v_topics
(
    topic_id String COMMENT 'L2 stable: made of the first post',
    name String COMMENT 'L2 its strongest terms',
    terms Array(String) COMMENT 'L2 strongest first',
    first_at DateTime64(3, 'UTC') COMMENT 'L2 time of the first post',
    last_at DateTime64(3, 'UTC') COMMENT 'L2 time of the last post',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    reach UInt64 COMMENT 'L2 posts with their copies and reposts',
    negative Nullable(UInt64) COMMENT 'L2 to the nearest 5; null below 20 distinct authors',
    neutral Nullable(UInt64) COMMENT 'L2 to the nearest 5; null below 20 distinct authors',
    positive Nullable(UInt64) COMMENT 'L2 to the nearest 5; null below 20 distinct authors',
    growth Float64 COMMENT 'L2 posts of its last hour against the hour before',
    counties Array(Tuple(adcode String, posts UInt64)) COMMENT 'L2 counties named, most first',
    representatives Array(Tuple(platform String, post_id String)) COMMENT 'L2 posts nearest to its centre'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    topic_id, name, terms, first_at, last_at, posts, reach,
    if(authors >= 20, toNullable(intDiv(t.negative + 2, 5) * 5), NULL) AS negative,
    if(authors >= 20, toNullable(intDiv(t.neutral + 2, 5) * 5), NULL) AS neutral,
    if(authors >= 20, toNullable(intDiv(t.positive + 2, 5) * 5), NULL) AS positive,
    growth, counties, representatives
FROM topics AS t FINAL
WHERE merged_into = '';

CREATE OR REPLACE VIEW v_topic_hours
(
    hour DateTime('UTC') COMMENT 'L1 of the post',
    topic_id String COMMENT 'L2 of v_topics, after merges',
    posts UInt64 COMMENT 'L2 distinct posts, near copies folded',
    copies UInt64 COMMENT 'L2 near copies'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfHour(at) AS hour, if(merged.into = '', p.topic_id, merged.into) AS topic_id,
    countIf(copy_of = '') AS posts, countIf(copy_of != '') AS copies
FROM (SELECT * FROM post_topics FINAL) AS p
LEFT JOIN (SELECT topic_id, merged_into AS into FROM topics FINAL WHERE merged_into != '') AS merged
    ON merged.topic_id = p.topic_id
GROUP BY hour, topic_id;

-- Evidence: never a claim without the posts behind it.
CREATE OR REPLACE VIEW alert_posts
(
    alert_id String COMMENT 'L2 of alerts',
    platform String COMMENT 'L2 with post_id: the post',
    post_id String COMMENT 'L2 id on the platform',
    at DateTime64(3, 'UTC') COMMENT 'L2 when the author posted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT alert_id, platform, post_id, at FROM alert_hits FINAL WHERE post_id != '';

-- A district that went silent is an alert with no post behind it: one hit with an empty post_id, which counts as none.
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
        countIf(post_id != '') AS posts, uniqExactIf(caller_token, post_id != '') AS callers,
        groupUniqArrayArray(20)(reasons) AS reasons
    FROM alert_hits FINAL
    GROUP BY alert_id
) AS hits
LEFT JOIN
(
    SELECT alert_id, argMax(state, at) AS state FROM alert_states GROUP BY alert_id
) AS states ON states.alert_id = hits.alert_id;
