// ${...} in titles, texts and links. SQL is expanded by the server alone.

const FORM = /\$\{([^}:]+)(?::(\w+))?\}|\$(__\w+|\w+)/g;

function ofCell(name, context) {
  const { frame, field, rowIndex } = context;
  if (name === '__value.raw' || name === '__value.text' || name === '__value') {
    return field?.values[rowIndex];
  }
  const other = /^__data\.fields(?:\.([\w-]+)|\[(?:"([^"]+)"|'([^']+)'|(\d+))\])$/.exec(name);
  if (other) {
    const column = other[4] ? frame.fields[Number(other[4])] : frame.fields.find((f) => f.name === (other[1] ?? other[2] ?? other[3]));
    return column?.values[rowIndex];
  }
  return undefined;
}

/** A function of Grafana's signature that fills in variables, the selected range and the cell that is pointed at. */
export function interpolator(variables, texts, { from, to }) {
  return (text, scoped = {}, format) => {
    if (typeof text !== 'string' || !text.includes('$')) {
      return text;
    }
    return text.replace(FORM, (whole, long, form, short) => {
      const name = long ?? short;
      if (name === '__url_time_range') {
        return new URLSearchParams({ from, to }).toString();
      }
      const context = scoped?.__dataContext?.value;
      let value = context ? ofCell(name, context) : undefined;
      if (value === undefined && name in variables) {
        value = form === 'text' ? (texts[name] ?? variables[name]) : variables[name];
        if (form === 'queryparam') {
          return `var-${name}=${encodeURIComponent(value)}`;
        }
      }
      if (value === undefined || value === null) {
        return whole;
      }
      return format === 'uriencode' || form === 'percentencode' ? encodeURIComponent(value) : String(value);
    });
  };
}
