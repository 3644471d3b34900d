import { dateMath, dateTime, rangeUtil } from '@grafana/data';

export const TIME_ZONE = 'Asia/Shanghai';
const OFFSET_MS = 8 * 3600e3; // of that zone; it has had no summer time since 1991

export const QUICK = [
  ['now-15m', '最近 15 分钟'],
  ['now-1h', '最近 1 小时'],
  ['now-3h', '最近 3 小时'],
  ['now-6h', '最近 6 小时'],
  ['now-12h', '最近 12 小时'],
  ['now-24h', '最近 24 小时'],
  ['now-2d', '最近 2 天'],
  ['now-7d', '最近 7 天'],
  ['now-30d', '最近 30 天'],
];

export const REFRESH = [
  ['', '不自动刷新'],
  ['5s', '每 5 秒'],
  ['10s', '每 10 秒'],
  ['30s', '每 30 秒'],
  ['1m', '每分钟'],
  ['5m', '每 5 分钟'],
];

export const milliseconds = (interval) => (interval ? rangeUtil.intervalToMs(interval) : 0);

/** "now-1h", an ISO time or epoch milliseconds (as in Grafana's addresses) -> a moment. */
function moment(raw, end) {
  return /^\d{10,}$/.test(raw) ? dateTime(Number(raw)) : dateMath.parse(raw, end, TIME_ZONE) ?? dateTime();
}

/** {from, to} as written -> Grafana's TimeRange of this instant. */
export function timeRange({ from, to }) {
  return { from: moment(from, false), to: moment(to, true), raw: { from, to } };
}

/** What <input type=datetime-local> shows for a moment, in the boards' zone. */
export const toInput = (when) => new Date(when.valueOf() + OFFSET_MS).toISOString().slice(0, 16);
export const fromInput = (text) => String(Date.parse(`${text}:00Z`) - OFFSET_MS);

/** The panel's interval, as Grafana works it out from its width and range. */
export function interval(range, points, least) {
  return rangeUtil.calculateInterval(range, points, least || undefined).intervalMs;
}
