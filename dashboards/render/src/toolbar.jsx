import { Combobox, IconButton } from '@grafana/ui';
import * as address from './address.js';
import { fromInput, QUICK, REFRESH, toInput } from './time.js';

export function Toolbar({ boards, uid, theme, variables, range, every, place, onMove, onRefresh }) {
  return (
    <nav className="toolbar" style={{ background: theme.colors.background.primary }}>
      {boards.map((board) => (
        <Tab key={board.uid} board={board} current={board.uid === uid} place={place} variables={variables} />
      ))}
      <span className="gap" />
      {variables?.list.filter((one) => !one.hide).map((one) => (
        <label key={one.name}>
          {one.label}
          <Combobox
            aria-label={one.label} width="auto" minWidth={14} maxWidth={40} placeholder="选择…"
            options={one.options.map(({ value, text }) => ({ value, label: text }))}
            value={variables.values[one.name]}
            onChange={({ value }) => onMove({ variables: { ...variables.values, [one.name]: value } })}
          />
        </label>
      ))}
      {range && <Range range={range} place={place} onMove={onMove} />}
      {range && (
        <Choice label="刷新" options={REFRESH} value={every} onChange={(refresh) => onMove({ refresh })} />
      )}
      {range && <IconButton name="sync" tooltip="立即刷新" aria-label="立即刷新" onClick={onRefresh} />}
    </nav>
  );
}

// a board's own variables stay behind; region and platform, which every board has, go along
function Tab({ board, current, place, variables }) {
  const { region, platform } = variables?.values ?? {};
  const target = address.href({ uid: board.uid, variables: { region, platform }, ...place, refresh: undefined, from: undefined, to: undefined });
  const open = (event) => {
    if (!event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      address.go(target);
    }
  };
  return <a href={target} aria-current={current ? 'page' : undefined} onClick={open}>{board.title}</a>;
}

function Range({ range, place, onMove }) {
  const relative = QUICK.some(([from]) => from === place.from) && place.to === 'now';
  const relativeToNow = !relative && place.to === 'now' && place.from.startsWith('now');
  const options = [...QUICK, ...(relativeToNow ? [[place.from, place.from]] : []), ['', '自选时段']];
  const choose = (from) => onMove(from
    ? { from, to: 'now' }
    : { from: String(range.from.valueOf()), to: String(range.to.valueOf()) });
  return (
    <>
      <Choice label="时间" options={options} value={relative || relativeToNow ? place.from : ''} onChange={choose} />
      {!relative && !relativeToNow && (
        <>
          <Moment label="从" value={range.from} onChange={(from) => onMove({ from, to: String(range.to.valueOf()) })} />
          <Moment label="到" value={range.to} onChange={(to) => onMove({ from: String(range.from.valueOf()), to })} />
        </>
      )}
    </>
  );
}

function Moment({ label, value, onChange }) {
  return (
    <label>
      {label}
      <input type="datetime-local" value={toInput(value)} onChange={(event) => event.target.value && onChange(fromInput(event.target.value))} />
    </label>
  );
}

function Choice({ label, options, value, onChange }) {
  const listed = options.some(([one]) => one === value) ? options : [...options, [value, value]];
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {listed.map(([one, text]) => <option key={one} value={one}>{text}</option>)}
      </select>
    </label>
  );
}
