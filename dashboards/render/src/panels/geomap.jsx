import { formattedValueToString, getFieldDisplayName } from '@grafana/data';

const NAMED = 40; // more names than this cover each other

// Grafana publishes no geomap package: places as circles on Web Mercator, without tiles, which a closed network lacks.
const mercator = (lat) => (Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) * 180) / Math.PI;

const byName = (frame, name) => frame.fields.find((field) => field.name === name || field.config.displayName === name);

function columns(panel, frame) {
  const layer = panel.options?.layers?.find(({ type }) => type === 'markers') ?? {};
  const location = layer.location ?? {};
  const style = layer.config?.style ?? {};
  const first = (...names) => names.map((name) => name && byName(frame, name)).find(Boolean);
  return {
    lat: first(location.latitude, 'lat', 'latitude'),
    lon: first(location.longitude, 'lon', 'lng', 'longitude'),
    size: first(style.size?.field) ?? frame.fields.find((f) => f.type === 'number' && !['lat', 'lon', 'latitude', 'longitude'].includes(f.name)),
    colour: first(style.color?.field),
    name: first(style.text?.field, 'name') ?? frame.fields.find((f) => f.type === 'string'),
    least: style.size?.min ?? 4,
    most: style.size?.max ?? 20,
    opacity: style.opacity ?? 0.5,
    fixed: style.color?.fixed,
  };
}

const CORE = 0.9;

/** Points that hold nine tenths of the value, nearest to the largest first: one far-off district leaves the rest legible. */
function core(points) {
  const [{ lat, lon }] = points;
  const near = [...points].sort((a, b) => Math.hypot(a.lat - lat, a.lon - lon) - Math.hypot(b.lat - lat, b.lon - lon));
  const total = near.reduce((sum, { value }) => sum + value, 0);
  let held = 0;
  return near.filter(({ value }) => {
    const wanted = held <= CORE * total;
    held += value;
    return wanted;
  });
}

/** A projection that shows the core in width x height, north up, one scale both ways; the far off stand at the edge. */
function projection(points, width, height, margin) {
  const inner = core(points);
  const xs = inner.map(({ lon }) => lon);
  const ys = inner.map(({ lat }) => mercator(lat));
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min((width - 2 * margin) / Math.max(east - west, 0.2), (height - 2 * margin) / Math.max(north - south, 0.2));
  return ({ lon, lat }) => {
    const x = width / 2 + (lon - (west + east) / 2) * scale;
    const y = height / 2 - (mercator(lat) - (south + north) / 2) * scale;
    const [atX, atY] = [Math.min(Math.max(x, margin), width - margin), Math.min(Math.max(y, margin), height - margin)];
    return { x: atX, y: atY, outside: atX !== x || atY !== y };
  };
}

export function Places({ panel, frames, width, height, context }) {
  const frame = frames[0];
  const { lat, lon, size, colour, name, least, most, opacity, fixed } = columns(panel, frame);
  if (!lat || !lon) {
    throw new Error('没有经纬度列');
  }
  const points = [];
  for (let row = 0; row < frame.length; row++) {
    if (lat.values[row] != null && lon.values[row] != null) {
      points.push({ row, lat: lat.values[row], lon: lon.values[row], value: size?.values[row] ?? 0 });
    }
  }
  points.sort((a, b) => b.value - a.value); // small circles stay on top of large ones
  const project = projection(points, width, height, most + 4);
  const biggest = Math.max(1, ...points.map(({ value }) => value));
  const said = (row) => frame.fields
    .filter((field) => field !== lat && field !== lon)
    .map((field) => `${getFieldDisplayName(field, frame)}：${formattedValueToString(field.display(field.values[row]))}`)
    .join('\n');
  const taken = [];
  return (
    <svg width={width} height={height} role="img" aria-label={panel.title}>
      {points.map((point) => {
        const { x, y, outside } = project(point);
        const radius = least + (most - least) * Math.sqrt(Math.max(0, point.value) / biggest);
        const fill = colour?.display(colour.values[point.row]).color ?? (fixed ? context.theme.visualization.getColorByName(fixed) : '#5794f2');
        return (
          <circle key={point.row} cx={x} cy={y} r={radius} fill={fill} fillOpacity={outside ? 0 : opacity} stroke={fill} strokeDasharray={outside ? '4 3' : undefined}>
            <title>{said(point.row) + (outside ? '\n（在图外，画在边上）' : '')}</title>
          </circle>
        );
      })}
      {name && points.slice(0, NAMED).map((point) => {
        const { x, y } = project(point);
        const text = String(name.values[point.row] ?? '');
        const box = { x: x + 6, y: y - 6, w: text.length * 12 + 4, h: 14 };
        if (x + 6 + box.w > width) {
          box.x = x - 6 - box.w;
        }
        if (taken.some((other) => box.x < other.x + other.w && other.x < box.x + box.w && box.y < other.y + other.h && other.y < box.y + box.h)) {
          return null;
        }
        taken.push(box);
        return <text key={point.row} x={box.x} y={y + 4} fontSize="12" fill={context.theme.colors.text.primary}>{text}</text>;
      })}
    </svg>
  );
}
