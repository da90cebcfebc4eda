import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { statusOf } from '../src/status.js';
import { logins, Stage, until } from './harness.js';
import { ana, changes, comments, cookies, end, get, opened, put, stage, Stream } from './requests.js';

test('a save answers with the row', async () => {
  const { id, seen } = await opened();
  const { status, body } = await put(id, { status: 'contacted', notes: 'Called', updated_at: seen });
  assert.equal(status, 200);
  assert.equal(body.id, id);
  assert.equal(body.name, 'Acme');
  assert.equal(body.status, 'contacted');
  assert.ok(body.updated_at > seen);
  assert.equal(body.save.outcome, 'updated');
  assert.deepEqual(body.comments.map(({ author, body }) => [author, body]), [[logins[0], 'Called']]);
  assert.deepEqual((await get(id)).body.updated_at, body.updated_at);
});

test('the author is the user of the session; what a body has besides is named and refused', async () => {
  const { id, seen } = await opened();
  for (const key of ['author', 'fileds', '__proto__']) {
    const { status, body } = await put(id, `{"notes": "mine", "updated_at": "${seen}", "${key}": {"phone": "1"}}`);
    assert.deepEqual([status, body.error], [400, 'unknown_key']);
    assert.ok(body.message.startsWith(`"${key}" is not known here; "status", `), body.message);
  }
  assert.deepEqual(await comments(id), []);
  await put(id, { status: 'won', notes: 'mine', updated_at: seen });
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'mine', save_refused: false }]);
  assert.deepEqual(await changes(id), [{ author: logins[0], status_to: 'won' }]);
});

test('a version that went through JSON is never a false conflict', async () => {
  let { id, seen } = await opened();
  for (let n = 0; n < 50; n++) {
    const { status, body } = await put(id, { status: `step ${n}`, updated_at: seen });
    assert.equal(status, 200);
    seen = body.updated_at;
  }
});

test('thirty users at once: one 200, 29 times 409, 30 comments', async () => {
  const { id, seen } = await opened();
  const answers = await Promise.all(
    cookies.map((cookie, n) => put(id, { status: `by ${n}`, notes: `note ${n}`, updated_at: seen }, cookie)),
  );
  const winner = answers.findIndex(({ status }) => status === 200);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(29).fill(409)]);
  const rows = await comments(id);
  assert.deepEqual(rows.map(({ body }) => body).sort(), logins.map((_, n) => `note ${n}`).sort());
  assert.deepEqual(rows.filter(({ save_refused }) => !save_refused), [
    { author: logins[winner], body: `note ${winner}`, save_refused: false },
  ]);
  assert.deepEqual(await changes(id), [{ author: logins[winner], status_to: `by ${winner}` }]);
  for (const [n, { status, body }] of answers.entries()) {
    if (status !== 409) continue;
    assert.equal(body.error, 'conflict');
    assert.equal(body.current.status, `by ${winner}`);
    assert.equal(body.current.updated_at, answers[winner].body.updated_at);
    assert.deepEqual(body.conflicts, [{ field: 'status', was: 'new', mine: `by ${n}`, theirs: `by ${winner}` }]);
    assert.deepEqual(body.changes.map(({ author }) => author), [logins[winner]]);
  }
});

test('thirty users who try again from what a 409 shows all get through, each once', async () => {
  const { id, seen } = await opened();
  await Promise.all(
    cookies.map(async (cookie, n) => {
      for (let base = seen; ; ) {
        const { status, body } = await put(id, { status: `by ${n}`, notes: `note ${n}`, updated_at: base }, cookie);
        if (status === 200) return;
        assert.equal(status, 409);
        base = body.current.updated_at;
      }
    }),
  );
  assert.equal((await changes(id)).length, 30);
  const rows = await comments(id);
  assert.equal(rows.length, 30);
  assert.ok(rows.every(({ save_refused }) => !save_refused));
});

test('the same request twice at once is one save', async () => {
  const { id, seen } = await opened();
  const save = { status: 'won', notes: 'Signed', updated_at: seen };
  const answers = await Promise.all([put(id, save), put(id, save)]);
  assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
  assert.deepEqual(answers.map(({ body }) => body.save.outcome).sort(), ['replayed', 'updated']);
  assert.equal(new Set(answers.map(({ body }) => body.save.comment_id)).size, 1);
  assert.equal((await comments(id)).length, 1);
  assert.equal((await changes(id)).length, 1);
});

