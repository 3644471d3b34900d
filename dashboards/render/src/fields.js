// Field configuration of a panel applied to the answer: units, thresholds, mappings, colours, overrides, links.
import {
  applyFieldOverrides,
  dataFrameFromJSON,
  FieldConfigOptionsRegistry,
  FieldType,
  identityOverrideProcessor,
  transformDataFrame,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';
import { TIME_ZONE } from './time.js';

const STANDARD = [
  'unit', 'min', 'max', 'decimals', 'displayName', 'color', 'thresholds', 'mappings', 'links', 'noValue', 'fieldMinMax',
  'filterable', 'description',
];

const option = (id, path, isCustom, shouldApply = () => true) => ({
  id, path, name: id, isCustom, shouldApply,
  process: identityOverrideProcessor, override: identityOverrideProcessor, editor: () => null, getItemsCount: () => 1,
});

/** Every option that this panel sets, so that none is lost whatever the panel type knows. */
function registry({ defaults, overrides }, type) {
  const custom = new Set(Object.keys(defaults.custom ?? {}));
  for (const { properties } of overrides) {
    for (const { id } of properties) {
      if (id.startsWith('custom.')) {
        custom.add(id.slice('custom.'.length));
      }
    }
  }
  // the time axis takes no axis label or width that was meant for the values
  const applies = type === 'timeseries' ? (field) => field.type === FieldType.number : undefined;
  return new FieldConfigOptionsRegistry(() => [
    ...STANDARD.map((id) => option(id, id, false)),
    ...[...custom].map((path) => option(`custom.${path}`, path, true, applies)),
  ]);
}

export const fieldConfigOf = (panel) => ({
  defaults: panel.fieldConfig?.defaults ?? {},
  overrides: panel.fieldConfig?.overrides ?? [],
});

/** The server's frames -> frames with a display processor a field; transformations run first, as in Grafana. */
export async function prepare(json, panel, theme, replaceVariables) {
  let data = json.map(dataFrameFromJSON);
  if (panel.transformations?.length) {
    data = await firstValueFrom(transformDataFrame(panel.transformations, data));
  }
  const fieldConfig = fieldConfigOf(panel);
  return applyFieldOverrides({
    data, fieldConfig, replaceVariables, theme, timeZone: TIME_ZONE,
    fieldConfigRegistry: registry(fieldConfig, panel.type),
  });
}

/** Rows that hold at least one value beside times; a panel without any is empty. */
export function rowsWithValues(frames) {
  let rows = 0;
  for (const frame of frames) {
    const told = frame.fields.filter((field) => field.type !== 'time');
    const fields = told.length ? told : frame.fields;
    for (let row = 0; row < frame.length; row++) {
      rows += fields.some((field) => field.values[row] !== null && field.values[row] !== undefined) ? 1 : 0;
    }
  }
  return rows;
}
