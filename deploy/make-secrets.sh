#!/bin/sh
# Make the secrets of deploy/compose.yaml that are not there yet: make-secrets.sh [WEBHOOK_URL] [MAIL_ADDRESS]
# The folder is for its owner only. Compose mounts each file as it is, and containers read them under users of their own,
# so the files themselves are readable.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
for name in clickhouse_admin yuqing operator analyst viewer centre auditor notifier grafana_admin grafana_secret_key; do
    [ -s "secrets/$name" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' > "secrets/$name"
done
[ -s secrets/alert_url ] || printf %s "${1:-https://example.invalid/write-your-webhook-here}" > secrets/alert_url
[ -s secrets/alert_email ] || printf %s "${2:-duty@example.invalid}" > secrets/alert_email
chmod 0444 secrets/*
