import './environment.js';
import './page.css';
import { createTheme, ThemeContext } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { App } from './app.jsx';

const theme = createTheme({ colors: { mode: 'dark' } });

await initPluginTranslations('yuqing-look');
createRoot(document.getElementById('root')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <App theme={theme} />
    <PortalContainer />
  </ThemeContext.Provider>
);
