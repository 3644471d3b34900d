// What Grafana's own page sets up before any component is drawn. Imported first.
import { locationUtil, standardTransformers, standardTransformersRegistry } from '@grafana/data';

window.__grafana_public_path__ = '/public/';

locationUtil.initialize({
  config: { appSubUrl: '' },
  getVariablesUrlParams: () => ({}),
  getTimeRangeForUrl: () => ({ from: '', to: '' }),
});

standardTransformersRegistry.setInit(() =>
  Object.values(standardTransformers).map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation,
    aliasIds: transformation.aliasIds,
    editor: () => null,
  }))
);
