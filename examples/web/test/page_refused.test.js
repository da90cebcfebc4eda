// Refused saves, which are reopened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customer, stage, stored, Window } from './windows.js';

const line = (window, name) => window.page.locator('#refused-rows tr', { hasText: name });
const region = (window, name = 'Your save was refused') => window.dialog.getByRole('region', { name });
const radio = (window, field, side) => window.dialog.locator(`input[name="choice-${field}"][value="${side}"]`);

const sides = async (window, name) =>
  (await region(window).getByRole('group', { name }).locator('label').allTextContents()).map((label) => label.trim());

async function reopen(window, name) {
  await line(window, name).getByRole('button', { name: 'Reopen' }).click();
  await region(window).waitFor();
}

// A customer of which others have changed what the save of a user asks for.
async function refused(login, { status = 'lost', notes = null, fields = null } = {}) {
  const { id, name } = await customer();
  const [{ seen }] = await stage.sql('SELECT updated_at::text AS seen FROM customers WHERE id = $1', [id]);
  await stage.sql("UPDATE customers SET status = 'won', phone = '1' WHERE id = $1", [id]);
  await stage.sql("SET crm_concurrency.keep_refused = 'all'");
  const values = [id, seen, status, notes, login, fields && JSON.stringify(fields)];
  const save = 'SELECT outcome FROM crm_update_customer($1, $2, $3, $4, $5, fields => $6)';
  assert.equal((await stage.sql(save, values))[0].outcome, 'conflict');
  return { id, name };
}
const waits = async (id) => (await stage.sql('SELECT FROM crm_refused_saves(id => $1)', [id])).length > 0;

test('a refused save outlives its window: reopened later, it shows mine and theirs, and saves the choice', async () => {
  const { id, name } = await customer();
  const [first, other] = await Promise.all(['user0', 'user1'].map(Window.open));
  await first.edit(name);
  await first.type('lost', 'They went elsewhere');
  await stage.sql("UPDATE customers SET status = 'won' WHERE id = $1", [id]);
  await first.save();
  await region(first, 'Somebody else saved first').waitFor();
  await line(first, name).waitFor({ state: 'attached' });
  await first.context.close();

  const later = await Window.open('user0');
  await line(later, name).getByText('status lost').waitFor();
  await reopen(later, name);
  assert.deepEqual(await sides(later, 'Status'), ['Mine: lost', 'Theirs: won']);
  assert.equal(await later.notes.inputValue(), 'They went elsewhere');
  assert.equal(await later.page.evaluate('document.activeElement.id'), 'conflict-title');
  assert.ok(await later.status.isDisabled());
  assert.equal(await later.button('Delete').isVisible(), false);

  // Without a choice nothing is sent.
  await later.save();
  assert.equal(later.puts, 0);
  await radio(later, 'status', 'mine').check();
  assert.equal(await later.status.inputValue(), 'lost');
  await later.save();
  await later.closed();
  await later.says(`${name} is saved.`);
  await line(later, name).waitFor({ state: 'detached' });
  await other.shows(name, 'lost');
  const { status, comments } = await stored(id);
  assert.deepEqual([status, comments], ['lost', ['user0: They went elsewhere']]);
  assert.equal(later.puts, 1);
  assert.equal(await other.page.locator('#refused').isVisible(), false);
});

test('each field by itself: some mine, some theirs', async () => {
  const { id, name } = await refused('user2', { fields: { phone: '2', email: null } });
  const window = await Window.open('user2');
  await line(window, name).getByText('status lost').waitFor();
  await reopen(window, name);
  assert.deepEqual(await sides(window, 'Phone'), ['Mine: 2', 'Theirs: 1']);
  for (const [field, side] of [['status', 'theirs'], ['phone', 'mine'], ['email', 'theirs']]) {
    await radio(window, field, side).check();
  }
  assert.equal(await window.status.inputValue(), 'won');
  await window.save();
  await window.closed();
  const [saved] = await stage.sql('SELECT status, phone FROM customers WHERE id = $1', [id]);
  assert.deepEqual(saved, { status: 'won', phone: '2' });
  await line(window, name).waitFor({ state: 'detached' });
});

test('all of theirs ends it, and Discard does; closing the dialogue does not', async () => {
  const [kept, ended, discarded] = [await refused('user3'), await refused('user3'), await refused('user3')];
  const window = await Window.open('user3');
  await reopen(window, kept.name);
  await radio(window, 'status', 'mine').check();
  await window.page.keyboard.press('Escape');
  await window.closed();

  await reopen(window, ended.name);
  await radio(window, 'status', 'theirs').check();
  await window.save();
  await window.says('stays as it is, and your refused save waits no longer');
  await line(window, ended.name).waitFor({ state: 'detached' });

  await reopen(window, discarded.name);
  await window.button('Discard').click();
  await window.closed();
  await window.says('your refused save is discarded');
  await line(window, discarded.name).waitFor({ state: 'detached' });
  assert.deepEqual(await Promise.all([kept, ended, discarded].map(({ id }) => waits(id))), [true, false, false]);
  for (const { id } of [kept, ended, discarded]) assert.equal((await stored(id)).status, 'won');

  // What is not reopened is changed as ever.
  await window.edit(kept.name);
  assert.ok(await window.status.isEnabled());
  assert.equal(await window.button('Discard').isVisible(), false);
  assert.ok(await window.button('Delete').isVisible());
});