test('merge: what others changed elsewhere is no conflict; what collides is one', async () => {
  const { id, seen } = await opened();
  await stage.sql("UPDATE customers SET phone = '555-0177' WHERE id = $1", [id]);
  const save = { status: 'won', notes: 'Signed', updated_at: seen };
  const merged = await put(id, { ...save, merge: true });
  assert.deepEqual([merged.status, merged.body.save.outcome], [200, 'merged']);
  assert.deepEqual([merged.body.status, merged.body.phone], ['won', '555-0177']);
  const collided = await put(id, { ...save, status: 'lost', merge: true }, cookies[1]);
  assert.equal(collided.status, 409);
  assert.deepEqual(collided.body.conflicts, [{ field: 'status', was: 'new', mine: 'lost', theirs: 'won' }]);
  assert.equal((await put(id, save, cookies[2])).status, 409);
});

test('fields: others’ columns stay, ours are written, and each collision is named', async () => {
  const { id, seen } = await opened();
  const theirs = { fields: { phone: '555-0177' }, updated_at: seen };
  const first = await put(id, theirs);
  assert.deepEqual([first.status, first.body.phone, first.body.status], [200, '555-0177', 'new']);
  const mine = { fields: { email: 'x@acme.example', name: 'Acme Ltd' }, updated_at: seen, merge: true };
  const merged = await put(id, mine, cookies[1]);
  assert.deepEqual([merged.status, merged.body.save.outcome], [200, 'merged']);
  const { name, phone, email } = merged.body;
  assert.deepEqual([name, phone, email], ['Acme Ltd', '555-0177', 'x@acme.example']);
  const collided = await put(id, { fields: { phone: null, email: null }, updated_at: seen, merge: true }, cookies[2]);
  assert.equal(collided.status, 409);
  assert.deepEqual(
    collided.body.conflicts.toSorted((a, b) => (a.field < b.field ? -1 : 1)).map(({ field, was, theirs }) => [field, was, theirs]),
    [['phone', '555-0100', '555-0177']],
  );
  for (const fields of ['phone', ['phone'], { telephone: '1' }]) {
    assert.equal((await put(id, { fields, updated_at: seen })).status, 400, JSON.stringify(fields));
  }
});

// What a list of customers answers, and its ids.
async function listed(query) {
  const answer = await stage.request('GET', `/api/customers${query}`, { cookie: ana });
  return { ...answer, ids: answer.status === 200 ? answer.body.map(({ id }) => id) : [] };
}

test('the list is read in parts, each after the last id of the one before', async () => {
  const names = 'INSERT INTO customers (name) SELECT $1 || n FROM generate_series(1, $2::int) n RETURNING id';
  const ids = (await stage.sql(names, ['paged ', 620])).map(({ id }) => Number(id));
  const found = [];
  let parts = 0;
  for (let query = '?search=paged&limit=250'; query; parts++) {
    const { status, ids: some, headers } = await listed(query);
    assert.equal(status, 200);
    found.push(...some);
    // What comes and goes meanwhile moves nothing.
    await stage.sql('DELETE FROM customers WHERE id = $1', [some[0]]);
    query = /^<\/api\/customers(\?.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
  }
  assert.deepEqual([found, parts], [ids, 3]);
  assert.equal((await listed('')).ids.length, 100);
  for (const query of ['?limit=0', '?limit=501', '?limit=x', '?after=x', '?offset=3', '?search=%00']) {
    assert.equal((await listed(query)).status, 400, query);
  }
});

test('a search is for the text as it stands, in names, phones and emails', async () => {
  const values = ['100% Cotton_Ltd \\o/', '55_5', "o'hara@cotton.example"];
  const [{ id }] = await stage.sql('INSERT INTO customers (name, phone, email) VALUES ($1, $2, $3) RETURNING id', values);
  const found = [Number(id)];
  await stage.sql("INSERT INTO customers (name, phone) VALUES ('100 Cottons Ltd', '5505')");
  for (const text of ['100%', '% cotton_l', '\\o/', '55_', "o'HARA@"]) {
    assert.deepEqual((await listed(`?search=${encodeURIComponent(text)}`)).ids, found, text);
  }
  for (const text of ['100%l', '\\\\', "' OR true --"]) {
    assert.deepEqual((await listed(`?search=${encodeURIComponent(text)}`)).ids, [], text);
  }
});

test('a refused comment is kept, and adopted by the next save', async () => {
  const { id, seen } = await opened();
  await put(id, { status: 'won', updated_at: seen }, cookies[1]);
  const refused = await put(id, { status: 'lost', notes: 'No budget', updated_at: seen });
  assert.equal(refused.status, 409);
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'No budget', save_refused: true }]);
  const saved = await put(id, { status: 'lost', notes: 'No budget', updated_at: refused.body.current.updated_at });
  assert.equal(saved.status, 200);
  assert.equal(saved.body.save.comment_id, refused.body.comment_id);
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'No budget', save_refused: false }]);
});

