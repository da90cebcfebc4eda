// Deleting, restoring, undoing, correcting comments, and the deals.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { logins } from './harness.js';
import { ana, answered, comments, cookies, get, opened, put, stage, Stream } from './requests.js';

const remove = (id, body, cookie = ana) => stage.request('DELETE', `/api/customers/${id}`, { cookie, body });
const restore = (id, body = {}, cookie = ana) =>
  stage.request('POST', `/api/customers/${id}/restore`, { cookie, body });
const undo = (id, body, cookie = ana) => stage.request('POST', `/api/customers/${id}/undo`, { cookie, body });
const timeline = (id, cookie = ana) => stage.request('GET', `/api/customers/${id}/timeline`, { cookie });
const listed = async (what, id) =>
  (await stage.request('GET', `/api/deleted/${what}`, { cookie: ana })).body.find((row) => row.id === id);

test('a deletion checks the version, keeps the comment of who is refused, and is never made twice', async () => {
  const { id, seen } = await opened();
  const saved = await put(id, { status: 'won', notes: 'Signed', updated_at: seen }, cookies[1]);
  const refused = await remove(id, { updated_at: seen, notes: 'Looks dead' });
  assert.equal(refused.status, 409);
  assert.equal(refused.body.error, 'conflict');
  assert.deepEqual([refused.body.current.id, refused.body.current.updated_at], [id, saved.body.updated_at]);
  assert.deepEqual(refused.body.changes.map(({ author, status_to }) => [author, status_to]), [[logins[1], 'won']]);
  assert.deepEqual((await comments(id)).at(-1), { author: logins[0], body: 'Looks dead', save_refused: true });

  const deletion = { updated_at: refused.body.current.updated_at, notes: 'Looks dead' };
  const deleted = await remove(id, deletion);
  assert.deepEqual([deleted.status, deleted.body.id, deleted.body.save.outcome], [200, id, 'deleted']);
  assert.equal(deleted.body.save.comment_id, refused.body.comment_id);
  assert.equal((await get(id)).status, 404);
  assert.deepEqual(await stage.sql('SELECT FROM customers WHERE id = $1', [id]), []);
  const again = await remove(id, deletion);
  assert.deepEqual([again.status, again.body.save.outcome], [200, 'replayed']);
  const late = await remove(id, deletion, cookies[1]);
  assert.deepEqual([late.status, late.body.error], [410, 'gone']);
  assert.equal((await remove(4711_000, deletion)).status, 404);
});

test('a deletion: no version, a malformed one, a viewer, a lock, a reference', async () => {
  const { id, seen } = await opened();
  assert.deepEqual([(await remove(id, {})).status, (await remove(id, { updated_at: null })).status], [428, 428]);
  for (const body of [{ updated_at: 7 }, { updated_at: seen, notes: 7 }, { updated_at: 'yesterday noon' }]) {
    assert.equal((await remove(id, body)).status, 400);
  }
  assert.equal((await remove('abc', { updated_at: seen })).status, 400);
  assert.equal((await remove(id, undefined)).status, 415);
  assert.equal((await remove(id, { updated_at: seen }, await stage.login('viewer'))).status, 403);
  assert.equal((await remove(id, { updated_at: seen }, '')).status, 401);
  await stage.request('PUT', `/api/customers/${id}/lock`, { cookie: ana, body: {} });
  const locked = await remove(id, { updated_at: seen }, cookies[1]);
  assert.deepEqual([locked.status, locked.body.error, locked.body.lock.author], [423, 'locked', logins[0]]);
  await stage.sql('CREATE TABLE invoices (customer_id bigint REFERENCES customers)');
  try {
    await stage.sql('INSERT INTO invoices VALUES ($1)', [id]);
    const kept = await remove(id, { updated_at: seen, notes: 'x' });
    assert.deepEqual([kept.status, kept.body.sqlstate], [400, '23503']);
  } finally {
    await stage.sql('DROP TABLE invoices');
  }
  assert.deepEqual(await comments(id), []);
  assert.equal((await get(id)).status, 200);
});

