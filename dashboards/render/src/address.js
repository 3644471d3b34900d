// Where we are, in the form of Grafana's own addresses: /d/UID?var-region=410100&from=now-6h&to=now&refresh=10s

export function read() {
  const uid = /^\/d\/([\w-]+)/.exec(location.pathname)?.[1] ?? '';
  const found = new URLSearchParams(location.search);
  const variables = {};
  for (const [key, value] of found) {
    if (key.startsWith('var-')) {
      variables[key.slice(4)] = value;
    }
  }
  return { uid, variables, from: found.get('from'), to: found.get('to'), refresh: found.get('refresh') };
}

export function href({ uid, variables = {}, from, to, refresh }) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && value !== '') {
      found.set(`var-${name}`, value);
    }
  }
  for (const [key, value] of Object.entries({ from, to, refresh })) {
    if (value) {
      found.set(key, value);
    }
  }
  const query = found.toString();
  return `/d/${uid}${query ? `?${query}` : ''}`;
}

/** Go to another board or selection without loading the page again. */
export function go(place, replace = false) {
  history[replace ? 'replaceState' : 'pushState'](null, '', typeof place === 'string' ? place : href(place));
  dispatchEvent(new PopStateEvent('popstate'));
}
