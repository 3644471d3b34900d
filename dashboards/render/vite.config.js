import { cpSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// @grafana/ui fetches icons and its font (it measures text with it) by the paths that Grafana serves them at
const FONTS = { '400-normal': 'Regular', '500-normal': 'Medium', '400-italic': 'Italic', '500-italic': 'MediumItalic' };
let output = '';
const files = {
  name: 'files',
  configResolved: (config) => {
    output = resolve(config.root, config.build.outDir);
  },
  closeBundle() {
    cpSync(here('node_modules/@grafana/ui/dist/public/img/icons'), `${output}/public/build/img/icons`, { recursive: true });
    for (const [face, name] of Object.entries(FONTS)) {
      const font = here(`node_modules/@fontsource/inter/files/inter-latin-${face}.woff2`);
      cpSync(font, `${output}/public/fonts/inter/Inter-${name}.woff2`);
    }
  },
};

// lazy parts of @grafana/ui that no panel of ours opens: an editor and a map library, more than half of the build's time
const unused = {
  name: 'unused',
  enforce: 'pre',
  resolveId: (source) => (/\/(OpenLayersProvider|ReactMonacoEditor)(\.mjs)?$/.test(source) ? '\0unused' : null),
  load: (id) => (id === '\0unused' ? 'export default null; export const ReactMonacoEditor = null;' : null),
};

export default {
  plugins: [react(), unused, files],
  // no data: URL for a script or style: the server's policy allows files of its own only
  build: { target: 'es2022', sourcemap: false, reportCompressedSize: false, chunkSizeWarningLimit: 20000, assetsInlineLimit: 0 },
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
};