test('thirty users at once, who save or delete: one 200, and what was lost is told to all others', async () => {
  const { id, seen } = await opened();
  const answers = await Promise.all(
    cookies.map((cookie, n) =>
      n % 2 ? remove(id, { updated_at: seen }, cookie) : put(id, { status: `by ${n}`, updated_at: seen }, cookie),
    ),
  );
  const winner = answers.findIndex(({ status }) => status === 200);
  const lost = winner % 2 ? 410 : 409;
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(29).fill(lost)]);
  assert.equal((await stage.sql('SELECT FROM customers WHERE id = $1', [id])).length, winner % 2 ? 0 : 1);
});

test('what was deleted is listed, and restored with its comments and deals', async () => {
  const { id, seen } = await opened();
  await stage.sql("INSERT INTO deals (customer_id, name) VALUES ($1, 'Licences')", [id]);
  const { body: saved } = await put(id, { status: 'won', notes: 'Signed', updated_at: seen });
  assert.equal(await listed('customers', id), undefined);
  assert.equal((await restore(id)).body.save.outcome, 'unchanged');
  await remove(id, { updated_at: saved.updated_at, notes: 'Looks dead' }, cookies[1]);
  const entry = await listed('customers', id);
  assert.ok(entry.deleted_at > saved.updated_at);
  assert.deepEqual(
    [entry.name, entry.status, entry.deleted_by, entry.comment, entry.comments],
    ['Acme', 'won', logins[1], 'Looks dead', 2],
  );

  const viewer = await stage.login('viewer');
  assert.equal((await restore(id, {}, viewer)).status, 403);
  assert.equal((await restore(id, {}, '')).status, 401);
  assert.equal((await restore(id, { notes: 7 })).status, 400);
  const restored = await restore(id, { notes: 'A mistake' });
  assert.deepEqual([restored.status, restored.body.save.outcome, restored.body.status], [200, 'restored', 'won']);
  assert.deepEqual(restored.body.save.detail.records.map(({ table }) => table), ['public.deals']);
  assert.deepEqual(
    restored.body.comments.map(({ id, author, body }) => [id === saved.save.comment_id, author, body]),
    [
      [true, logins[0], 'Signed'],
      [false, logins[1], 'Looks dead'],
      [false, logins[0], 'A mistake'],
    ],
  );
  assert.equal(await listed('customers', id), undefined);
  assert.equal((await put(id, { status: 'lost', updated_at: restored.body.updated_at })).status, 200);
});

test('what cannot be restored: created again, not kept, never there', async () => {
  const { id } = await opened();
  await stage.sql('DELETE FROM customers WHERE id = $1', [id]);
  await stage.sql("INSERT INTO customers (id, name) VALUES ($1, 'Another')", [id]);
  const again = await restore(id);
  assert.deepEqual([again.status, again.body.error], [409, 'conflict']);
  assert.equal((await get(id)).body.name, 'Another');
  const { id: lost } = await opened();
  await stage.sql('DELETE FROM customers WHERE id = $1', [lost]);
  await stage.sql('DELETE FROM customer_deletions WHERE customer_id = $1', [lost]);
  const gone = await restore(lost);
  assert.deepEqual([gone.status, gone.body.error], [410, 'gone']);
  assert.equal((await restore(4711_000)).status, 404);
  assert.equal((await restore('abc')).status, 400);
});

test('the timeline has changes and comments, latest first, also of a deleted customer', async () => {
  const { id, seen } = await opened();
  await put(id, { status: 'won', notes: 'Signed', updated_at: seen });
  const shown = async () =>
    (await timeline(id)).body.map(({ kind, operation, author, body }) => [kind, operation ?? body, author]);
  assert.deepEqual((await shown()).slice(0, 2), [
    ['change', 'update', logins[0]],
    ['comment', 'Signed', logins[0]],
  ]);
  assert.deepEqual((await shown()).at(-1).slice(0, 2), ['change', 'insert']);
  await stage.sql('DELETE FROM customers WHERE id = $1', [id]);
  assert.deepEqual((await shown())[0].slice(0, 2), ['change', 'delete']);
  assert.equal((await timeline(4711_000)).status, 404);
  assert.equal((await timeline('abc')).status, 400);
  assert.equal((await timeline(id, '')).status, 401);
});

// A customer of which three fields were changed at once, and that change.
async function changed() {
  const { id } = await opened();
  await stage.sql("UPDATE customers SET name = 'Acne', phone = '1', email = 'x@acme.example' WHERE id = $1", [id]);
  const [change] = (await timeline(id)).body;
  return { id, change, seen: (await get(id)).body.updated_at };
}

