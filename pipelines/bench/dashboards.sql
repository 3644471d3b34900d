-- What `bench dashboards` writes: three statements once a chunk of posts, then the rest once. Times are even over the
-- span, the rest comes from hashes of a post's number. begin: ms; step: ms between posts; posts: in all; first, count:
-- of the chunk; source: bench, or minute for what came afterwards.

INSERT INTO posts
(platform, post_id, version, created_at, ingested_at, stored_at, source, partition, offset, job, author_token, language,
 text, text_l2, sentiment, sentiment_score, emotion, emotion_score, need, need_score, help_score, needs, hazards,
 source_kind, state, priority, keywords, categories, adcodes, likes, reposts, comments, model)
WITH
    fromUnixTimestamp64Milli(toInt64({begin:Int64} + n * {step:Float64}), 'UTC') AS at,
    (SELECT groupArray(adcode) FROM districts WHERE level = 'county' AND startsWith(adcode, '41')) AS counties,
    cityHash64(n, 3) % 50 = 0 AS call,
    ['rescue', 'medical', 'supplies', 'shelter', 'missing_person', 'transport'][1 + cityHash64(n, 8) % 6] AS kind,
    arrayStringConcat(arrayMap(i -> substringUTF8('的一是了我不人在他有这上们来到时大地为子中你说生国年着就那和要她出也得里后自以会', 1 + cityHash64(n, i) % 38, 2), range(20))) AS words
SELECT
    ['weibo', 'douyin', 'wechat', 'xiaohongshu', 'rss', 'twitter'][1 + cityHash64(n, 1) % 6],
    concat('m', leftPad(toString(n), 12, '0')), bitShiftLeft(toUInt64(toUnixTimestamp64Milli(at)), 16), at, at,
    at + toIntervalMillisecond(300 + cityHash64(n, 4) % 900), {source:String}, '0', n, 'opinion',
    lower(hex(cityHash64(cityHash64(n, 5) % 2000000, 1))), 'zh', words, words,
    ['negative', 'neutral', 'neutral', 'positive'][1 + cityHash64(n, 6) % 4], 0.9,
    ['angry', 'fear', 'happy', 'neutral', 'sad', 'surprise'][1 + cityHash64(n, 7) % 6], 0.8,
    if(call, kind, 'none'), 0.9, if(call, 0.9, 0.01), if(call, [(kind, 0.9)], []),
    if(cityHash64(n, 9) % 200 = 0, ['flood_rising'], []), 'self', 'open', if(call, 1 + cityHash64(n, 10) % 3, 4),
    if(cityHash64(n, 11) % 20 = 0, [(['flood-help', 'shortage', 'power-cut', 'outbreak'][1 + cityHash64(n, 12) % 4], '灾情求助', '救援', true)], []),
    if(cityHash64(n, 11) % 20 = 0, ['灾情求助'], []),
    if(cityHash64(n, 13) % 3 = 0, [if(cityHash64(n, 25) % 2 = 0, '410105', counties[1 + cityHash64(n, 2) % length(counties)])], []), 1, 1, 1,
    if(cityHash64(n, 14) % 500 = 0, 'wide@1.2.0+shed', 'encoder@2.0.0')
FROM (SELECT number AS n FROM numbers({first:UInt64}, {count:UInt64}));

INSERT INTO alert_hits
(alert_id, platform, post_id, version, lane, fold, notify, rule, priority, adcode, needs, reasons, at, place, caller_token)
SELECT
    lower(hex(cityHash64(intDiv(offset, 500), cityHash64(offset, 15) % 2))), platform, post_id, version, 'needs', 'place', true,
    'urgent-need', priority, if(empty(adcodes), '', adcodes[1]), arrayMap(x -> x.need, needs), ['need'], created_at, '某县某村', author_token
FROM posts
WHERE notEmpty(needs) AND cityHash64(offset, 16) % 2 = 0 AND offset >= {first:UInt64} AND offset < {first:UInt64} + {count:UInt64};

INSERT INTO post_topics (platform, post_id, topic_id, copy_of, similarity, at, version)
SELECT platform, post_id, lower(hex(cityHash64(intDiv(offset, 2000000), cityHash64(offset, 17) % 1000))),
    if(cityHash64(offset, 18) % 5 = 0, 'm0', ''), 0.9, created_at, 1
FROM posts
WHERE offset >= {first:UInt64} AND offset < {first:UInt64} + {count:UInt64};

INSERT INTO dead_letters (source, partition, offset, step, reason, raw, sha256, stored_at)
SELECT 'bench', '0', number, ['parse', 'mask', 'classify'][1 + cityHash64(number, 1) % 3],
    ['not JSON', 'text is empty', 'time is missing'][1 + cityHash64(number, 2) % 3], 'sealed', hex(number),
    fromUnixTimestamp64Milli(toInt64({begin:Int64} + number * 1000 * {step:Float64}), 'UTC')
