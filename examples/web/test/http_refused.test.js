// Refused saves, which wait to be reopened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logins } from './harness.js';
import { ana, comments, cookies, get, opened, put, stage } from './requests.js';

const waiting = async (cookie = ana) => (await stage.request('GET', '/api/refused', { cookie })).body;
const waitingOf = async (id, cookie = ana) =>
  (await stage.request('GET', `/api/customers/${id}/refused`, { cookie })).body;
const resolve = (id, body, cookie = ana) => stage.request('PUT', `/api/refused/${id}`, { cookie, body });
const discard = (id, cookie = ana) => stage.request('DELETE', `/api/refused/${id}`, { cookie });

// A customer that somebody else has won, and the first user's refused save of it.
async function refused(notes) {
  const { id, seen } = await opened();
  await put(id, { status: 'won', updated_at: seen }, cookies[1]);
  const { status, body } = await put(id, { status: 'lost', notes, updated_at: seen });
  assert.equal(status, 409);
  return { id, seen, refusedId: body.refused_id, now: body.current.updated_at };
}

test('a refused save is kept whole and once, and listed for its author alone', async () => {
  const { id, seen, refusedId } = await refused('No budget');
  await put(id, { status: 'lost', notes: 'No budget', updated_at: seen });
  const [save, ...others] = await waitingOf(id);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [save.id, save.customer_id, save.name, save.asked, save.notes, save.conflicts, save.times],
    [refusedId, id, 'Acme', { status: 'lost' }, 'No budget', ['status'], 2],
  );
  assert.equal(save.based_on, seen);
  const another = await refused();
  assert.deepEqual((await waitingOf(id)).map((each) => each.id), [refusedId]);
  assert.deepEqual((await waiting()).slice(0, 2).map((each) => each.id), [another.refusedId, refusedId]);
  assert.deepEqual([await waiting(cookies[1]), await waitingOf(id, cookies[1])], [[], []]);
  assert.equal((await stage.request('GET', '/api/refused')).status, 401);
  assert.equal((await stage.request('GET', '/api/customers/abc/refused', { cookie: ana })).status, 400);
});

test('it waits no longer when its author has saved the same', async () => {
  const { id, now } = await refused();
  await put(id, { status: 'lost', updated_at: now });
  assert.deepEqual(await waitingOf(id), []);
});

test('a comment that says something else by now, or nothing, does not go with it', async () => {
  const edited = await refused('No bugdet');
  await stage.sql("SELECT crm_edit_comment($1, id, 'No bugdet', 'No budget', $2) FROM comments WHERE customer_id = $1", [
    edited.id,
    logins[0],
  ]);
  assert.equal((await waitingOf(edited.id))[0].notes, null);
  const withdrawn = await refused('Wrong customer');
  await stage.sql('SELECT crm_withdraw_comment($1, id, $2) FROM comments WHERE customer_id = $1', [
    withdrawn.id,
    logins[0],
  ]);
  assert.equal((await waitingOf(withdrawn.id))[0].notes, null);
});

test('mine or theirs of each field is saved, with the comment, from the version that was seen; then it has ended', async () => {
  const { id, seen } = await opened();
  await put(id, { status: 'won', updated_at: seen }, cookies[1]);
  // The same user, in an application that saves more.
  await stage.sql("SET crm_concurrency.keep_refused = 'all'");
  await stage.sql("SELECT crm_update_customer($1, $2, 'lost', 'No budget', $3, fields => $4)", [
    id,
    seen,
    logins[0],
    '{"phone": "555-0177", "email": null}',
  ]);
  const [save] = await waitingOf(id);
  assert.deepEqual(save.asked, { status: 'lost', phone: '555-0177', email: null });

  const choice = { choose: { status: 'theirs', phone: 'mine', email: 'theirs' }, notes: save.notes };
  const late = await resolve(save.id, { ...choice, updated_at: seen });
  assert.deepEqual([late.status, late.body.error, late.body.current.status], [409, 'conflict', 'won']);
  assert.deepEqual((await waitingOf(id)).map((each) => each.id), [save.id]);
  const { updated_at } = (await get(id)).body;
  const resolved = await resolve(save.id, { ...choice, updated_at });
  assert.deepEqual([resolved.status, resolved.body.save.outcome], [200, 'updated']);
  assert.deepEqual([resolved.body.id, resolved.body.status, resolved.body.phone], [id, 'won', '555-0177']);
  assert.equal(resolved.body.changed_by, logins[0]);
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'No budget', save_refused: false }]);
  assert.deepEqual(await waitingOf(id), []);

  assert.equal((await resolve(save.id, { ...choice, updated_at })).body.save.outcome, 'replayed');
  const other = { ...choice, choose: { ...choice.choose, status: 'mine' }, updated_at: resolved.body.updated_at };
  const ended = await resolve(save.id, other);
  assert.deepEqual([ended.status, ended.body.error], [410, 'gone']);
  assert.equal((await get(id)).body.status, 'won');
});