test('a change is undone, and the undoing too; the timeline says so', async () => {
  const { id, change, seen } = await changed();
  const request = { version: change.version, updated_at: seen, notes: 'A slip' };
  const undone = await undo(id, request);
  assert.deepEqual([undone.status, undone.body.save.outcome], [200, 'updated']);
  assert.deepEqual([undone.body.name, undone.body.phone, undone.body.email], ['Acme', '555-0100', null]);
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'A slip', save_refused: false }]);
  assert.equal((await undo(id, request)).body.save.outcome, 'replayed');
  const [undoing] = (await timeline(id)).body;
  assert.deepEqual([undoing.author, undoing.reverts], [logins[0], change.version]);
  assert.equal(change.reverts, null);
  const next = { version: change.version, updated_at: undone.body.updated_at };
  assert.equal((await undo(id, next)).body.save.outcome, 'unchanged');
  const redone = await undo(id, { ...next, version: undoing.version });
  assert.deepEqual([redone.body.name, redone.body.phone], ['Acne', '1']);
});

test('what was changed again is not undone: a 409 names it and by whom, and the rest can be undone', async () => {
  const { id, change, seen } = await changed();
  const save = 'SELECT crm_update_customer($1, $2, NULL, NULL, $3, fields => $4)';
  await stage.sql(save, [id, seen, logins[1], '{"phone": "2"}']);
  const { updated_at } = (await get(id)).body;
  const refused = await undo(id, { version: change.version, updated_at, notes: 'A slip' });
  assert.deepEqual([refused.status, refused.body.error], [409, 'conflict']);
  assert.deepEqual(refused.body.superseded.map(({ field, author }) => [field, author]), [['phone', logins[1]]]);
  assert.equal((await get(id)).body.name, 'Acne');
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'A slip', save_refused: true }]);
  const rest = await undo(id, { version: change.version, updated_at, notes: 'A slip', fields: ['name', 'email'] });
  assert.deepEqual([rest.status, rest.body.name, rest.body.phone, rest.body.email], [200, 'Acme', '2', null]);
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'A slip', save_refused: false }]);
});

test('an undoing from an old version shows what happened since', async () => {
  const { id, change, seen } = await changed();
  await put(id, { status: 'won', updated_at: seen }, cookies[1]);
  const { status, body } = await undo(id, { version: change.version, updated_at: seen });
  assert.equal(status, 409);
  assert.deepEqual(body.changes.map(({ author, status_to }) => [author, status_to]), [[logins[1], 'won']]);
  assert.equal(body.superseded, undefined);
  assert.equal((await undo(id, { version: change.version, updated_at: body.current.updated_at })).status, 200);
});

test('what cannot be undone', async () => {
  const { id, change, seen } = await changed();
  const good = { version: change.version, updated_at: seen };
  const creation = (await timeline(id)).body.at(-1).version;
  for (const body of [
    { ...good, version: null },
    { ...good, version: 7 },
    { ...good, version: '2001-01-01T00:00:00Z' },
    { ...good, version: creation },
    { ...good, fields: ['status'] },
    { ...good, fields: 'name' },
    { ...good, fields: [7] },
    { ...good, fields: [null] },
  ]) {
    const answer = await undo(id, body);
    assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
  }
  assert.equal((await undo(id, { version: change.version })).status, 428);
  assert.equal((await undo(id, good, await stage.login('viewer'))).status, 403);
  assert.equal((await undo(id, good, '')).status, 401);
  assert.equal((await undo(4711_000, good)).status, 404);
  await stage.request('PUT', `/api/customers/${id}/lock`, { cookie: ana, body: {} });
  assert.equal((await undo(id, good, cookies[1])).status, 423);
  await stage.sql(`REVOKE UPDATE (phone) ON customers FROM ${stage.name}`);
  try {
    const answer = await undo(id, good);
    assert.deepEqual([answer.status, answer.body.sqlstate], [403, '42501']);
  } finally {
    await stage.sql(`GRANT UPDATE (phone) ON customers TO ${stage.name}`);
  }
  await stage.sql('ALTER TABLE customers RENAME phone TO telephone');
  try {
    const answer = await undo(id, good);
    assert.deepEqual([answer.status, answer.body.sqlstate], [400, '42703']);
  } finally {
    await stage.sql('ALTER TABLE customers RENAME telephone TO phone');
  }
  assert.equal((await get(id)).body.name, 'Acne');
  await stage.sql('DELETE FROM customers WHERE id = $1', [id]);
  assert.equal((await undo(id, good)).status, 410);
});