FROM numbers(intDiv({posts:UInt64}, 1000));

INSERT INTO episode_facts
(episode_id, version, kind, place, level, adcode, lat, lon, radius_m, needs, hazards, people, priority, callers, relays,
 posts, first_at, last_at, last_posted_at, standing, rank, reasons, evidence)
SELECT
    lower(hex(cityHash64(offset, 20))), 1, if(offset % 5 = 0, 'hazard', 'help'), '某县某村', 'village', adcodes[1], 34.7, 113.6,
    2000, arrayMap(x -> x.need, needs), if(offset % 5 = 0, ['flood_rising'], []), 3, priority, 2, 3, 8, created_at,
    created_at, created_at, if(offset % 5 = 0, 'unverified', ''), cityHash64(offset, 21) % 1000 / 10, ['need'],
    [(platform, post_id)]
FROM posts
WHERE notEmpty(needs) AND notEmpty(adcodes) AND cityHash64(offset, 19) % 16 = 0;

INSERT INTO episode_events (event_id, episode_id, at, actor, action, state, unit, note, other_id)
SELECT episode_id, episode_id, last_at, 'bench',
    ['verify', 'dispatch', 'arrive', 'close'][1 + cityHash64(episode_id, 22) % 4],
    ['verified', 'dispatched', 'arrived', 'closed'][1 + cityHash64(episode_id, 22) % 4], '一队', '', ''
FROM episode_facts
WHERE cityHash64(episode_id, 23) % 2 = 0;

INSERT INTO topics
(topic_id, version, name, terms, first_at, last_at, posts, reach, authors, negative, neutral, positive, hour_posts,
 hour_before, growth, counties, representatives)
SELECT t.topic_id, 1, concat('话题', toString(rowNumberInAllBlocks())), ['话题', '词'], min(t.at), max(t.at), countIf(copy_of = ''),
    count(), 21, intDiv(count(), 4), intDiv(count(), 2), intDiv(count(), 4), 10, 5, cityHash64(t.topic_id, 24) % 100 / 10,
    [('410102', 10), ('410105', 5)], [(any(t.platform), any(t.post_id))]
FROM post_topics AS t
GROUP BY t.topic_id;

INSERT INTO stream_lag (at, run, lag_ms, posts, shed)
SELECT fromUnixTimestamp64Milli(toInt64({begin:Int64} + number * 5000), 'UTC'), 'bench', 300 + cityHash64(number, 1) % 900, 1400, 3
FROM numbers(toUInt64({posts:UInt64} * {step:Float64} / 5000));

INSERT INTO job_health (at, run, job, state, restarts, back_pressure, busy, checkpoint_age_s, breaker)
SELECT fromUnixTimestamp64Milli(toInt64({begin:Int64} + number * 10000), 'UTC'), 'bench', 'opinion', 'running',
    intDiv(number, 1000), cityHash64(number, 1) % 30 / 100, cityHash64(number, 2) % 90 / 100, 3, false
FROM numbers(toUInt64({posts:UInt64} * {step:Float64} / 10000));

INSERT INTO forecasts
(week, theme, district, step, model, history, expected, lower80, upper80, lower95, upper95, observed, days, warning, authors, version)
SELECT toMonday(today()) - toIntervalWeek(number % 10), '灾情求助', toString(410100 + intDiv(number, 10)), 1, 'mean', 100, 50,
    40, 60, 30, 70, 50 + number % 40, 7, number % 40 > 20, 21, 1
FROM numbers(500);

INSERT INTO applications
(application_id, version, type, decided_at, decided_on, decision, alone, final, decided_by, confidence, ocr_confidence,
 seconds, reasons, check_rules, check_results, check_outcomes, check_versions, automatic, epoch, audit_sample, fingerprint,
 rules, models)
WITH
    3000 AS many,
    toInt64({begin:Int64} + {posts:UInt64} * {step:Float64} - (many - number) * 200000) AS ms,
    ['enterprise_registration', 'food_business_licence', 'temporary_road_occupation', 'lift_installation', 'neighbourhood_renovation'][1 + cityHash64(number, 1) % 5] AS kind,
    multiIf(cityHash64(number, 2) % 50 = 0, 'propose_reject', cityHash64(number, 2) % 3 = 0, 'refer', 'approve') AS would,
    cityHash64(number, 3) % 50 = 0 AS sampled,
    NOT (number BETWEEN 1000 AND 1100) AS automatic,
    if(would = 'approve' AND (sampled OR NOT automatic), 'refer', would) AS said,
    if(would = 'approve', 'passed', ['failed', 'unjudged'][1 + cityHash64(number, 4) % 2]) AS result