test('400: what is malformed, and nothing is written', async () => {
  const { id, seen } = await opened();
  const good = { status: 'won', updated_at: seen };
  for (const [path, body] of [
    ['abc', good],
    ['1.5', good],
    ['99999999999999999999', good],
    ['%ff', good],
    ['%00', good],
    [id, '{"status": "won"'],
    [id, '[]'],
    [id, 'null'],
    [id, ''],
    [id, { ...good, updated_at: 'yesterday noon' }],
    [id, { ...good, updated_at: '2026-13-01' }],
    [id, { ...good, updated_at: 1764028800 }],
    [id, { ...good, status: 7 }],
    [id, { ...good, notes: { text: 'x' } }],
    [id, { ...good, merge: 'yes' }],
    [id, { ...good, status: '  ' }],
    [id, { ...good, notes: 'a\0b' }],
  ]) {
    const answer = await put(path, body);
    assert.equal(answer.status, 400, `${path} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
    assert.ok(answer.body.error && answer.body.message);
  }
  assert.equal((await get('abc')).status, 400);
  assert.deepEqual([await comments(id), await changes(id)], [[], []]);
});

test('401: no session, a forged one, an expired one, a wrong password', async () => {
  const { id, seen } = await opened();
  const forged = ana.replace(/=.*\./, `=${Buffer.from('{"login":"user1","expires":9e15}').toString('base64url')}.`);
  for (const cookie of [undefined, 'crm_session=', 'crm_session=x.y', `${ana}x`, forged]) {
    for (const answer of [
      await put(id, { status: 'won', updated_at: seen }, cookie ?? ''),
      await get(id, cookie ?? ''),
      await stage.request('GET', '/api/customers', { cookie }),
      await stage.request('GET', '/api/events', { cookie }),
      await stage.request('GET', '/api/session', { cookie }),
    ]) {
      assert.equal(answer.status, 401);
      assert.equal(answer.body.error, 'no_session');
    }
  }
  for (const body of [{ login: logins[0], password: 'x' }, { login: 'nobody', password: 'x' }, {}]) {
    assert.equal((await stage.request('POST', '/api/session', { body })).status, 401);
  }
  const short = await Stage.open({ SESSION_SECONDS: '1' });
  try {
    const cookie = await short.login(logins[0]);
    await until('the end of a session', async () => (await short.request('GET', '/api/session', { cookie })).status === 401);
  } finally {
    await short.close();
  }
  assert.deepEqual(await changes(id), []);
});

test('403: a role that may not, and a database user that may not', async () => {
  const { id, seen } = await opened();
  const save = { status: 'won', notes: 'x', updated_at: seen };
  const viewer = await stage.login('viewer');
  assert.equal((await get(id, viewer)).status, 200);
  assert.equal((await put(id, save, viewer)).status, 403);
  await stage.sql(`REVOKE UPDATE (status) ON customers FROM ${stage.name}`);
  try {
    const answer = await put(id, save);
    assert.equal(answer.status, 403);
    assert.equal(answer.body.sqlstate, '42501');
  } finally {
    await stage.sql(`GRANT UPDATE (status) ON customers TO ${stage.name}`);
  }
  assert.deepEqual(await comments(id), []);
  assert.equal((await put(id, save)).status, 200);
});

test('404, 405 and 410', async () => {
  const { id, seen } = await opened();
  const save = { status: 'won', updated_at: seen };
  assert.equal((await put(4711_000, save)).status, 404);
  assert.equal((await get(4711_000)).status, 404);
  assert.equal((await stage.request('GET', '/api/nothing', { cookie: ana })).status, 404);
  assert.equal((await stage.request('GET', '/package.json')).status, 404);
  assert.equal((await stage.request('PATCH', `/api/customers/${id}`, { cookie: ana })).status, 405);
  await stage.sql('DELETE FROM customers WHERE id = $1', [id]);
  const gone = await put(id, save);
  assert.equal(gone.status, 410);
  assert.equal(gone.body.error, 'gone');
});

test('415 and 413: a body that is not JSON, one that is too long', async () => {
  const { id } = await opened();
  const form = { cookie: ana, body: 'status=won', headers: { 'Content-Type': 'text/plain' } };
  for (const headers of [form.headers, { 'Content-Type': '' }]) {
    const answer = await stage.request('PUT', `/api/customers/${id}`, { ...form, headers });
    assert.deepEqual([answer.status, answer.body.error], [415, 'not_json']);
  }
  assert.equal((await put(id, { notes: 'x'.repeat(5 * 1024 * 1024) })).status, 413);
});

test('423: a customer that is locked', async () => {
  const { id, seen } = await opened();
  // The SQLSTATE with which an application's own rule can say so.
  await stage.sql(`CREATE FUNCTION locked() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE SQLSTATE 'PT423' USING MESSAGE = 'locked'; END $$`);
  await stage.sql(`CREATE TRIGGER locked BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION locked()`);
  try {
    assert.equal((await put(id, { status: 'won', updated_at: seen })).status, 423);
  } finally {
    await stage.sql('DROP TRIGGER locked ON customers');
  }
});

test('edit locks: whose they are, and that only the holder saves and releases', async () => {
  const { id, seen } = await opened();
  const lock = (cookie, lock_id) => stage.request('PUT', `/api/customers/${id}/lock`, { cookie, body: { lock_id } });
  const unlock = (cookie, lock_id) => stage.request('DELETE', `/api/customers/${id}/lock/${lock_id}`, { cookie });
  const mine = await lock(ana);
  assert.deepEqual([mine.status, mine.body.outcome, mine.body.author], [200, 'acquired', logins[0]]);
  assert.equal((await lock(ana, mine.body.lock_id)).body.outcome, 'renewed');
  const theirs = await lock(cookies[1]);
  assert.deepEqual([theirs.status, theirs.body.lock.author, theirs.body.lock.lock_id], [423, logins[0], null]);
  assert.equal((await get(id, cookies[1])).body.lock.author, logins[0]);
  assert.equal((await lock(ana, 'no uuid')).status, 400);

  const refused = await put(id, { status: 'lost', notes: 'kept', updated_at: seen }, cookies[1]);
  assert.deepEqual([refused.status, refused.body.error], [423, 'locked']);
  assert.deepEqual(await comments(id), [{ author: logins[1], body: 'kept', save_refused: true }]);
  const saved = await put(id, { status: 'won', updated_at: seen });
  assert.equal(saved.status, 200);

  assert.equal((await unlock(cookies[1], '00000000-0000-4000-8000-000000000000')).body.released, false);
  assert.equal((await unlock(ana, mine.body.lock_id)).body.released, true);
  assert.equal((await get(id)).body.lock, null);
  const lost = await lock(ana, mine.body.lock_id);
  assert.deepEqual([lost.status, lost.body.error], [409, 'lost']);
  assert.equal((await put(id, { notes: 'kept', updated_at: saved.body.updated_at }, cookies[1])).status, 200);
});

test('428: a save that does not say which version it saw', async () => {
  const { id } = await opened();
  for (const updated_at of [undefined, null]) {
    const answer = await put(id, { status: 'won', notes: 'x', updated_at });
    assert.equal(answer.status, 428);
    assert.equal(answer.body.sqlstate, 'PT428');
  }
  assert.deepEqual(await comments(id), []);
});

test('503: a row that stays locked, with Retry-After; the same request succeeds later', async () => {
  const { id, seen } = await opened();
  const save = { status: 'won', notes: 'x', updated_at: seen };
  const other = await stage.hold(id);
  try {
    const answer = await put(id, save);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '1');
  } finally {
    await other.release();
  }
  assert.equal((await put(id, save)).body.save.outcome, 'updated');
  assert.equal((await comments(id)).length, 1);
});

test('503: a connection that is lost in the middle of a save', async () => {
  const { id, seen } = await opened();
  const save = { status: 'won', notes: 'x', updated_at: seen };
  const other = await stage.hold(id);
  try {
    const answer = put(id, save);
    await until('the save to be ended', async () => {
      const rows = await stage.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE usename = $1 AND wait_event_type = 'Lock'`, [stage.name]);
      return rows.length;
    });
    assert.equal((await answer).status, 503);
  } finally {
    await other.release();
  }
  assert.equal((await put(id, save)).status, 200);
  assert.equal((await changes(id)).length, 1);
});