const correct = (id, comment, body, cookie = ana) =>
  stage.request('PUT', `/api/customers/${id}/comments/${comment}`, { cookie, body });
const withdraw = (id, comment, body = {}, cookie = ana) =>
  stage.request('DELETE', `/api/customers/${id}/comments/${comment}`, { cookie, body });

// A customer with a comment of the first user's.
async function commented() {
  const { id, seen } = await opened();
  const { body } = await put(id, { notes: 'A qoute', updated_at: seen });
  return { id, comment: body.save.comment_id };
}

test('a comment is corrected from the text that was seen; a 409 shows what it says', async () => {
  const { id, comment } = await commented();
  const request = { expected_body: 'A qoute', body: 'A quote' };
  const done = await correct(id, comment, request);
  assert.deepEqual([done.status, done.body.outcome, done.body.comment_id], [200, 'updated', comment]);
  const [shown] = (await get(id)).body.comments;
  assert.deepEqual([shown.body, shown.edited_by, shown.withdrawn_at], ['A quote', logins[0], null]);
  assert.ok(shown.edited_at >= shown.created_at);
  const entry = (await timeline(id)).body.find(({ comment_id, kind }) => kind === 'comment' && comment_id === comment);
  assert.deepEqual([entry.body, entry.edited_by], ['A quote', logins[0]]);
  assert.equal(Date.parse(entry.edited_at), Date.parse(shown.edited_at));
  assert.equal((await correct(id, comment, request)).body.outcome, 'replayed');
  assert.equal((await correct(id, comment, { ...request, expected_body: 'A quote' })).body.outcome, 'unchanged');

  const refused = await correct(id, comment, { ...request, body: 'A quote by Monday' });
  assert.deepEqual([refused.status, refused.body.error], [409, 'conflict']);
  assert.deepEqual([refused.body.comment.text, refused.body.comment.edited_by], ['A quote', logins[0]]);
  assert.deepEqual((await comments(id)).map(({ body }) => body), ['A quote']);
});

test('a comment is withdrawn, for good', async () => {
  const { id, comment } = await commented();
  const done = await withdraw(id, comment, { reason: 'Wrong customer' });
  assert.deepEqual([done.status, done.body.outcome], [200, 'updated']);
  const [shown] = (await get(id)).body.comments;
  assert.deepEqual([shown.id, shown.body, shown.edited_by], [comment, '[withdrawn]', logins[0]]);
  assert.ok(shown.withdrawn_at);
  assert.deepEqual(await stage.sql('SELECT body, reason FROM comment_edits WHERE customer_id = $1', [id]), [
    { body: 'A qoute', reason: 'Wrong customer' },
  ]);
  const late = await correct(id, comment, { expected_body: 'A qoute', body: 'A quote' });
  assert.deepEqual([late.status, late.body.error], [410, 'gone']);
  assert.equal((await withdraw(id, comment, { reason: 'Wrong customer' })).body.outcome, 'replayed');
});

test('whose comments, and what is malformed', async () => {
  const { id, comment } = await commented();
  const good = { expected_body: 'A qoute', body: 'A quote' };
  for (const answer of [await correct(id, comment, good, cookies[1]), await withdraw(id, comment, {}, cookies[1])]) {
    assert.deepEqual([answer.status, answer.body.sqlstate], [403, '42501']);
  }
  const viewer = await stage.login('viewer');
  assert.equal((await correct(id, comment, good, viewer)).body.error, 'forbidden');
  assert.equal((await withdraw(id, comment, {}, viewer)).body.error, 'forbidden');
  assert.equal((await correct(id, comment, good, '')).status, 401);
  assert.equal((await correct(id, 4711_000, good)).status, 404);
  assert.equal((await withdraw(4711_000, comment)).status, 404);
  for (const [body, other = comment] of [
    [{ body: 'A quote' }],
    [{ expected_body: 'A qoute' }],
    [{ ...good, body: '  ' }],
    [{ ...good, body: 7 }],
    [{ ...good, expected_body: 7 }],
    [good, 'abc'],
  ]) {
    assert.equal((await correct(id, other, body)).status, 400);
  }
  assert.equal((await withdraw(id, comment, { reason: 7 })).status, 400);
  assert.deepEqual((await comments(id)).map(({ body }) => body), ['A qoute']);
});

