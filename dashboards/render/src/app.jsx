import { useCallback, useEffect, useMemo, useState } from 'react';
import * as address from './address.js';
import * as api from './api.js';
import { Grid } from './grid.jsx';
import { interpolator } from './interpolate.js';
import { milliseconds, timeRange } from './time.js';
import { Toolbar } from './toolbar.jsx';
import { useVariables } from './variables.jsx';

/** What the address says, again whenever it changes. */
function usePlace() {
  const [place, setPlace] = useState(address.read);
  useEffect(() => {
    const changed = () => setPlace(address.read());
    addEventListener('popstate', changed);
    return () => removeEventListener('popstate', changed);
  }, []);
  return place;
}

/** Counts up at each refresh; stands still while nobody looks. */
function useTick(everyMs) {
  const [tick, setTick] = useState(0);
  const refresh = useCallback(() => setTick((before) => before + 1), []);
  useEffect(() => {
    if (!everyMs) {
      return undefined;
    }
    const timer = setInterval(() => document.visibilityState === 'visible' && refresh(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, refresh]);
  return [tick, refresh];
}

/** Until the store answers again, ask every three seconds, then refresh all. */
function useRecovery(away, setAway, refresh) {
  useEffect(() => {
    if (!away) {
      return undefined;
    }
    const timer = setInterval(async () => {
      try {
        await api.health();
        setAway(false);
        refresh();
      } catch {
        // still away
      }
    }, 3000);
    return () => clearInterval(timer);
  }, [away, setAway, refresh]);
}

export function App({ theme }) {
  const place = usePlace();
  const [boards, setBoards] = useState([]);
  const [board, setBoard] = useState(null);
  const [failure, setFailure] = useState(null);
  const [away, setAway] = useState(false);

  useEffect(() => {
    api.boards().then(setBoards, setFailure);
  }, []);
  const uid = place.uid || boards[0]?.uid;
  useEffect(() => {
    if (uid) {
      api.board(uid).then((found) => { setFailure(null); setBoard(found); }, setFailure);
    }
  }, [uid]);

  const shown = board?.uid === uid ? board : null;
  useEffect(() => {
    document.title = shown ? `${shown.title} - 舆情` : '舆情';
  }, [shown]);

  return (
    <div style={{ minHeight: '100%', background: theme.colors.background.canvas, color: theme.colors.text.primary }}>
      {failure && <div className="notice" role="alert">{sentence(failure)}</div>}
      {away && <div className="notice" role="alert" data-away="">存储没有应答，页面保留最后的数据，恢复后会自动刷新。</div>}
      {shown ? (
        <Board key={shown.uid} board={shown} boards={boards} place={place} theme={theme} away={away} setAway={setAway} />
      ) : (
        <Toolbar boards={boards} uid={uid} theme={theme} />
      )}
    </div>
  );
}

function Board({ board, boards, place, theme, away, setAway }) {
  const from = place.from ?? board.time?.from ?? 'now-6h';
  const to = place.to ?? board.time?.to ?? 'now';
  const every = place.refresh ?? board.refresh ?? '';
  const [tick, refresh] = useTick(milliseconds(every));
  useRecovery(away, setAway, refresh);

  // relative ends are worked out anew at each refresh, once for all panels
  const range = useMemo(() => timeRange({ from, to }), [from, to, tick]);
  const report = useCallback((error) => error.away && setAway(true), [setAway]);
  const variables = useVariables(board, place.variables, range, report);
  const { values, texts } = variables;
  const replace = useMemo(() => interpolator(values, texts, { from, to }), [values, texts, from, to]);
  const move = (change) => address.go({ uid: board.uid, variables: values, from, to, refresh: every, ...change });

  return (
    <>
      <Toolbar
        boards={boards} uid={board.uid} theme={theme} variables={variables} range={range} every={every}
        place={{ from, to, refresh: every }} onMove={move} onRefresh={refresh}
      />
      {variables.ready && (
        <Grid panels={board.panels} context={{ board: board.uid, variables: values, range, tick, theme, replace, report }} />
      )}
    </>
  );
}

function sentence(error) {
  if (error.status === 401) {
    return '此链接已失效：请在服务器上运行 yuqing up --look，用它给出的链接打开。';
  }
  return error.away ? '页面服务没有应答：请检查 yuqing status。' : error.message;
}
