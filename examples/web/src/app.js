import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { routesOf } from './routes.js';
import { HttpError, statusOf } from './status.js';

const directory = new URL('../public/', import.meta.url);
const files = new Set(await readdir(directory));
const types = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

function segment(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 'bad_value', 'The path is not well-formed.');
  }
}

export function createApp(parts) {
  const { sessions } = parts;
  const routes = routesOf(parts);

  async function handle(request, response) {
    const { pathname, searchParams: query } = new URL(request.url, 'http://localhost');
    const file = pathname === '/' ? 'index.html' : pathname.slice(1);
    if (files.has(file) && request.method === 'GET') {
      const type = types[file.split('.').at(-1)];
      return { content: await readFile(new URL(file, directory)), headers: { 'Content-Type': `${type}; charset=utf-8` } };
    }
    const found = routes.filter(([, path]) => path.test(pathname));
    if (found.length === 0) throw new HttpError(404, 'not_found', 'There is nothing here.');
    const route = found.find(([method]) => method === request.method);
    if (!route) throw new HttpError(405, 'bad_method', `${request.method} is not for ${pathname}.`);
    const [, path, needsSession, handler] = route;
    const user = sessions.user(request);
    if (needsSession && !user) throw new HttpError(401, 'no_session', 'You are not logged in.');
    const [, id, other] = path.exec(pathname).map((text) => text && segment(text));
    return handler({ request, response, user, id, other, query });
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