const getDeal = (id) => stage.request('GET', `/api/deals/${id}`, { cookie: ana });
const putDeal = (id, body, cookie = ana) => stage.request('PUT', `/api/deals/${id}`, { cookie, body });
const removeDeal = (id, body, cookie = ana) => stage.request('DELETE', `/api/deals/${id}`, { cookie, body });
const restoreDeal = (id, cookie = ana) => stage.request('POST', `/api/deals/${id}/restore`, { cookie, body: {} });

// A customer with a deal, as everybody sees it.
async function offered() {
  const customer = await stage.customer();
  const [{ id }] = await stage.sql(
    "INSERT INTO deals (customer_id, name, amount, currency) VALUES ($1, 'Licences', 1200, 'EUR') RETURNING id",
    [customer],
  );
  const { body } = await getDeal(Number(id));
  return { customer, id: Number(id), seen: body.updated_at };
}

test('the deals of a customer: read and saved by version', async () => {
  const { customer, id, seen } = await offered();
  const saved = await putDeal(id, { stage: 'won', amount: '1250.50', updated_at: seen });
  assert.deepEqual([saved.status, saved.body.save.outcome], [200, 'updated']);
  const { body } = await stage.request('GET', `/api/customers/${customer}/deals`, { cookie: ana });
  assert.deepEqual(
    body.map(({ id, name, stage, amount, currency, changed_by }) => [id, name, stage, amount, currency, changed_by]),
    [[id, 'Licences', 'won', '1250.50', 'EUR', logins[0]]],
  );
  assert.equal((await putDeal(id, { amount: null, updated_at: saved.body.updated_at })).body.amount, null);

  const refused = await putDeal(id, { stage: 'lost', updated_at: seen }, cookies[1]);
  assert.deepEqual([refused.status, refused.body.error, refused.body.current.stage], [409, 'conflict', 'won']);
  assert.deepEqual(refused.body.conflicts, [{ field: 'stage', was: 'open', mine: 'lost', theirs: 'won' }]);
  assert.deepEqual((await stage.request('GET', `/api/customers/${4711_000}/deals`, { cookie: ana })).body, []);
  assert.equal((await getDeal(4711_000)).status, 404);
});

test('amount and currency merge as one: no price that nobody entered', async () => {
  const { id, seen } = await offered();
  await putDeal(id, { currency: 'USD', updated_at: seen }, cookies[1]);
  const collided = await putDeal(id, { amount: '1300', updated_at: seen, merge: true });
  assert.equal(collided.status, 409);
  const of = Object.fromEntries(collided.body.conflicts.map(({ field, ...values }) => [field, values]));
  assert.deepEqual(Object.keys(of).sort(), ['amount', 'currency']);
  assert.deepEqual(of.currency, { was: 'EUR', mine: 'EUR', theirs: 'USD', group: ['amount', 'currency'] });
  const { amount, currency } = (await getDeal(id)).body;
  assert.deepEqual([amount, currency], ['1200.00', 'USD']);
  assert.equal((await putDeal(id, { stage: 'won', updated_at: seen })).status, 409);
  const merged = await putDeal(id, { stage: 'won', updated_at: seen, merge: true });
  assert.deepEqual([merged.body.save.outcome, merged.body.stage, merged.body.currency], ['merged', 'won', 'USD']);
});

