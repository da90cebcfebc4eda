import { HttpError } from './status.js';

const longestBody = 4 * 1024 * 1024;

async function readJson(request) {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    // Also keeps other sites' forms out.
    throw new HttpError(415, 'not_json', 'Send the body as application/json.');
  }
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    // Read to its end all the same: a client that is still sending does not read the answer.
    if (length <= longestBody) chunks.push(chunk);
  }
  if (length > longestBody) throw new HttpError(413, 'too_long', 'The body is too long.');
  let body;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new HttpError(400, 'bad_json', 'The body is not JSON.');
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new HttpError(400, 'bad_json', 'The body is not a JSON object.');
  }
  return body;
}

const isText = (value) => typeof value === 'string';
const kinds = {
  text: { test: isText, what: 'a text' },
  flag: { test: (value) => typeof value === 'boolean', what: 'true, false' },
  object: { test: (value) => typeof value === 'object' && !Array.isArray(value), what: 'an object' },
  texts: { test: (value) => Array.isArray(value) && value.every(isText), what: 'an array of texts' },
};

// The keys of a body are those of the form, and of that kind, null or left out: { status: 'text', merge: 'flag' }
function check(body, form) {
  const unknown = Object.keys(body).find((name) => !Object.hasOwn(form, name));
  if (unknown !== undefined) {
    const known = Object.keys(form).map((name) => `"${name}"`);
    throw new HttpError(400, 'unknown_key', `"${unknown}" is not known here${known.length ? `; ${known.join(', ')} are` : ''}.`);
  }
  for (const [name, kind] of Object.entries(form)) {
    const { test, what } = kinds[kind];
    if (body[name] != null && !test(body[name])) {
      throw new HttpError(400, 'bad_value', `"${name}" must be ${what} or null.`);
    }
  }
  return body;
}

const longestPage = 500;

// A part of a list, and where the next one is: GET ?search=acme&after=100&limit=50
async function page(query, path, read) {
  const { search, after, limit } = check(Object.fromEntries(query), { search: 'text', after: 'text', limit: 'text' });
  const size = Number(limit || 100);
  if (!Number.isInteger(size) || size < 1 || size > longestPage) {
    throw new HttpError(400, 'bad_value', `"limit" must be from 1 to ${longestPage}.`);
  }
  const rows = await read(after || null, search || null, size + 1);
  if (rows.length <= size) return { body: rows };
  const body = rows.slice(0, size);
  const next = new URLSearchParams({ ...(search && { search }), after: body.at(-1).id, limit: size });
  return { body, headers: { Link: `<${path}?${next}>; rel="next"` } };
}

// [method, path, needs a session, handler]; a handler returns { status, body, headers }, or nothing if it answered.
export function routesOf({ customers, deals, sessions, events }) {
  const sessionOf = ({ login, name, role }) => ({ login, name, role });

  // Reads are for every user.
  const reads = (read) => async ({ id, user }) => ({ body: await read(id, user.login) });

  // Changes are for editors. Their author is the session's user, never one that the body names.
  const changes = (form, change) => async ({ request, user, id, other }) => {
    if (user.role !== 'editor') throw new HttpError(403, 'forbidden', `${user.name} may read customers, not change them.`);
    const body = form && check(await readJson(request), form);
    return change({ id, other, body, author: user.login });
  };

  const customer = /^\/api\/customers\/([^/]+)$/;
  const comment = /^\/api\/customers\/([^/]+)\/comments\/([^/]+)$/;
  const refused = /^\/api\/refused\/([^/]+)$/;
  const deal = /^\/api\/deals\/([^/]+)$/;

  return [
    ['POST', /^\/api\/session$/, false, async ({ request }) => {
      const { login, password } = check(await readJson(request), { login: 'text', password: 'text' });
      const cookie = await sessions.open(login ?? '', password ?? '');
      if (!cookie) throw new HttpError(401, 'bad_login', 'There is no such user, or the password is another.');
      return { body: sessionOf(sessions.users.get(login)), headers: { 'Set-Cookie': cookie } };
    }],
    ['GET', /^\/api\/session$/, true, ({ user }) => ({ body: sessionOf(user) })],
    ['DELETE', /^\/api\/session$/, false, () => ({ status: 204, headers: { 'Set-Cookie': sessions.close() } })],
    ['GET', /^\/api\/events$/, true, ({ user, response }) => events.subscribe(response, user.expires)],

    ['GET', /^\/api\/customers$/, true, ({ query }) => page(query, '/api/customers', (...of) => customers.list(...of))],
    ['GET', customer, true, reads((id) => customers.get(id))],
    ['PUT', customer, true, changes(
      { status: 'text', notes: 'text', updated_at: 'text', merge: 'flag', fields: 'object' },
      ({ id, body, author }) => customers.save(id, body, author),
    )],
    ['DELETE', customer, true, changes(
      { updated_at: 'text', notes: 'text' },
      ({ id, body, author }) => customers.delete(id, body, author),
    )],
    ['GET', /^\/api\/deleted\/customers$/, true, reads(() => customers.deleted())],
    ['POST', /^\/api\/customers\/([^/]+)\/restore$/, true, changes(
      { notes: 'text' },
      ({ id, body, author }) => customers.restore(id, body, author),
    )],
    ['GET', /^\/api\/customers\/([^/]+)\/timeline$/, true, reads((id) => customers.timeline(id))],
    ['POST', /^\/api\/customers\/([^/]+)\/undo$/, true, changes(
      { updated_at: 'text', version: 'text', notes: 'text', fields: 'texts' },
      ({ id, body, author }) => customers.undo(id, body, author),
    )],
    ['GET', /^\/api\/refused$/, true, reads((id, login) => customers.refused(login))],
    ['GET', /^\/api\/customers\/([^/]+)\/refused$/, true, reads((id, login) => customers.refused(login, id))],
    ['PUT', refused, true, changes(
      { updated_at: 'text', choose: 'object', notes: 'text' },
      ({ id, body, author }) => customers.resolve(id, body, author),
    )],
    ['DELETE', refused, true, changes(null, ({ id, author }) => customers.discard(id, author))],
    ['PUT', comment, true, changes(
      { expected_body: 'text', body: 'text' },
      ({ id, other, body, author }) => customers.editComment(id, other, body, author),
    )],
    ['DELETE', comment, true, changes(
      { reason: 'text' },
      ({ id, other, body, author }) => customers.withdrawComment(id, other, body, author),
    )],
    ['PUT', /^\/api\/customers\/([^/]+)\/lock$/, true, changes(
      { lock_id: 'text' },
      ({ id, body, author }) => customers.lock(id, body.lock_id ?? null, author),
    )],
    ['DELETE', /^\/api\/customers\/([^/]+)\/lock\/([^/]+)$/, true, changes(
      null,
      ({ id, other }) => customers.unlock(id, other),
    )],

    ['GET', /^\/api\/customers\/([^/]+)\/deals$/, true, reads((id) => deals.list(id))],
    ['GET', deal, true, reads((id) => deals.get(id))],
    ['PUT', deal, true, changes(
      { stage: 'text', amount: 'text', currency: 'text', updated_at: 'text', merge: 'flag' },
      ({ id, body, author }) => deals.save(id, body, author),
    )],
    ['DELETE', deal, true, changes(
      { updated_at: 'text' },
      ({ id, body, author }) => deals.delete(id, body, author),
    )],
    ['GET', /^\/api\/deleted\/deals$/, true, reads(() => deals.deleted())],
    ['POST', /^\/api\/deals\/([^/]+)\/restore$/, true, changes({}, ({ id, author }) => deals.restore(id, author))],
  ];
}