test('503: a database that takes no connections; afterwards the backend and its events are back', async () => {
  const stream = await Stream.open(ana);
  const end = () => stage.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [stage.name]);
  await stage.sql(`ALTER ROLE ${stage.name} CONNECTION LIMIT 0`);
  try {
    await end();
    await until('503', async () => (await stage.request('GET', '/api/customers', { cookie: ana })).status === 503);
  } finally {
    await stage.sql(`ALTER ROLE ${stage.name} CONNECTION LIMIT -1`);
  }
  await stream.next('resync');
  assert.equal((await stage.request('GET', '/api/customers', { cookie: ana })).status, 200);
  await stage.sql("SELECT pg_notify('crm_concurrency', $1)", ['{"event": "version", "table": "public.customers", "key": "back"}']);
  await stream.next('change', ({ key }) => key === 'back');
  await stream.close();
});

test('events: changes of our customers, and of no others, reach every stream', async () => {
  const { id, seen } = await opened();
  const streams = [await Stream.open(ana), await Stream.open(cookies[1])];
  for (const payload of ['no json', '{"event": "version", "table": "other.customers", "key": "foreign"}']) {
    await stage.sql("SELECT pg_notify('crm_concurrency', $1)", [payload]);
  }
  await put(id, { status: 'won', updated_at: seen });
  for (const stream of streams) {
    // What told of the customer's insertion may come after the stream was opened.
    const { data } = await stream.next('change', ({ key, operation }) => key === String(id) && operation !== 'insert');
    assert.equal(data.event, 'version');
    assert.equal(data.operation, 'update');
    assert.ok(!stream.events.some(({ data }) => data.key === 'foreign'));
    await stream.close();
  }
});

