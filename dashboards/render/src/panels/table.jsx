import { TableNG } from '@grafana/ui/unstable';
import { useMemo } from 'react';
import { fieldConfigOf } from '../fields.js';
import * as address from '../address.js';

/** A link to another board is followed without loading the page again. */
function follow(event) {
  const link = event.target.closest?.('a[href^="/d/"]');
  if (link && !link.target && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    address.go(link.getAttribute('href'));
  }
}

/** Since Grafana 12 wrapping is an option of the column; boards made for 11 have it on the cell, and Grafana moves it. */
function wrapping(frame) {
  const fields = frame.fields.map((field) => {
    const custom = field.config.custom ?? {};
    const wrapText = custom.wrapText ?? custom.cellOptions?.wrapText;
    return { ...field, config: { ...field.config, custom: { ...custom, wrapText } } };
  });
  return { ...frame, fields };
}

export function Table({ panel, frames, width, height, context }) {
  const options = panel.options ?? {};
  const data = useMemo(() => wrapping(frames[0]), [frames]);
  return (
    <div onClickCapture={follow}>
      <TableNG
        data={data} width={width} height={height} noHeader={options.showHeader === false} showTypeIcons={false}
        resizable sortBy={options.sortBy} sortByBehavior="initial" cellHeight={options.cellHeight} structureRev={1}
        timeRange={context.range} fieldConfig={fieldConfigOf(panel)} frozenColumns={options.frozenColumns?.left}
        maxRowHeight={options.maxRowHeight} noValue="" ariaLabel={panel.title}
      />
    </div>
  );
}
