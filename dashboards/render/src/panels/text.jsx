import { renderTextPanelMarkdown } from '@grafana/data';

export function Text({ panel, context }) {
  const content = context.replace(panel.options?.content ?? '');
  // Grafana's own renderer sanitises; the content is a committed file, not data
  return <div className="text-panel markdown-html" dangerouslySetInnerHTML={{ __html: renderTextPanelMarkdown(content) }} />;
}
