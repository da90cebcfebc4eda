// No answer came: whether the request did anything is not known.
export class NoAnswer extends Error {}

// One request: { status, body, retryAfter, next }; next is where a list goes on.
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
  return {
    status: response.status,
    body: parsed,
    retryAfter: Number(response.headers.get('Retry-After')) || 1,
    next: /^<([^>]*)>; rel="next"$/.exec(response.headers.get('Link') ?? '')?.[1] ?? null,
  };
}

export const element = (id) => document.getElementById(id);

// make('td', { className: 'x' }, 'text', otherElement)
export function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const isolated = (value) =>
  Array.isArray(value) || value instanceof Node ? value : make('bdi', {}, String(value ?? ''));

// words`${name} is saved.`: a sentence in which what people wrote keeps its own direction of writing
export const words = (strings, ...values) =>
  strings.flatMap((string, n) => (n === 0 ? [string] : [isolated(values[n - 1]), string].flat()));

export const fill = (node, text) => node.replaceChildren(...[text].flat());
export const textOf = (text) => [text].flat().map((part) => part.textContent ?? part).join('');

// A line of a table, by the names of its columns. On a narrow screen it is a card; the roles outlive that.
export function line(cells) {
  const [[first, header], ...others] = Object.entries(cells);
  const cell = (tag, role, name, content) => {
    const made = make(tag, { role }, ...[content].flat().map(isolated));
    made.dataset.label = name;
    return made;
  };
  return make(
    'tr',
    { role: 'row' },
    cell('th', 'rowheader', first, header),
    ...others.map(([name, content]) => cell('td', 'cell', name, content)),
  );
}

export const when = (time) => new Date(time).toLocaleString();

// A key as the rows have it: a number where that loses nothing.
export const idOf = (key) => (Number.isSafeInteger(Number(key)) ? Number(key) : key);
