-- Posts, the vault of their identifiers, dead letters, and the ledger of who looked.

-- One row a post under FINAL, however often the engine delivers it: the greatest version of (platform, post_id) wins.
-- version = updated_at in ms << 16 | generation: an edited post replaces its older text, a replay replaces both.
-- No PARTITION BY: rows are only ever merged inside a partition, and any time of a post may come out different when it
-- is edited or delivered again, so a partition by time would keep two rows of one post. A partition by a hash of the
-- key would be right but cuts each small insert into as many parts.
CREATE TABLE IF NOT EXISTS posts
(
    platform LowCardinality(String) COMMENT 'L2 weibo, ...; unknown when the feed names none',
    post_id String COMMENT 'L2 id on the platform',
    version UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'L1 updated_at in ms << 16 | generation',
    generation UInt16 COMMENT 'L1 0 for the stream; each replay raises it',
    created_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L2 when the author posted, as the feed says',
    ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'L1 when the reader handed the record on',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)) COMMENT 'L1 when the sink wrote the row; TTL counts from here',
    source LowCardinality(String) COMMENT 'L1 kafka topic, or folder of the file, or generate',
    partition LowCardinality(String) COMMENT 'L1 kafka partition, or name of the file, or the seed',
    offset Int64 CODEC(Delta, ZSTD(1)) COMMENT 'L1 kafka offset, or number of the line from 0',
    job LowCardinality(String) COMMENT 'L1 job that wrote the row',
    author_token String CODEC(ZSTD(1)) COMMENT 'L3 keyed hash of the author; empty without one',
    phone_tokens Array(String) CODEC(ZSTD(1)) COMMENT 'L3 keyed hashes of the phone numbers in the text',
    language LowCardinality(String) COMMENT 'L1 zh, en, und',
    text String CODEC(ZSTD(3)) COMMENT 'L3 masked; shared places stand in it where a need or hazard justifies them',
    text_l2 String CODEC(ZSTD(3)) COMMENT 'L2 masked, every shared place too: what views show',
    pii Array(Tuple(type LowCardinality(String), start Int32, end Int32, score Float32)) CODEC(ZSTD(1)) COMMENT 'L2 what was masked, offsets in the text as posted',
    places Array(Tuple(name String, level LowCardinality(String), adcode Nullable(String), lat Nullable(Float64), lon Nullable(Float64), radius_m Nullable(Int32), start Int32, end Int32)) CODEC(ZSTD(1)) COMMENT 'L3 places, down to shared ones',
    items Array(Tuple(name String, quantity Nullable(Float64), unit Nullable(String))) CODEC(ZSTD(1)) COMMENT 'L2 goods asked for or offered',
    people Tuple(count Nullable(Int32), vulnerable Array(String)) CODEC(ZSTD(1)) COMMENT 'L2 how many people, which groups',
    sentiment LowCardinality(String) COMMENT 'L2 negative, neutral, positive',
    sentiment_score Float32 COMMENT 'L2 calibrated probability',
    emotion LowCardinality(String) COMMENT 'L2 angry, fear, happy, neutral, sad, surprise',
    emotion_score Float32 COMMENT 'L2 calibrated probability',
    need LowCardinality(String) COMMENT 'L2 strongest need, or none',
    need_score Float32 COMMENT 'L2 calibrated probability',
    help_score Float32 COMMENT 'L2 calibrated probability that the post asks for any help',
    needs Array(Tuple(need LowCardinality(String), score Float32)) CODEC(ZSTD(1)) COMMENT 'L2 every need, strongest first',
    hazards Array(LowCardinality(String)) COMMENT 'L2 dyke_breach, collapse, ...',
    source_kind LowCardinality(String) COMMENT 'L2 self, relay, volunteer, media, official, other',
    state LowCardinality(String) COMMENT 'L2 open, partial, closed, unclear',
    priority UInt8 COMMENT 'L2 1 life at risk now ... 4 the rest',
    keywords Array(Tuple(rule LowCardinality(String), category LowCardinality(String), term String, critical Bool)) CODEC(ZSTD(1)) COMMENT 'L2 keyword rules that fired',
    categories Array(LowCardinality(String)) COMMENT 'L2 distinct categories of keywords',
    adcodes Array(LowCardinality(String)) COMMENT 'L2 distinct counties of places',
    repost_of String CODEC(ZSTD(1)) COMMENT 'L2 id of the post this one repeats; empty when it is none',
    likes Int64 CODEC(T64, ZSTD(1)) COMMENT 'L2 as the feed says',
    reposts Int64 CODEC(T64, ZSTD(1)) COMMENT 'L2 as the feed says',
    comments Int64 CODEC(T64, ZSTD(1)) COMMENT 'L2 as the feed says',
    model LowCardinality(String) COMMENT 'L1 bundle name and version',
    INDEX created created_at TYPE minmax GRANULARITY 1,
    INDEX stored stored_at TYPE minmax GRANULARITY 1,
    INDEX phrase text_l2 TYPE text(tokenizer = ngrams(2))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (platform, post_id)
