// No answer came: whether the request did anything is not known.
export class NoAnswer extends Error {}

// One request: { status, body, retryAfter }.
export async function call(method, path, body) {
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers: body && { 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    text = await response.text();
  } catch (error) {
    throw new NoAnswer(error.message);
  }
  if (response.status === 502 || response.status === 504) throw new NoAnswer(`a gateway answered ${response.status}`);
  let parsed = {};
  try {
    parsed = text ? JSON.parse(text) : {};
  } catch {
    parsed = { message: `The server answered ${response.status} in a form that this page does not know.` };
  }
  return { status: response.status, body: parsed, retryAfter: Number(response.headers.get('Retry-After')) || 1 };
}

export const element = (id) => document.getElementById(id);

// make('td', { className: 'x' }, 'text', otherElement)
export function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export const when = (time) => new Date(time).toLocaleString();

// A key as the rows have it: a number where that loses nothing.
export const idOf = (key) => (Number.isSafeInteger(Number(key)) ? Number(key) : key);