test('others change it while it is reopened: theirs is shown anew, and chosen again', async () => {
  const { id, name } = await refused('user4', { status: 'paused', fields: { phone: '2' } });
  const window = await Window.open('user4');
  await reopen(window, name);
  await radio(window, 'status', 'mine').check();
  await radio(window, 'phone', 'theirs').check();
  await stage.sql("UPDATE customers SET status = 'contacted' WHERE id = $1", [id]);
  await window.save();
  await region(window, 'Somebody else saved first').getByText('choose again').waitFor();
  assert.match((await region(window, 'Somebody else').getByRole('list').allTextContents()).join(), /won → contacted/);
  await window.dialog.getByRole('radio', { name: 'contacted' }).waitFor();
  assert.equal(await window.status.inputValue(), 'contacted');
  assert.equal((await stored(id)).status, 'contacted');
  await window.save();
  assert.equal(window.puts, 1);
  await radio(window, 'status', 'mine').check();
  await radio(window, 'phone', 'theirs').check();
  assert.equal(await window.status.inputValue(), 'paused');
  await window.save();
  await window.closed();
  assert.equal(window.puts, 2);
  assert.equal((await stored(id)).status, 'paused');
  assert.equal(await waits(id), false);
});

test('one that was decided elsewhere, or whose customer was deleted meanwhile, is told', async () => {
  const { id, name } = await refused('user5');
  const window = await Window.open('user5');
  await reopen(window, name);
  await stage.sql('SELECT crm_discard_refused(refused_id) FROM crm_refused_saves(id => $1)', [id]);
  await radio(window, 'status', 'mine').check();
  await window.save();
  await window.problem.getByText('was saved, resolved or discarded before').waitFor();
  await line(window, name).waitFor({ state: 'detached' });
  assert.equal(await window.listed(name), 'won');
  await window.button('Close').click();

  const saved = await refused('user5');
  await window.page.reload();
  await line(window, saved.name).waitFor();
  const save = "SELECT crm_update_customer(id, updated_at, 'lost', NULL, 'user5') FROM customers WHERE id = $1";
  await stage.sql(save, [saved.id]);
  await line(window, saved.name).waitFor({ state: 'detached' });

  const other = await refused('user5');
  await window.page.reload();
  await reopen(window, other.name);
  await stage.sql('DELETE FROM customers WHERE id = $1', [other.id]);
  await window.problem.getByText(`${other.name} was deleted`).waitFor();
  assert.ok(await window.button('Save').isDisabled());
  await line(window, other.name).waitFor({ state: 'detached' });
});

test('a lost answer: the choice is sent again, and applied once', async () => {
  const { id, name } = await refused('user6', { notes: 'They went elsewhere' });
  const window = await Window.open('user6');
  await reopen(window, name);
  await radio(window, 'status', 'mine').check();
  await window.page.route(
    '**/api/refused/*',
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await window.save();
  await window.problem.getByText('No answer came').waitFor();
  await window.button('Send again').click();
  await window.says('had been applied already; nothing was done twice');
  const { status, comments, saves } = await stored(id);
  assert.deepEqual([status, comments], ['lost', ['user6: They went elsewhere']]);
  assert.equal(saves.filter((author) => author === 'user6').length, 1);
});

test('nothing else is undone while one is reopened', async () => {
  const { id, name } = await refused('user7');
  const window = await Window.open('user7');
  await reopen(window, name);
  await window.entry('status new → won').getByRole('button', { name: 'Undo' }).click();
  await window.problem.getByText('Save or discard it before you undo').waitFor();
  assert.equal((await stored(id)).status, 'won');
});

test('what a conflict’s dialogue saves in the end decides what it was refused before: theirs, or a third value', async () => {
  const windows = await Promise.all(['user8', 'user9'].map(Window.open));
  for (const [window, decide, status] of [
    [windows[0], () => radio(windows[0], 'status', 'theirs').check(), 'won'],
    [windows[1], () => windows[1].type('contacted'), 'contacted'],
  ]) {
    const { id, name } = await customer();
    await window.edit(name);
    await window.type('lost', 'Called');
    await stage.sql("UPDATE customers SET status = 'won' WHERE id = $1", [id]);
    await window.save();
    await line(window, name).waitFor({ state: 'attached' });
    assert.ok(await waits(id));
    await decide();
    await window.save();
    await window.closed();
    await line(window, name).waitFor({ state: 'detached' });
    assert.equal(await waits(id), false);
    assert.equal((await stored(id)).status, status);
  }
});
