import { useEffect, useMemo, useState } from 'react';
import * as api from './api.js';

const asOption = (one) => (typeof one === 'object' ? one : { value: String(one), text: String(one) });

/**
 * The board's variables: {list: [{name, label, options}], values, texts, ready}.
 *
 * What the address names counts, then what the board names, then the first option. Options are asked for one variable
 * after the other, since a later one may depend on those before.
 */
export function useVariables(board, chosen, range, report) {
  const models = useMemo(() => (board.templating?.list ?? []).filter((v) => v.type !== 'datasource'), [board]);
  const [found, setFound] = useState({});
  const asked = JSON.stringify(chosen);

  useEffect(() => {
    const abort = new AbortController();
    (async () => {
      const next = {};
      const values = {};
      for (const model of models) {
        let options = (model.options ?? []).map(asOption);
        if (model.type === 'query') {
          const question = {
            board: board.uid, variable: model.name, variables: values,
            from: range.from.valueOf(), to: range.to.valueOf(),
          };
          options = await api.options(question, abort.signal);
        }
        next[model.name] = options;
        values[model.name] = select(model, options, chosen[model.name]);
      }
      setFound(next);
    })().catch((error) => error.name !== 'AbortError' && report(error));
    return () => abort.abort();
  }, [models, board.uid, asked, range, report]);

  return useMemo(() => {
    const list = models.map((model) => ({ name: model.name, label: model.label || model.name, hide: model.hide === 2, options: found[model.name] ?? [] }));
    const values = {};
    const texts = {};
    for (const model of models) {
      values[model.name] = select(model, found[model.name] ?? [], chosen[model.name]);
      texts[model.name] = found[model.name]?.find((o) => o.value === values[model.name])?.text ?? values[model.name];
    }
    return { list, values, texts, ready: models.every((model) => model.name in found) };
  }, [models, found, asked]);
}

function select(model, options, chosen) {
  const wanted = chosen ?? (model.current?.value === undefined ? undefined : String(model.current.value));
  if (chosen || options.some((one) => one.value === wanted)) {
    return wanted; // an address may name a value that is not in the list, an old topic say
  }
  return options[0]?.value ?? wanted ?? '';
}
