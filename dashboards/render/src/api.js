// The server's answers. Nothing here sends SQL: a panel is named, the server knows its statements.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
  /** The store or the server does not answer; the same request may succeed later. */
  get away() {
    return this.status === 503 || this.status === 0;
  }
}

async function request(path, body, signal) {
  const options = body === undefined ? {} : {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, { ...options, signal, credentials: 'same-origin' });
  } catch (error) {
    if (error.name === 'AbortError') {
      throw error;
    }
    throw new ApiError(0, '页面服务未应答');
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new ApiError(answer.status, found.error ?? `HTTP ${answer.status}`);
  }
  return found;
}

export const boards = () => request('/api/boards');
export const board = (uid) => request(`/api/boards/${encodeURIComponent(uid)}`);
export const health = () => request('/api/health');
export const query = (question, signal) => request('/api/query', question, signal);
export const options = (question, signal) => request('/api/options', question, signal);
