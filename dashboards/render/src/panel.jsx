import { LoadingState } from '@grafana/data';
import { PanelChrome } from '@grafana/ui';
import { Component, useEffect, useState } from 'react';
import * as api from './api.js';
import { prepare, rowsWithValues } from './fields.js';
import { PANELS } from './panels/index.js';
import { interval } from './time.js';

/** The panel's answer: {frames, rows, error, loading}; the last good one stays while the next is on its way. */
function useAnswer(panel, width, context) {
  const { board, variables, range, theme, replace, report } = context;
  const [answer, setAnswer] = useState({ frames: [], rows: 0, error: null, loading: true });
  const asks = (panel.targets ?? []).length > 0;
  const chosen = JSON.stringify(variables);
  useEffect(() => {
    if (!asks) {
      setAnswer({ frames: [], rows: 1, error: null, loading: false });
      return undefined;
    }
    const abort = new AbortController();
    const points = panel.maxDataPoints ?? Math.max(10, Math.round(width));
    const question = {
      board, panel: panel.id, variables, max_points: points,
      from: range.from.valueOf(), to: range.to.valueOf(), interval_ms: interval(range, points, panel.interval),
    };
    setAnswer((before) => ({ ...before, loading: true }));
    api.query(question, abort.signal)
      .then(({ frames }) => prepare(frames, panel, theme, replace))
      .then((frames) => !abort.signal.aborted && setAnswer({ frames, rows: rowsWithValues(frames), error: null, loading: false }))
      .catch((error) => {
        if (!abort.signal.aborted) {
          report(error);
          // a store that is away says so once, at the top; what was there stays readable
          setAnswer((before) => ({ ...before, error: error.away && before.rows ? before.error : error.message, loading: false }));
        }
      });
    return () => abort.abort();
  }, [panel, board, chosen, range, theme, replace, report, asks]);
  return answer;
}

export function Panel({ panel, style, context }) {
  const answer = useAnswer(panel, style.width, context);
  const Draw = PANELS[panel.type];
  const [broken, setBroken] = useState(null);
  const error = answer.error ?? (Draw ? broken : `页面不会画 ${panel.type} 面板`);
  const state = error ? 'error' : answer.loading && !answer.rows ? 'loading' : answer.rows ? 'ok' : 'empty';
  return (
    <section
      className="cell" style={style} data-panel={panel.id} data-type={panel.type} data-title={panel.title}
      data-state={state} data-rows={answer.rows} data-loading={answer.loading}
    >
      <PanelChrome
        title={context.replace(panel.title ?? '')} description={panel.description} width={style.width} height={style.height}
        loadingState={answer.loading ? LoadingState.Loading : LoadingState.Done}
        displayMode={panel.transparent ? 'transparent' : 'default'}
      >
        {(width, height) => {
          if (error) {
            return <div className="says error">{error}</div>;
          }
          if (state !== 'ok') {
            return <div className="says">{state === 'loading' ? '' : panel.fieldConfig?.defaults?.noValue ?? '暂无数据'}</div>;
          }
          return (
            <Shield onError={setBroken}>
              <Draw panel={panel} frames={answer.frames} width={width} height={height} context={context} />
            </Shield>
          );
        }}
      </PanelChrome>
    </section>
  );
}

/** A component that throws takes down its own panel only. */
class Shield extends Component {
  state = { broken: false };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  componentDidCatch(error) {
    this.props.onError(`面板画不出来：${error.message}`);
  }
  render() {
    return this.state.broken ? null : this.props.children;
  }
}
