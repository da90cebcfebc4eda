import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { HttpError, statusOf } from './status.js';

const files = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/api.js': ['api.js', 'text/javascript; charset=utf-8'],
  '/editor.js': ['editor.js', 'text/javascript; charset=utf-8'],
  '/login.js': ['login.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
};
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

// The named keys of a body: text, null or left out.
function texts(body, ...names) {
  for (const name of names) {
    if (body[name] != null && typeof body[name] !== 'string') {
      throw new HttpError(400, 'bad_value', `"${name}" must be a text or null.`);
    }
  }
  return body;
}

function segment(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 'bad_value', 'The path is not well-formed.');
  }
}

export function createApp({ customers, sessions, events }) {
  const mayEdit = (user) => {
    if (user.role !== 'editor') throw new HttpError(403, 'forbidden', `${user.name} may read customers, not change them.`);
  };

  // [method, path, needs a session, handler]; a handler returns { status, body, headers }, or nothing if it answered.
  const routes = [
    ['POST', /^\/api\/session$/, false, async ({ request }) => {
      const { login, password } = texts(await readJson(request), 'login', 'password');
      const cookie = await sessions.open(login ?? '', password ?? '');
      if (!cookie) throw new HttpError(401, 'bad_login', 'There is no such user, or the password is another.');
      return { body: sessionOf(sessions.users.get(login)), headers: { 'Set-Cookie': cookie } };
    }],
    ['GET', /^\/api\/session$/, true, ({ user }) => ({ body: sessionOf(user) })],
    ['DELETE', /^\/api\/session$/, false, () => ({ status: 204, headers: { 'Set-Cookie': sessions.close() } })],
    ['GET', /^\/api\/events$/, true, ({ user, response }) => events.subscribe(response, user.expires)],
    ['GET', /^\/api\/customers$/, true, async () => ({ body: await customers.list() })],
    ['GET', /^\/api\/customers\/([^/]+)$/, true, async ({ id }) => ({ body: await customers.get(id) })],
    ['PUT', /^\/api\/customers\/([^/]+)$/, true, async ({ request, user, id }) => {
      mayEdit(user);
      const save = texts(await readJson(request), 'status', 'notes', 'updated_at');
      if (save.merge != null && typeof save.merge !== 'boolean') {
        throw new HttpError(400, 'bad_value', '"merge" must be true, false or null.');
      }
      return customers.save(id, save, user.login); // never an author that the body names
    }],
    ['PUT', /^\/api\/customers\/([^/]+)\/lock$/, true, async ({ request, user, id }) => {
      mayEdit(user);
      const { lock_id = null } = texts(await readJson(request), 'lock_id');
      return customers.lock(id, lock_id, user.login);
    }],
    ['DELETE', /^\/api\/customers\/([^/]+)\/lock\/([^/]+)$/, true, ({ user, id, other }) => {
      mayEdit(user);
      return customers.unlock(id, other);
    }],
  ];

  const sessionOf = ({ login, name, role }) => ({ login, name, role });

  async function handle(request, response) {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (files[pathname] && request.method === 'GET') {
      const [name, type] = files[pathname];
      const content = await readFile(new URL(`../public/${name}`, import.meta.url));
      return { content, headers: { 'Content-Type': type } };
    }
    const found = routes.filter(([, path]) => path.test(pathname));
    if (found.length === 0) throw new HttpError(404, 'not_found', 'There is nothing here.');
    const route = found.find(([method]) => method === request.method);
    if (!route) throw new HttpError(405, 'bad_method', `${request.method} is not for ${pathname}.`);
    const [, path, needsSession, handler] = route;
    const user = sessions.user(request);
    if (needsSession && !user) throw new HttpError(401, 'no_session', 'You are not logged in.');
    const [, id, other] = path.exec(pathname).map((text) => text && segment(text));
    return handler({ request, response, user, id, other });
  }

  function failed(error) {
    const status = statusOf(error);
    if (status >= 500) console.error(error);
    const body =
      status === 500
        ? { error: 'internal', message: 'The request failed on the server.' }
        : status === 503
          ? { error: 'unavailable', message: 'The database cannot answer now. The same request can be sent again.' }
          : { error: error.error ?? 'refused', message: error.message, hint: error.hint };
    return { status, body: { ...body, sqlstate: error.error ? undefined : error.code } };
  }

  return createServer((request, response) => {
    Promise.resolve()
      .then(() => handle(request, response))
      .catch(failed)
      .then((answer) => {
        if (!answer || response.destroyed) return;
        const { status = 200, body, content, headers } = answer;
        response.writeHead(status, {
          'Cache-Control': 'no-store',
          'Content-Security-Policy': "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
          'X-Content-Type-Options': 'nosniff',
          ...(body && { 'Content-Type': 'application/json' }),
          ...(status === 503 && { 'Retry-After': '1' }),
          ...headers,
        });
        response.end(content ?? (body && JSON.stringify(body)));
      })
      .catch((error) => {
        console.error(error);
        response.destroy();
      });
  });
}
