-- Several channels, each with a memory of its own. receiver joins the sorting key, or rows of two channels would replace
-- one another; the plain webhook or file has the empty name, so what it was told before counts as told.
ALTER TABLE alert_deliveries ADD COLUMN IF NOT EXISTS receiver String COMMENT 'L1 channel of the settings; empty: the plain webhook or file',
    MODIFY ORDER BY (alert_id, priority, attempt, status, receiver);

ALTER TABLE alert_deliveries ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'alert' COMMENT 'L1 alert or escalation';

-- A channel is told what happens from the day it is there, not the history.
CREATE TABLE IF NOT EXISTS alert_channels
(
    receiver String COMMENT 'L1 channel of the settings',
    since DateTime64(3, 'UTC') COMMENT 'L1 when the notifier first saw it; the earliest counts'
)
ENGINE = MergeTree
ORDER BY receiver
COMMENT 'Since when a channel is told of alerts';
