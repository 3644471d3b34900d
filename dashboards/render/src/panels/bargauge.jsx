import { getDisplayValueAlignmentFactors, VizOrientation } from '@grafana/data';
import { BarGauge, VizRepeater } from '@grafana/ui';
import { displayValues } from './values.js';

const LEAST_HEIGHT = 16;

export function Bars({ panel, frames, width, height, context }) {
  const options = panel.options ?? {};
  const automatic = options.sizing !== 'manual';
  return (
    <VizRepeater
      getValues={() => displayValues(panel, frames, context)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width, height, orientation, alignmentFactors, count }) => (
        <BarGauge
          value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          width={width} height={height} orientation={orientation} alignmentFactors={count > 1 ? alignmentFactors : undefined}
          text={options.text} itemSpacing={8} lcdCellWidth={12} displayMode={options.displayMode ?? 'gradient'}
          showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode} namePlacement={options.namePlacement}
          theme={context.theme}
        />
      )}
      width={width} height={height} source={frames} itemSpacing={8} renderCounter={context.tick}
      orientation={options.orientation ?? VizOrientation.Auto}
      minVizWidth={automatic ? 8 : options.minVizWidth} minVizHeight={automatic ? LEAST_HEIGHT : options.minVizHeight}
      maxVizHeight={automatic ? undefined : options.maxVizHeight}
    />
  );
}
