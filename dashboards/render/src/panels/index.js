import { Bars } from './bargauge.jsx';
import { Places } from './geomap.jsx';
import { Stat } from './stat.jsx';
import { Table } from './table.jsx';
import { Text } from './text.jsx';
import { Series } from './timeseries.jsx';

/** Grafana's panel type -> what draws it here. */
export const PANELS = {
  bargauge: Bars,
  geomap: Places,
  stat: Stat,
  table: Table,
  text: Text,
  timeseries: Series,
};
