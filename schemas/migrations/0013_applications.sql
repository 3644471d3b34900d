-- Approval of application documents: what the machine decided, what officers decided, and the breaker's history.
-- What documents say stays where they are. Here stand codes, figures and values of closed form (dates, amounts, choices)
-- of L1 and L2; anything else is sealed in pii_vault (platform 'application'), numbers of persons have a token besides.

-- Rows are kept three years like other L2; columns of L3 are emptied after 180 days.
CREATE TABLE IF NOT EXISTS applications
(
    application_id String COMMENT 'L2 of the form, else name of its folder',
    version UInt64 COMMENT 'L1 of the row: decided_at in ms; the latest wins',
    type LowCardinality(String) COMMENT 'L1 food_business_licence, ...',
    submitted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'L2 as the form says',
    decided_at DateTime64(3, 'UTC') COMMENT 'L2 when the machine decided',
    decided_on Date COMMENT 'L1 day for which rules and periods were judged',
    decision LowCardinality(String) COMMENT 'L2 approve, refer, propose_reject: of the machine, whatever an officer said',
    alone LowCardinality(String) COMMENT 'L2 the same without audit sample and breaker: what it would do alone',
    final Bool COMMENT 'L2 an approval; anything else waits for an officer',
    decided_by LowCardinality(String) COMMENT 'L1 machine; officers stand in application_reviews',
    confidence Float32 COMMENT 'L2 of the application: estimated probability that what it rests on is right',
    ocr_confidence Nullable(Float32) COMMENT 'L1 mean of the worst page that was read by OCR; null without one',
    seconds Float32 COMMENT 'L1 from the folder to the decision',
    reasons Array(LowCardinality(String)) COMMENT 'L2 codes: check:RULE, uncertain:FIELD, missing:DOCUMENT, unreadable, ...',
    supplement Array(LowCardinality(String)) COMMENT 'L2 rules whose remedy the applicant is told; the words are sealed',
    check_rules Array(LowCardinality(String)) COMMENT 'L2 every check, in the order of the report',
    check_results Array(LowCardinality(String)) COMMENT 'L2 passed, failed, unjudged',
    check_outcomes Array(LowCardinality(String)) COMMENT 'L2 what follows when it fails: supplement, refer, reject',
    check_versions Array(LowCardinality(String)) COMMENT 'L1 of the rule',
    field_names Array(LowCardinality(String)) COMMENT 'L1 name, or table[1].column',
    field_classes Array(LowCardinality(String)) COMMENT 'L1 of the value: L1 ... L4',
    field_kinds Array(LowCardinality(String)) COMMENT 'L1 date, amount, id_number, ...: as the type says',
    field_values Array(String) COMMENT 'L2 dates, amounts, numbers, shares and choices of L1 and L2; empty for anything sealed',
    field_tokens Array(String) COMMENT 'L3 keyed hashes of phone, ID and USCC numbers; empty for the rest' TTL toDateTime(stored_at) + INTERVAL 180 DAY,
    field_confidences Array(Float32) COMMENT 'L1 that the value is right',
    field_files Array(String) COMMENT 'L3 file in which it stands; empty for a declared value' TTL toDateTime(stored_at) + INTERVAL 180 DAY,
    field_pages Array(UInt32) COMMENT 'L1 from 1; 0 for a declared value',
    field_boxes Array(Array(Float32)) COMMENT 'L1 left, top, right, bottom as shares of the page',
    automatic Bool COMMENT 'L1 whether the breaker let the machine approve',
    epoch UInt32 COMMENT 'L1 of the breaker: how often a person has closed it',
    audit_sample Bool COMMENT 'L2 drawn to be referred whatever the machine thinks',
    duplicate_key String COMMENT 'L3 keyed hash of what it is for and for whom; equal for two that are the same' TTL toDateTime(stored_at) + INTERVAL 180 DAY,
    fingerprint String COMMENT 'L1 SHA-256 of inputs, rules and models: the same gives the same decision',
    rules String COMMENT 'L1 type, version and digest',
    models String COMMENT 'L1 of OCR and calibration',
    report String COMMENT 'L2 where the explanation report lies, sealed',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here',
    INDEX keys duplicate_key TYPE bloom_filter GRANULARITY 1,
    INDEX decided decided_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY application_id
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'Decisions on applications; read with FINAL';

-- Each review stays; the latest counts, for the decision that was looked at: what is decided anew waits again. Reason, comment and corrected values are sealed (type REVIEW).
CREATE TABLE IF NOT EXISTS application_reviews
(
    application_id String COMMENT 'L2 of applications',
    at DateTime64(3, 'UTC') COMMENT 'L2 when the officer decided',
    type LowCardinality(String) COMMENT 'L1 of the application',
    fingerprint String COMMENT 'L1 of the decision that was looked at',
    officer String COMMENT 'L3 who; the audit ledger keeps it longer' TTL toDateTime(stored_at) + INTERVAL 180 DAY,
    decision LowCardinality(String) COMMENT 'L2 approve, supplement, reject',
    proposed LowCardinality(String) COMMENT 'L2 what the machine would have done alone',
    agreed Nullable(Bool) COMMENT 'L2 whether the two are the same; null where the machine took no side',
    signed Bool COMMENT 'L2 a refusal is signed',
    changed Array(LowCardinality(String)) COMMENT 'L2 names of fields that were read wrongly; the values are sealed',
    overruled Array(LowCardinality(String)) COMMENT 'L2 rules that the officer judged otherwise',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written; TTL counts from here'
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (application_id, at)
TTL toDateTime(stored_at) + INTERVAL 1095 DAY
COMMENT 'What officers decided';

-- One row each opening and closing. No TTL: an open breaker must not be forgotten.
CREATE TABLE IF NOT EXISTS automation_state
(
    epoch UInt32 COMMENT 'L1 how often a person has closed it; orders the rows, whatever the clock said',
    state LowCardinality(String) COMMENT 'L1 closed (the machine may approve) or open',
    at DateTime64(3, 'UTC') COMMENT 'L1 since when',
    why Array(String) COMMENT 'L3 figures of the bands, or the reason a person gave',
    actor String COMMENT 'L3 breaker, or who',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when it was written'
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (epoch, state)
COMMENT 'History of the circuit breaker of automatic approval';

-- An id may be the name of a folder, and a folder the name of a person: readers get another name, which nobody can work out.
CREATE OR REPLACE VIEW v_applications
(
    application String COMMENT 'L2 stable name, another than its id',
    type String COMMENT 'L1 food_business_licence, ...',
    day Date COMMENT 'L1 of the decision, China time',
    decision String COMMENT 'L2 approve, refer, propose_reject: of the machine',
    reasons Array(String) COMMENT 'L2 codes, why it is not approved',
    confidence Float32 COMMENT 'L2 of the application',
    ocr_confidence Nullable(Float32) COMMENT 'L1 of the worst page that was read by OCR',
    seconds Float32 COMMENT 'L1 from the folder to the decision',
    automatic Bool COMMENT 'L1 whether the breaker let the machine approve',
    audit_sample Bool COMMENT 'L2 drawn to be referred whatever the machine thinks',
    reviewed String COMMENT 'L2 approve, supplement, reject: what an officer decided last; empty before',
    agreed Nullable(Bool) COMMENT 'L2 with what the machine would have done alone; null where it took no side',
    rules String COMMENT 'L1 type, version and digest',
    models String COMMENT 'L1 of OCR and calibration'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    lower(hex(sipHash128(toString(hidden.salt), a.application_id))) AS application, a.type AS type,
    toDate(toTimeZone(a.decided_at, 'Asia/Shanghai')) AS day, a.decision AS decision, a.reasons AS reasons,
    a.confidence AS confidence, a.ocr_confidence AS ocr_confidence, a.seconds AS seconds, a.automatic AS automatic,
    a.audit_sample AS audit_sample, r.last_decision AS reviewed, r.last_agreed AS agreed, a.rules AS rules, a.models AS models
FROM applications AS a FINAL
LEFT JOIN
(
    SELECT application_id, fingerprint, argMax(decision, at) AS last_decision, argMax(tuple(agreed), at).1 AS last_agreed
    FROM application_reviews FINAL
    GROUP BY application_id, fingerprint
) AS r ON r.application_id = a.application_id AND r.fingerprint = a.fingerprint
CROSS JOIN (SELECT min(salt) AS salt FROM view_salt) AS hidden;

CREATE OR REPLACE VIEW v_application_checks
(
    day Date COMMENT 'L1 of the decision, China time',
    type String COMMENT 'L1 food_business_licence, ...',
    rule String COMMENT 'L1 check',
    version String COMMENT 'L1 of the rule',
    outcome String COMMENT 'L1 what follows: supplement, refer, reject',
    result String COMMENT 'L1 failed or unjudged',
    applications UInt64 COMMENT 'L2 how many'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toDate(toTimeZone(a.decided_at, 'Asia/Shanghai')) AS day, a.type AS type,
    checked.1 AS rule, checked.2 AS version, checked.3 AS outcome, checked.4 AS result,
    uniqExact(a.application_id) AS applications
FROM applications AS a FINAL
ARRAY JOIN arrayZip(a.check_rules, a.check_versions, a.check_outcomes, a.check_results) AS checked
WHERE checked.4 != 'passed'
GROUP BY day, type, rule, version, outcome, result;

CREATE OR REPLACE VIEW v_approval_hours
(
    hour DateTime('UTC') COMMENT 'L1 of the decision',
    type String COMMENT 'L1 food_business_licence, ...',
    applications UInt64 COMMENT 'L1 decided',
    approved UInt64 COMMENT 'L1 by the machine',
    referred UInt64 COMMENT 'L1 to an officer',
    proposed UInt64 COMMENT 'L1 to be rejected',
    sampled UInt64 COMMENT 'L1 of the referred: for the audit sample',
    stopped UInt64 COMMENT 'L1 decided while automatic approval was stopped',
    p50_seconds Float32 COMMENT 'L1 of an answer',
    p95_seconds Float32 COMMENT 'L1 of an answer',
    ocr_confidence Nullable(Float32) COMMENT 'L1 median of the worst page read by OCR; null without one',
    waiting UInt64 COMMENT 'L1 no approval, and no officer has decided yet',
    reviewed UInt64 COMMENT 'L1 by an officer, up to now',
    compared UInt64 COMMENT 'L1 of these, the machine took a side',
    agreed UInt64 COMMENT 'L1 of these, the officer decided the same'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toStartOfHour(toDateTime(a.decided_at, 'UTC')) AS hour, a.type AS type, count() AS applications,
    countIf(a.decision = 'approve') AS approved, countIf(a.decision = 'refer') AS referred,
    countIf(a.decision = 'propose_reject') AS proposed, countIf(a.audit_sample) AS sampled,
    countIf(NOT a.automatic) AS stopped, quantileExact(0.5)(a.seconds) AS p50_seconds, quantileExact(0.95)(a.seconds) AS p95_seconds,
    if(count(a.ocr_confidence) = 0, NULL, quantileExact(0.5)(a.ocr_confidence)) AS ocr_confidence,
    countIf(a.decision != 'approve' AND r.last_decision = '') AS waiting,
    countIf(r.last_decision != '') AS reviewed, count(r.last_agreed) AS compared, countIf(r.last_agreed) AS agreed
FROM applications AS a FINAL
LEFT JOIN
(
    SELECT application_id, fingerprint, argMax(decision, at) AS last_decision, argMax(tuple(agreed), at).1 AS last_agreed
    FROM application_reviews FINAL
    GROUP BY application_id, fingerprint
) AS r ON r.application_id = a.application_id AND r.fingerprint = a.fingerprint
GROUP BY hour, type;

CREATE OR REPLACE VIEW v_automation
(
    at DateTime64(3, 'UTC') COMMENT 'L1 since when',
    epoch UInt32 COMMENT 'L1 how often a person has closed it',
    state String COMMENT 'L1 closed (the machine may approve) or open',
    cause String COMMENT 'L1 breaker or person'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT s.at AS at, s.epoch AS epoch, s.state AS state, if(s.actor = 'breaker', 'breaker', 'person') AS cause
FROM automation_state AS s FINAL;
