"""Whether the stream itself still works: feeds, dead letters, lag, circuit breaker. Looked at every minute."""

from __future__ import annotations

from dashboards.rules.rule import AlertRule

INTERVAL_S = 60
TITLE = "运行"
BOARD = "d/yuqing-health?from=now-6h&to=now"

SILENT = AlertRule(
    uid="yuqing-feed-silent",
    title="信源静默",
    question="哪个平台多少分钟没有新帖了？七天内有过帖的平台才计。",
    # the older of both times: a replay stores old posts now, a wrong clock posts in the future; neither is news
    sql="""
SELECT platform, dateDiff('second', least(last_created_at, last_stored_at), ($__toTime)) / 60 AS minutes
FROM v_feeds
WHERE least(last_created_at, last_stored_at) >= ($__toTime) - INTERVAL 7 DAY
""",
    looks_back_s=600,
    test="gt",
    limits=(30,),
    severity="warning",
    area="pipeline",
    summary="平台 {{ .Labels.platform }} 已 {{ humanize .Values.B.Value }} 分钟没有新帖",
    evidence=BOARD,
    for_="2m",
)

DEAD_LETTERS = AlertRule(
    uid="yuqing-dead-letters-rising",
    title="死信增多",
    question="最近 15 分钟的死信，是之前 6 小时平均每 15 分钟的多少倍？不足 20 条记 0。",
    sql="""
WITH ($__toTime) - INTERVAL 15 MINUTE AS recent
SELECT if(sumIf(dead_letters, minute >= recent) < 20, 0,
    sumIf(dead_letters, minute >= recent) / greatest(sumIf(dead_letters, minute < recent) / 24, 5)) AS times
FROM v_metrics
WHERE $__timeFilter(minute)
""",
    looks_back_s=(6 * 60 + 15) * 60,
    test="gt",
    limits=(3,),
    severity="warning",
    area="pipeline",
    summary="死信 15 分钟内为平时的 {{ humanize .Values.B.Value }} 倍",
    evidence=BOARD,
    for_="1m",
    keep_firing_for="10m",
)

LAG = AlertRule(
    uid="yuqing-job-lag",
    title="作业滞后",
    question="最近 5 分钟，实时作业从收到到入库最多滞后了多少秒？",
    # no row: no live job stores anything. That is for the rules of silent feeds and of the breaker to say.
    sql="""
SELECT max(lag_max_ms) / 1000 AS seconds
FROM v_stream_lag
WHERE $__timeFilter(minute)
HAVING count() > 0
""",
    looks_back_s=300,
    test="gt",
    limits=(60,),
    severity="warning",
    area="pipeline",
    summary="实时作业滞后 {{ humanize .Values.B.Value }} 秒",
    evidence=BOARD,
    for_="2m",
    keep_firing_for="5m",
)

BREAKER = AlertRule(
    uid="yuqing-breaker-open",
    title="熔断",
    question="最近 30 分钟，哪个作业因为某一步错误过多被熔断停下了？1 为已熔断。",
    sql="""
SELECT run, job, max(toUInt8(breaker)) AS stopped
FROM v_job_health
WHERE $__timeFilter(minute)
GROUP BY run, job
""",
    looks_back_s=1_800,
    test="gt",
    limits=(0,),
    severity="critical",
    area="pipeline",
    summary="作业 {{ .Labels.job }}（{{ .Labels.run }}）已熔断：某一步错误过多，需要人来看",
    evidence=BOARD,
)

RULES = (SILENT, DEAD_LETTERS, LAG, BREAKER)
