import { TableNG } from '@grafana/ui/unstable';
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

export function Table({ panel, frames, width, height, context }) {
  const options = panel.options ?? {};
  return (
    <div onClickCapture={follow}>
      <TableNG
        data={frames[0]} width={width} height={height} noHeader={options.showHeader === false} showTypeIcons={false}
        resizable sortBy={options.sortBy} sortByBehavior="initial" cellHeight={options.cellHeight} structureRev={1}
        timeRange={context.range} fieldConfig={fieldConfigOf(panel)} frozenColumns={options.frozenColumns?.left}
        maxRowHeight={options.maxRowHeight} noValue="" ariaLabel={panel.title}
      />
    </div>
  );
}
