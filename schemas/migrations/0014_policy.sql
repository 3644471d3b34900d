-- Policy simulation: what each option does to each group, how options stand, who released one that was intercepted.
-- Figures of groups, never of a person. Names of persons stand in columns of L3, which are emptied after 180 days.

-- One row a run. It is written last: a run without it is not whole, and no view shows it.
CREATE TABLE IF NOT EXISTS policy_simulations
(
    run String COMMENT 'L1 id of the run',
    version UInt64 COMMENT 'L1 of what is stored: time of the run, then how many releases were weighed; the latest wins',
    made_at DateTime64(3, 'UTC') COMMENT 'L1 when it was simulated',
    title String COMMENT 'L2 of the plan',
    question String COMMENT 'L2 what was asked',
    plan_file String COMMENT 'L2 name of the file',
    plan_digest String COMMENT 'L1 SHA-256 of the file',
    rules_on Date COMMENT 'L1 rules in force on this day were used',
    years Array(UInt16) COMMENT 'L1 the horizon',
    seed Int64 COMMENT 'L1 of every random number',
    draws UInt32 COMMENT 'L1 of the assumptions',
    rules String COMMENT 'L1 name of the rule set',
    rules_title String COMMENT 'L1 in Chinese',
    rules_version String COMMENT 'L1 of the rule set',
    rules_digest String COMMENT 'L1 SHA-256 of the rule set',
    population String COMMENT 'L1 name',
    population_title String COMMENT 'L1 in Chinese',
    population_digest String COMMENT 'L1 SHA-256 over all shards',
    synthetic Bool COMMENT 'L1 nobody in it is a real person',
    demonstration String COMMENT 'L1 why results only demonstrate the method; empty: they do not',
    people Float64 COMMENT 'L1 weighted number',
    records UInt64 COMMENT 'L1 of persons',
    options UInt32 COMMENT 'L1 how many were weighed, with the baseline',
    seconds Float32 COMMENT 'L1 that the run took',
    sentiment String COMMENT 'L2 how measured sentiment of posts took part; empty: it did not',
    document String COMMENT 'L2 plan, levers, population, standings, findings and indices as JSON: no results, no releases' CODEC(ZSTD(6)),
    person String COMMENT 'L3 who asked for the run; the audit ledger keeps it longer' TTL toDateTime(stored_at) + INTERVAL 180 DAY,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY run
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'Policy simulations, a row a run; read with FINAL';

CREATE TABLE IF NOT EXISTS policy_options
(
    run String COMMENT 'L1 of policy_simulations',
    option String COMMENT 'L1 name; baseline changes nothing',
    version UInt64 COMMENT 'L1 that of the run',
    number UInt32 COMMENT 'L1 in the plan, from 0',
    title String COMMENT 'L2 in the plan',
    levers String COMMENT 'L2 JSON: lever to value, of those that differ from the baseline',
    state LowCardinality(String) COMMENT 'L2 open, infeasible, intercepted, released; a later release stands in policy_releases',
    score Nullable(Float64) COMMENT 'L2 0 to 1; null: not ranked',
    rank UInt32 COMMENT 'L2 from 1; 0: not ranked',
    rank_low UInt32 COMMENT 'L2 80 % interval of the rank',
    rank_high UInt32 COMMENT 'L2 80 % interval of the rank',
    pareto Bool COMMENT 'L2 no open option is better in one respect and worse in none',
    first_share Float64 COMMENT 'L2 share of draws and weightings in which it ranks first',
    finding_codes Array(String) COMMENT 'L2 constraint:NAME, outside:LEVER, people:COLUMN',
    finding_outcomes Array(LowCardinality(String)) COMMENT 'L2 infeasible, intercept, warn',
    finding_reasons Array(String) COMMENT 'L2 in Chinese, with the figures',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (run, option)
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'Options of policy simulations and how they stand';

CREATE TABLE IF NOT EXISTS policy_runs
(
    run String COMMENT 'L1 of policy_simulations',
    option String COMMENT 'L1 of policy_options',
    measure String COMMENT 'L1 name, cost, or cost:PAYER',
    grouping String COMMENT 'L1 all, name of a grouping, or year',
    `group` String COMMENT 'L2 of the grouping',
    version UInt64 COMMENT 'L1 that of the run',
    number UInt32 COMMENT 'L1 among the results, from 0',
    measure_title String COMMENT 'L2 in Chinese',
    grouping_title String COMMENT 'L2 in Chinese',
    aim LowCardinality(String) COMMENT 'L1 more or less is better; empty: shown, not ranked',
    unit String COMMENT 'L1 of the values',
    value Float64 COMMENT 'L2 NaN where nobody is in the group',
    low Float64 COMMENT 'L2 80 % interval',
    high Float64 COMMENT 'L2 80 % interval',
    change Float64 COMMENT 'L2 against the baseline',
    change_low Float64 COMMENT 'L2 80 % interval',
    change_high Float64 COMMENT 'L2 80 % interval',
    weight Float64 COMMENT 'L2 weighted number of those it is about',
    sample UInt64 COMMENT 'L2 records behind it, unweighted',
    hits Int64 COMMENT 'L2 records for which it holds; -1: no such measure',
    sampling Float64 COMMENT 'L2 standard error from who is in the population',
    assumptions Float64 COMMENT 'L2 standard deviation from what is not known',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (run, option, measure, grouping, `group`)
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'Results of policy simulations: option x group x measure with an interval';

-- A release is a fact of its own, whatever is stored of its run later.
CREATE TABLE IF NOT EXISTS policy_releases
(
    run String COMMENT 'L1 of policy_simulations',
    option String COMMENT 'L1 of policy_options',
    at DateTime64(3, 'UTC') COMMENT 'L2 when',
    person String COMMENT 'L3 who let it go on to be weighed; the audit ledger keeps it longer' TTL toDateTime(stored_at) + INTERVAL 180 DAY,
    reason String COMMENT 'L3 why, in free text' TTL toDateTime(stored_at) + INTERVAL 180 DAY,
    entry String COMMENT 'L1 id of the audit entry',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (run, option)
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'Intercepted options that a named person released';

CREATE OR REPLACE VIEW v_policy_simulations
(
    run String COMMENT 'L1 id of the run',
    made_at DateTime64(3, 'UTC') COMMENT 'L1 when it was simulated',
    title String COMMENT 'L2 of the plan',
    question String COMMENT 'L2 what was asked',
    plan_file String COMMENT 'L2 name of the file',
    plan_digest String COMMENT 'L1 SHA-256 of the file',
    rules_on Date COMMENT 'L1 rules in force on this day were used',
    years Array(UInt16) COMMENT 'L1 the horizon',
    seed Int64 COMMENT 'L1 of every random number',
    draws UInt32 COMMENT 'L1 of the assumptions',
    rules String COMMENT 'L1 name of the rule set',
    rules_title String COMMENT 'L1 in Chinese',
    rules_version String COMMENT 'L1 of the rule set',
    rules_digest String COMMENT 'L1 SHA-256 of the rule set',
    population String COMMENT 'L1 name',
    population_title String COMMENT 'L1 in Chinese',
    population_digest String COMMENT 'L1 SHA-256 over all shards',
    synthetic Bool COMMENT 'L1 nobody in it is a real person',
    demonstration String COMMENT 'L1 why results only demonstrate the method; empty: they do not',
    people Float64 COMMENT 'L1 weighted number',
    records UInt64 COMMENT 'L1 of persons',
    options UInt32 COMMENT 'L1 how many were weighed, with the baseline',
    seconds Float32 COMMENT 'L1 that the run took',
    sentiment String COMMENT 'L2 how measured sentiment of posts took part; empty: it did not'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    run, made_at, title, question, plan_file, plan_digest, rules_on, years, seed, draws, rules, rules_title, rules_version,
    rules_digest, population, population_title, population_digest, synthetic, demonstration, people, records, options,
    seconds, sentiment
FROM policy_simulations FINAL;

CREATE OR REPLACE VIEW v_policy_options
(
    run String COMMENT 'L1 of v_policy_simulations',
    option String COMMENT 'L1 name; baseline changes nothing',
    number UInt32 COMMENT 'L1 in the plan, from 0',
    title String COMMENT 'L2 in the plan',
    levers String COMMENT 'L2 JSON: lever to value, of those that differ from the baseline',
    state String COMMENT 'L2 open, infeasible, intercepted, released',
    score Nullable(Float64) COMMENT 'L2 0 to 1; null: not ranked',
    rank UInt32 COMMENT 'L2 from 1; 0: not ranked',
    rank_low UInt32 COMMENT 'L2 80 % interval of the rank',
    rank_high UInt32 COMMENT 'L2 80 % interval of the rank',
    pareto Bool COMMENT 'L2 no open option is better in one respect and worse in none',
    first_share Float64 COMMENT 'L2 share of draws and weightings in which it ranks first',
    finding_codes Array(String) COMMENT 'L2 constraint:NAME, outside:LEVER, people:COLUMN',
    finding_outcomes Array(String) COMMENT 'L2 infeasible, intercept, warn',
    finding_reasons Array(String) COMMENT 'L2 in Chinese, with the figures',
    released_at Nullable(DateTime64(3, 'UTC')) COMMENT 'L2 when a person let it go on to be weighed; null: nobody did'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    o.run AS run, o.option AS option, o.number AS number, o.title AS title, o.levers AS levers,
    if(o.state = 'intercepted' AND r.entry != '', 'released', o.state) AS state, o.score AS score, o.rank AS rank,
    o.rank_low AS rank_low, o.rank_high AS rank_high, o.pareto AS pareto, o.first_share AS first_share,
    o.finding_codes AS finding_codes, o.finding_outcomes AS finding_outcomes, o.finding_reasons AS finding_reasons,
    if(r.entry = '', NULL, r.at) AS released_at
FROM policy_options AS o FINAL
INNER JOIN (SELECT run, version FROM policy_simulations FINAL) AS s ON s.run = o.run AND s.version = o.version
LEFT JOIN (SELECT run, option, at, entry FROM policy_releases FINAL) AS r ON r.run = o.run AND r.option = o.option;

-- Of a grouping, groups of fewer than 20 records are left out, and the next smallest too where only one would be: else it
-- could be told from the total. What the years cost is of everybody.
CREATE OR REPLACE VIEW v_policy_results
(
    run String COMMENT 'L1 of v_policy_simulations',
    option String COMMENT 'L1 of v_policy_options',
    measure String COMMENT 'L1 name, cost, or cost:PAYER',
    grouping String COMMENT 'L1 all, name of a grouping, or year',
    `group` String COMMENT 'L2 of the grouping',
    number UInt32 COMMENT 'L1 among the results, from 0',
    measure_title String COMMENT 'L2 in Chinese',
    grouping_title String COMMENT 'L2 in Chinese',
    aim String COMMENT 'L1 more or less is better; empty: shown, not ranked',
    unit String COMMENT 'L1 of the values',
    value Nullable(Float64) COMMENT 'L2 null where nobody is in the group',
    low Nullable(Float64) COMMENT 'L2 80 % interval',
    high Nullable(Float64) COMMENT 'L2 80 % interval',
    change Nullable(Float64) COMMENT 'L2 against the baseline',
    change_low Nullable(Float64) COMMENT 'L2 80 % interval',
    change_high Nullable(Float64) COMMENT 'L2 80 % interval',
    weight Float64 COMMENT 'L2 weighted number of those it is about',
    sample UInt64 COMMENT 'L2 records behind it, unweighted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    run, option, measure, grouping, `group`, number, measure_title, grouping_title, aim, unit,
    if(isNaN(value_), NULL, value_) AS value, if(isNaN(low_), NULL, low_) AS low, if(isNaN(high_), NULL, high_) AS high,
    if(isNaN(change_), NULL, change_) AS change, if(isNaN(change_low_), NULL, change_low_) AS change_low,
    if(isNaN(change_high_), NULL, change_high_) AS change_high, weight, sample
FROM
(
    SELECT
        p.run AS run, p.option AS option, p.measure AS measure, p.grouping AS grouping, p.group AS `group`, p.number AS number,
        p.measure_title AS measure_title, p.grouping_title AS grouping_title, p.aim AS aim, p.unit AS unit,
        p.value AS value_, p.low AS low_, p.high AS high_, p.change AS change_, p.change_low AS change_low_,
        p.change_high AS change_high_, p.weight AS weight, p.sample AS sample,
        countIf(p.sample BETWEEN 1 AND 19) OVER (PARTITION BY p.run, p.option, p.measure, p.grouping) AS few,
        row_number() OVER (PARTITION BY p.run, p.option, p.measure, p.grouping, p.sample BETWEEN 1 AND 19, p.sample = 0 ORDER BY p.sample, p.number) AS smallest
    FROM policy_runs AS p FINAL
    INNER JOIN (SELECT run, version FROM policy_simulations FINAL) AS s ON s.run = p.run AND s.version = p.version
)
WHERE NOT (sample BETWEEN 1 AND 19) AND (sample = 0 OR few != 1 OR smallest > 1);
