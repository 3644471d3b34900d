import { useLayoutEffect, useRef, useState } from 'react';
import { Panel } from './panel.jsx';

const COLUMNS = 24;
const ROW_PX = 30;
const GAP_PX = 8;

const left = (units, width) => Math.round((units * (width + GAP_PX)) / COLUMNS);

/** Panels where Grafana's grid puts them: 24 columns, rows of 30 pixels, 8 pixels between. */
export function Grid({ panels, context }) {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setWidth(box.current.clientWidth);
    const watcher = new ResizeObserver(measure);
    watcher.observe(box.current);
    measure();
    return () => watcher.disconnect();
  }, []);
  const all = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  const height = Math.max(0, ...all.map(({ gridPos }) => (gridPos.y + gridPos.h) * (ROW_PX + GAP_PX)));
  return (
    <div className="grid" ref={box} style={{ height }}>
      {width > 0 && all.map((panel) => {
        const { x, y, w, h } = panel.gridPos;
        const size = { width: left(x + w, width) - left(x, width) - GAP_PX, height: h * (ROW_PX + GAP_PX) - GAP_PX };
        const style = { left: left(x, width), top: y * (ROW_PX + GAP_PX), ...size };
        return panel.type === 'row' ? (
          <div key={panel.id} className="cell row-title" style={style}>{panel.title}</div>
        ) : (
          <Panel key={panel.id} panel={panel} style={style} context={context} />
        );
      })}
    </div>
  );
}
