import { FieldType, formattedValueToString, getFieldDisplayName, dateTimeFormat } from '@grafana/data';
import { TimeSeries } from '@grafana/ui';
import { useMemo, useState } from 'react';
import { TIME_ZONE } from '../time.js';

const CUSTOM = {
  drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', showPoints: 'auto',
  pointSize: 5, spanNulls: false, axisPlacement: 'auto', axisLabel: '', barAlignment: 0, barWidthFactor: 0.6,
  scaleDistribution: { type: 'linear' }, stacking: { mode: 'none', group: 'A' }, thresholdsStyle: { mode: 'off' },
  lineStyle: { fill: 'solid' }, hideFrom: { legend: false, tooltip: false, viz: false },
};

/** What Grafana's own panel fills in before it draws, for options that the board leaves open. */
function withDefaults(frames) {
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) =>
      field.type === FieldType.number
        ? { ...field, config: { ...field.config, custom: { ...CUSTOM, ...field.config.custom } } }
        : field
    ),
  }));
}

export function Series({ panel, frames, width, height, context }) {
  const prepared = useMemo(() => withDefaults(frames), [frames]);
  const legend = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [], ...panel.options?.legend };
  return (
    <div className="plot">
      <TimeSeries
        // fields may come and go with the answer: uPlot is then built anew
        structureRev={structure(prepared)} frames={prepared} timeRange={context.range} timeZone={TIME_ZONE}
        width={width} height={height} legend={legend} options={panel.options ?? {}}
      >
        {(builder, aligned) => <Tip builder={builder} aligned={aligned} />}
      </TimeSeries>
    </div>
  );
}

const structures = new Map();

/** A number for the set of series, the same for the same set. */
function structure(frames) {
  const key = JSON.stringify(frames.map((frame) => frame.fields.map((field) => [field.name, field.labels, field.config])));
  if (!structures.has(key)) {
    structures.set(key, structures.size + 1);
  }
  return structures.get(key);
}

/** The values under the pointer. Grafana's own tooltip is in no published package. */
function Tip({ builder, aligned }) {
  const [at, setAt] = useState(null);
  useMemo(() => {
    builder.addHook('setCursor', (plot) => {
      const { idx, left, top } = plot.cursor;
      const right = left > plot.over.clientWidth / 2;
      setAt(idx == null || left < 0 ? null : { idx, x: plot.over.offsetLeft + left, y: plot.over.offsetTop + top, right });
    });
  }, [builder]);
  if (!at || at.idx >= aligned.length) {
    return null;
  }
  const time = aligned.fields[0].values[at.idx];
  const style = at.right ? { right: `calc(100% - ${at.x - 12}px)`, top: at.y } : { left: at.x + 12, top: at.y };
  return (
    <div className="plot-tip" style={style}>
      <div>{dateTimeFormat(time, { timeZone: TIME_ZONE })}</div>
      <table><tbody>
        {aligned.fields.slice(1).map((field, index) => {
          const shown = field.display?.(field.values[at.idx]);
          return field.values[at.idx] == null || !shown ? null : (
            <tr key={index}>
              <td><span className="swatch" style={{ background: shown.color }} />{getFieldDisplayName(field, aligned)}</td>
              <td>{formattedValueToString(shown)}</td>
            </tr>
          );
        })}
      </tbody></table>
    </div>
  );
}