test('all of theirs: nothing is saved, and it has ended', async () => {
  const { id, refusedId, now } = await refused();
  const { status, body } = await resolve(refusedId, { updated_at: now, choose: { status: 'theirs' } });
  assert.deepEqual([status, body.save.outcome, body.status, body.updated_at], [200, 'unchanged', 'won', now]);
  assert.deepEqual(await waitingOf(id), []);
});

test('what an edit lock refuses waits too, and is resolved when the lock is released', async () => {
  const { id, seen } = await opened();
  const lock = await stage.request('PUT', `/api/customers/${id}/lock`, { cookie: cookies[1], body: {} });
  const { status, body } = await put(id, { status: 'won', updated_at: seen });
  assert.equal(status, 423);
  const choice = { updated_at: seen, choose: { status: 'mine' } };
  assert.equal((await resolve(body.refused_id, choice)).status, 423);
  await stage.request('DELETE', `/api/customers/${id}/lock/${lock.body.lock_id}`, { cookie: cookies[1] });
  assert.equal((await resolve(body.refused_id, choice)).body.status, 'won');
});

test('what is no resolution, and whose it is', async () => {
  const { id, refusedId, now } = await refused();
  const good = { updated_at: now, choose: { status: 'mine' } };
  for (const body of [
    { ...good, choose: null },
    { ...good, choose: 'mine' },
    { ...good, choose: ['mine'] },
    { ...good, choose: {} },
    { ...good, choose: { status: 'ours' } },
    { ...good, choose: { status: 'mine', phone: 'mine' } },
    { ...good, updated_at: 7 },
    { ...good, updated_at: 'yesterday noon' },
    { ...good, notes: 7 },
  ]) {
    const answer = await resolve(refusedId, body);
    assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
  }
  for (const choose of ['mine', ['mine']]) {
    assert.equal((await resolve(refusedId, { ...good, choose })).body.error, 'bad_value');
  }
  assert.equal((await resolve(refusedId, { choose: good.choose })).status, 428);
  const viewer = await stage.login('viewer');
  for (const change of [(of, cookie) => resolve(of, good, cookie), discard]) {
    assert.equal((await change('abc')).status, 400);
    assert.equal((await change(4711_000)).status, 404);
    assert.equal((await change(refusedId, '')).status, 401);
    assert.equal((await change(refusedId, viewer)).status, 403);
    const others = await change(refusedId, cookies[1]);
    assert.deepEqual([others.status, others.body.error], [403, 'forbidden']);
  }
  assert.equal((await get(id)).body.status, 'won');
  assert.equal((await waitingOf(id)).length, 1);

  await stage.sql('DELETE FROM customers WHERE id = $1', [id]);
  assert.deepEqual((await waiting()).filter(({ customer_id }) => customer_id === id), []);
  assert.equal((await resolve(refusedId, good)).status, 410);
  await stage.request('POST', `/api/customers/${id}/restore`, { cookie: ana, body: {} });
  assert.equal((await waitingOf(id)).length, 1);
});

test('a discarded one waits no longer: 410 from then on', async () => {
  const { id, refusedId, now } = await refused('No budget');
  const discarded = await discard(refusedId);
  assert.deepEqual([discarded.status, discarded.body], [200, { discarded: true }]);
  assert.deepEqual(await waitingOf(id), []);
  const again = await discard(refusedId);
  assert.deepEqual([again.status, again.body.error], [410, 'gone']);
  assert.equal((await resolve(refusedId, { updated_at: now, choose: { status: 'mine' } })).status, 410);
  assert.equal((await get(id)).body.status, 'won');
  // What was said was said.
  assert.deepEqual(await comments(id), [{ author: logins[0], body: 'No budget', save_refused: true }]);
});