SELECT
    concat('bench-', toString(number)), ms, kind, fromUnixTimestamp64Milli(ms, 'UTC'), toDate(fromUnixTimestamp64Milli(ms, 'UTC')),
    said, would, said = 'approve', 'machine', 0.9, if(cityHash64(number, 5) % 2 = 0, NULL, 0.8 + cityHash64(number, 6) % 20 / 100),
    1 + cityHash64(number, 7) % 90 / 10, [], ['generic.missing', ['capital.sum', 'vote.area_participation', 'lead.time'][1 + cityHash64(number, 8) % 3]],
    [if(cityHash64(number, 9) % 2 = 0, result, 'passed'), result], ['supplement', if(would = 'propose_reject', 'reject', 'refer')],
    ['1', '1'], automatic, if(number < 1100, 0, 1), sampled, toString(number), kind, 'bench'
FROM numbers(3000);

INSERT INTO application_reviews (application_id, at, type, fingerprint, officer, decision, proposed, agreed)
WITH cityHash64(application_id, 10) % 40 != 0 AS same
SELECT application_id, decided_at + INTERVAL 1 HOUR, type, fingerprint, 'bench',
    multiIf(alone = 'refer', ['approve', 'supplement'][1 + cityHash64(application_id, 11) % 2], (alone = 'approve') = same, 'approve', 'reject'),
    alone, if(alone = 'refer', NULL, same)
FROM applications
WHERE decision != 'approve' AND cityHash64(application_id, 12) % 4 != 0;

INSERT INTO automation_state (epoch, state, at, why, actor)
SELECT [0, 0, 1][1 + number], ['closed', 'open', 'closed'][1 + number],
    fromUnixTimestamp64Milli(toInt64({begin:Int64} + {posts:UInt64} * {step:Float64} - [600, 400, 380][1 + number] * 1000000), 'UTC'), [],
    ['bench', 'breaker', 'bench'][1 + number]
FROM numbers(3);

INSERT INTO policy_options
(run, option, version, number, title, levers, state, score, rank, rank_low, rank_high, pareto, first_share, finding_codes,
 finding_outcomes, finding_reasons)
WITH
    number % 21 AS one,
    multiIf(one = 0, 'open', one % 10 = 9, 'infeasible', one % 7 = 6, 'intercepted', 'open') AS said
SELECT
    concat('bench-', toString(intDiv(number, 21))), if(one = 0, 'baseline', concat('option-', toString(one))), 1, one,
    if(one = 0, '维持现状', concat('方案', toString(one))), '', said, if(said = 'open', cityHash64(one, 1) % 100 / 100, NULL),
    if(said = 'open', one + 1, 0), if(said = 'open', 1, 0), if(said = 'open', 21, 0), one % 3 = 0, 1 / 21,
    if(said = 'open', [], ['constraint:harm']), if(said = 'open', [], [if(said = 'infeasible', 'infeasible', 'intercept')]),
    if(said = 'open', [], ['越过红线'])
FROM numbers(21 * 20);

INSERT INTO policy_runs
(run, option, measure, grouping, group, version, number, measure_title, grouping_title, aim, unit, value, low, high, change,
 change_low, change_high, weight, sample, hits, sampling, assumptions)
WITH
    intDiv(number, 8 * 41) AS seat,
    seat % 21 AS one,
    intDiv(number, 41) % 8 AS what,
    number % 41 AS cell,
    multiIf(cell = 0, 'all', cell <= 5, 'year', concat('grouping-', toString(cell % 7))) AS split,
    (cityHash64(number, 1) % 2000 - 1000) / 100 AS moved
SELECT
    concat('bench-', toString(intDiv(seat, 21))), if(one = 0, 'baseline', concat('option-', toString(one))),
    multiIf(what = 0, 'cost', what = 1, 'cost:city', concat('measure-', toString(what))), split,
    multiIf(cell = 0, 'all', cell <= 5, toString(2025 + cell), toString(cell)), 1, number % (21 * 8 * 41),
    multiIf(what = 0, '总支出', what = 1, '市级财政', concat('指标', toString(what))), split, if(what < 2, '', ['more', 'less'][1 + what % 2]),
    '亿元', 50 + moved, 48 + moved, 52 + moved, moved, moved - 2, moved + 2, 25000, 25000, -1, 1, 1
FROM numbers(20 * 21 * 8 * 41);

INSERT INTO policy_simulations
(run, version, made_at, title, question, plan_file, plan_digest, rules_on, years, seed, draws, rules, rules_title,
 rules_version, rules_digest, population, population_title, population_digest, synthetic, demonstration, people, records,
 options, seconds, sentiment, document, person)
SELECT
    concat('bench-', toString(number)), 1,
    fromUnixTimestamp64Milli(toInt64({begin:Int64} + {posts:UInt64} * {step:Float64} - number * 3600000), 'UTC'), '旧改推演', '补多少？',
    'plan.yaml', 'bench', '2026-01-01', [2026, 2027, 2028, 2029, 2030], 1, 200, 'renovation', '老旧小区改造', '2026.1', 'bench',
    'bench', '合成人口', 'bench', true, '合成人口', 1000000, 1000000, 21, 60, '', '', 'bench'
FROM numbers(20);
