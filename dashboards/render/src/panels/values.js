import { getFieldDisplayValues } from '@grafana/data';
import { fieldConfigOf } from '../fields.js';
import { TIME_ZONE } from '../time.js';

/** The values that stat, bar gauge and pie show: reduced, or one a row, as reduceOptions say. */
export function displayValues(panel, frames, context, sparkline = false) {
  return getFieldDisplayValues({
    fieldConfig: fieldConfigOf(panel),
    reduceOptions: panel.options?.reduceOptions ?? { calcs: ['lastNotNull'], values: false },
    replaceVariables: context.replace,
    theme: context.theme,
    data: frames,
    sparkline,
    timeZone: TIME_ZONE,
    percentChange: panel.options?.showPercentChange,
  });
}
