import { getDisplayValueAlignmentFactors, VizOrientation } from '@grafana/data';
import { BarGauge, VizRepeater } from '@grafana/ui';
import { displayValues } from './values.js';

// Grafana's own sizes where the board leaves them to it
const AUTOMATIC = { minVizWidth: 8, minVizHeight: 16, maxVizHeight: 300 };

export function Bars({ panel, frames, width, height, context }) {
  const options = panel.options ?? {};
  const sizes = options.sizing === 'manual' ? options : AUTOMATIC;
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
      minVizWidth={sizes.minVizWidth} minVizHeight={sizes.minVizHeight} maxVizHeight={sizes.maxVizHeight}
    />
  );
}