TTL toDateTime(stored_at) + INTERVAL 180 DAY
COMMENT 'Posts, masked and labelled; read with FINAL';

-- Records that could not be processed. A retried record that fails again is open again: the later write wins.
CREATE TABLE IF NOT EXISTS dead_letters
(
    source LowCardinality(String) COMMENT 'L1 kafka topic, or folder of the file, or generate',
    partition LowCardinality(String) COMMENT 'L1 kafka partition, or name of the file, or the seed',
    offset Int64 CODEC(Delta, ZSTD(1)) COMMENT 'L1 kafka offset, or number of the line from 0',
    step LowCardinality(String) COMMENT 'L1 step that rejected the record',
    reason String CODEC(ZSTD(1)) COMMENT 'L1 why; never text of the record',
    raw String CODEC(ZSTD(1)) COMMENT 'L4 the record as it came, encrypted',
    sha256 String COMMENT 'L2 of the record as it came, hex',
    state LowCardinality(String) DEFAULT 'open' COMMENT 'L1 open, or retried once it became a post',
    job LowCardinality(String) COMMENT 'L1 job that wrote the row',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)) COMMENT 'L1 when the sink wrote the row; TTL counts from here'
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (source, partition, offset)
TTL toDateTime(stored_at) + INTERVAL 30 DAY
COMMENT 'Dead letters; read with FINAL';

-- Identifiers that were masked, as governance.vault writes and reads them.
CREATE TABLE IF NOT EXISTS pii_vault
(
    platform LowCardinality(String) COMMENT 'L4 with post_id: whose identifiers these are',
    post_id String COMMENT 'L4 id on the platform',
    start Int32 COMMENT 'L4 offset in the text as posted; -1 for author and url',
    end Int32 COMMENT 'L4 offset in the text as posted; -1 for author and url',
    type LowCardinality(String) COMMENT 'L4 CN_MOBILE, ..., AUTHOR, URL_FIELD',
    token String CODEC(ZSTD(1)) COMMENT 'L4 keyed hash: equal numbers have equal tokens; empty for names and places',
    ciphertext String CODEC(ZSTD(1)) COMMENT 'L4 the identifier, encrypted',
    key_id LowCardinality(String) COMMENT 'L4 which master key',
    version UInt64 COMMENT 'L4 that of the post; each change of expiry raises it',
    expires_at DateTime64(3, 'UTC') COMMENT 'L4 deleted then',
    hold_until DateTime64(3, 'UTC') COMMENT 'L4 a recorded hold keeps it until then',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L4 when the sink wrote the row',
    INDEX tokens token TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (platform, post_id, start, type)
TTL toDateTime(greatest(expires_at, hold_until))
COMMENT 'Identifiers, encrypted; only the governed commands read it';

-- Append-only, chained by hash per writer. Plain MergeTree: a second row for one seq must show, not disappear.
CREATE TABLE IF NOT EXISTS audit_log
(
    writer LowCardinality(String) COMMENT 'L2 process that wrote the entry',
    seq UInt64 COMMENT 'L2 1, 2, 3, ... of this writer',
    at DateTime64(3, 'UTC') COMMENT 'L2 when',
    actor String COMMENT 'L3 who',
    action LowCardinality(String) COMMENT 'L2 what was done',
    subject String COMMENT 'L3 to what',
    detail String COMMENT 'L3 reason and circumstances, as JSON',
    prev_hash String COMMENT 'L2 hash of the entry before',
    hash String COMMENT 'L2 of this entry and prev_hash'
)
ENGINE = MergeTree
ORDER BY (writer, seq)
COMMENT 'Audit ledger';
