import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// @grafana/ui fetches each icon when it is first shown, by the path that Grafana serves it at
const icons = {
  name: 'icons',
  closeBundle() {
    cpSync(here('node_modules/@grafana/ui/dist/public/img/icons'), here('dist/public/build/img/icons'), {
      recursive: true,
    });
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
  plugins: [react(), unused, icons],
  // no data: URL for a script or style: the server's policy allows files of its own only
  build: { target: 'es2022', sourcemap: false, reportCompressedSize: false, chunkSizeWarningLimit: 20000, assetsInlineLimit: 0 },
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
};