test('a deal: what is malformed, who may, what is not there', async () => {
  const { id, seen } = await offered();
  const good = { stage: 'won', updated_at: seen };
  for (const body of [
    { ...good, stage: 7 },
    { ...good, amount: 1300 },
    { ...good, amount: 'much' },
    { ...good, currency: 'euro' },
    { ...good, merge: 'yes' },
  ]) {
    assert.equal((await putDeal(id, body)).status, 400, JSON.stringify(body));
  }
  const viewer = await stage.login('viewer');
  for (const [change, asked] of [[putDeal, { stage: 'won' }], [removeDeal, {}]]) {
    const body = { ...asked, updated_at: good.updated_at };
    assert.equal((await change('abc', body)).status, 400);
    assert.equal((await change(4711_000, body)).status, 404);
    assert.equal((await change(id, asked)).status, 428);
    assert.equal((await change(id, body, viewer)).status, 403);
    assert.equal((await change(id, body, '')).status, 401);
  }
  assert.equal((await getDeal(id)).body.stage, 'open');
});

test('a deal is deleted by version, listed while its customer is there, and restored', async () => {
  const { customer, id, seen } = await offered();
  const saved = await putDeal(id, { stage: 'won', updated_at: seen }, cookies[1]);
  const refused = await removeDeal(id, { updated_at: seen });
  assert.deepEqual([refused.status, refused.body.changes.length], [409, 1]);
  assert.equal((await removeDeal(id, { updated_at: saved.body.updated_at })).body.save.outcome, 'deleted');
  assert.equal((await putDeal(id, { stage: 'lost', updated_at: saved.body.updated_at })).status, 410);
  const entry = await listed('deals', id);
  assert.deepEqual(
    [entry.name, entry.stage, entry.customer, entry.customer_id, entry.deleted_by],
    ['Licences', 'won', 'Acme', customer, logins[0]],
  );
  assert.equal((await restoreDeal(id, await stage.login('viewer'))).status, 403);
  const restored = await restoreDeal(id);
  assert.deepEqual([restored.body.save.outcome, restored.body.stage], ['restored', 'won']);

  await stage.sql('DELETE FROM customers WHERE id = $1', [customer]);
  assert.equal(await listed('deals', id), undefined);
  const alone = await restoreDeal(id);
  assert.deepEqual([alone.status, alone.body.sqlstate], [400, '23503']);
  assert.equal((await restore(customer)).body.save.detail.records.length, 1);
  assert.equal((await getDeal(id)).body.stage, 'won');
});

test('events tell of deletions, restorations and corrections, and of deals by another name', async () => {
  const { customer, id, seen } = await offered();
  const stream = await Stream.open(ana);
  const { body } = await put(customer, { notes: 'A qoute', updated_at: (await get(customer)).body.updated_at });
  await correct(customer, body.save.comment_id, { expected_body: 'A qoute', body: 'A quote' });
  await stream.next('change', ({ key, operation }) => key === `${customer}` && operation === 'edit');
  await putDeal(id, { stage: 'won', updated_at: seen });
  await stream.next('deal', ({ key, operation }) => key === `${id}` && operation === 'update');
  await remove(customer, { updated_at: body.updated_at });
  await stream.next('change', ({ key, operation }) => key === `${customer}` && operation === 'delete');
  await restore(customer);
  await stream.next('change', ({ key, operation }) => key === `${customer}` && operation === 'restore');
  await stream.next('deal', ({ key, operation }) => key === `${id}` && operation === 'restore');
  await stream.close();
});

test('keys beyond the numbers of JavaScript stay what they are', async () => {
  const id = '9007199254740993';
  await stage.sql("INSERT INTO customers (id, name) VALUES ($1, 'Large')", [id]);
  const { body } = await get(id);
  assert.equal(body.id, id);
  await put(id, { status: 'won', updated_at: body.updated_at });
  assert.equal((await put(id, { status: 'lost', updated_at: body.updated_at })).body.current.id, id);
  assert.equal((await remove(id, { updated_at: (await get(id)).body.updated_at })).body.id, id);
  assert.equal((await listed('customers', id)).name, 'Large');
});

test('doc/http.md lists the outcomes that were answered', async () => {
  const text = await readFile(new URL('../../../doc/http.md', import.meta.url), 'utf8');
  const listed = new Map();
  for (const [, outcomes, status] of text.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \| (\d{3}) \|/gm)) {
    for (const [, outcome] of outcomes.matchAll(/`(\w+)`/g)) listed.set(outcome, Number(status));
  }
  for (const [outcome, { status, isOutcome }] of answered) {
    if (isOutcome || listed.has(outcome)) assert.equal(listed.get(outcome), status, outcome);
  }
});