test('doc/http.md lists the statuses that the code gives', async () => {
  const text = await readFile(new URL('../../../doc/http.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| ((?:`[0-9A-Zx]{5}`(?:, )?)+) \| (\d{3}) \|/gm)];
  assert.ok(rows.length >= 10, `${rows.length} rows`);
  for (const [, states, status] of rows) {
    for (const [, state] of states.matchAll(/`(.....)`/g)) {
      assert.equal(statusOf({ code: state.replaceAll('x', '0') }), Number(status), state);
    }
  }
  assert.equal(statusOf({ code: 'XX000' }), 500);
  assert.equal(statusOf(new TypeError('a mistake of ours')), 500);
});

test('doc/http.md shows the PostgREST functions that are tested', async () => {
  const text = await readFile(new URL('../../../doc/http.md', import.meta.url), 'utf8');
  const tested = await readFile(new URL('../../../sql/http_postgrest.sql', import.meta.url), 'utf8');
  const [, shown] = /```sql\n(CREATE SCHEMA api;[^`]*)```/.exec(text);
  assert.ok(tested.includes(shown));
});

test('a hashed password is one that the users file takes', () => {
  const script = fileURLToPath(new URL('../hash-password.js', import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [script], { input: 'secret\n', encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /^scrypt:32768:8:1:[A-Za-z0-9+/=]{24}:[A-Za-z0-9+/=]{44}\n$/);
});

test('a DATABASE_URL that is wrong is one line, and status 1', () => {
  const script = fileURLToPath(new URL('../server.js', import.meta.url));
  const wrong = (change) => {
    const url = new URL(stage.url);
    change(url);
    return url.href;
  };
  for (const [DATABASE_URL, reason] of [
    ['', /DATABASE_URL names the database/],
    ['http//nothing', /DATABASE_URL/],
    [wrong((url) => (url.port = '1')), /ECONNREFUSED/],
    [wrong((url) => Object.assign(url, { hostname: 'localhost', port: '1' })), /ECONNREFUSED/],
    [wrong((url) => (url.password = 'a secret')), /password authentication failed/],
    [wrong((url) => (url.pathname = '/no_such_database')), /database "no_such_database" does not exist/],
    [wrong((url) => (url.pathname = '/postgres')), /no table customers/],
  ]) {
    const env = { PATH: process.env.PATH, PORT: '0', DATABASE_URL };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8', timeout: 20_000 });
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, /^[^\n]+\n$/);
    assert.match(stderr, reason);
    assert.doesNotMatch(stderr, /secret/);
  }
});

test('the backend ends when it is told to', async () => {
  const stream = await Stream.open(ana);
  const { how, log } = await end();
  assert.equal(how, 0, log);
  await stream.done;
});
