import { getDisplayValueAlignmentFactors, VizOrientation } from '@grafana/data';
import { BigValue, VizRepeater } from '@grafana/ui';
import { displayValues } from './values.js';

export function Stat({ panel, frames, width, height, context }) {
  const options = panel.options ?? {};
  const values = () => displayValues(panel, frames, context, options.graphMode !== 'none');
  return (
    <VizRepeater
      getValues={values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width, height, count }) => (
        <BigValue
          value={value.display} sparkline={value.sparkline} count={count} width={width} height={height} text={options.text}
          colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode}
          textMode={options.textMode} disableWideLayout={options.wideLayout === false} theme={context.theme}
        />
      )}
      width={width} height={height} source={frames} itemSpacing={3} renderCounter={context.tick} autoGrid
      orientation={options.orientation ?? VizOrientation.Auto}
    />
  );
}
