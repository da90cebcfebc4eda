import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './harness.js';
import { customer, stage, stored, Window } from './windows.js';

test('a conflict keeps what was typed and shows was, mine and theirs; others see only what was applied', async () => {
  const { id, name } = await customer();
  const [first, second, third] = await Promise.all(['user0', 'user1', 'user2'].map(Window.open));
  await first.edit(name);
  await second.edit(name);
  const seen = await second.base;
  await second.type('lost', 'They went elsewhere');

  await first.type('won', 'Signed today');
  await first.save();
  await first.closed();
  await third.shows(name, 'won');

  // The open dialogue says so, and keeps its version and what was typed.
  await second.dialog.getByText(`user0 changed ${name} while you were editing`).waitFor();
  assert.equal(await second.base, seen);
  assert.equal(await second.status.inputValue(), 'lost');
  assert.equal(await second.notes.inputValue(), 'They went elsewhere');

  await second.save();
  const conflict = second.dialog.getByRole('region', { name: 'Somebody else saved first' });
  await conflict.waitFor();
  // A group that the field names, described by what it was
  const group = conflict.getByRole('group', { name: 'Status', exact: true });
  assert.equal(await group.getAttribute('aria-describedby'), await group.getByText('Was: new').getAttribute('id'));
  await group.getByRole('radio', { name: 'Mine: lost', exact: true }).waitFor();
  await group.getByRole('radio', { name: /^Theirs: won by user0, .*\d/ }).waitFor();
  assert.match((await conflict.getByRole('list').allTextContents()).join(), /user0.*status new → won.*user0.*Signed today/);
  assert.equal(await second.status.inputValue(), 'lost');
  assert.equal(await second.notes.inputValue(), 'They went elsewhere');
  assert.equal(await second.listed(name), 'won');
  assert.equal(await second.page.evaluate('document.activeElement.id'), 'conflict-title');
  assert.deepEqual(await stored(id), {
    status: 'won',
    comments: ['user0: Signed today', 'user1: They went elsewhere (refused)'],
    saves: ['user0'],
  });

  // Without a choice nothing is sent.
  await second.save();
  assert.equal(second.puts, 1);
  await conflict.getByRole('radio', { name: 'lost' }).check();
  await second.save();
  await second.closed();
  await third.shows(name, 'lost');
  await first.shows(name, 'lost');
  assert.deepEqual(await stored(id), {
    status: 'lost',
    comments: ['user0: Signed today', 'user1: They went elsewhere'],
    saves: ['user0', 'user1'],
  });
});

test('a conflict can be ended with theirs, or with a third value, and the comment goes along', async () => {
  const { id, name } = await customer();
  const [first, second, third] = await Promise.all(['user0', 'user1', 'user2'].map(Window.open));
  for (const window of [first, second, third]) await window.edit(name);
  await first.type('won');
  await first.save();
  await first.closed();

  await second.type('lost', 'Called twice');
  await second.save();
  await second.dialog.getByRole('radio', { name: 'won' }).check();
  assert.equal(await second.status.inputValue(), 'won');
  await second.save();
  await second.closed();

  await third.type('lost', 'Called back');
  await third.save();
  await third.dialog.getByRole('radio', { name: 'won' }).waitFor();
  await third.type('contacted');
  await third.save();
  await third.closed();
  assert.deepEqual(await stored(id), {
    status: 'contacted',
    comments: ['user1: Called twice', 'user2: Called back'],
    saves: ['user0', 'user1', 'user2'],
  });
});

test('a conflict about nothing: others changed other fields, and Save adds ours to theirs', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await stage.sql("UPDATE customers SET phone = '555-0177' WHERE id = $1", [id]);
  await window.type('won', 'Signed');
  await window.save();
  await window.says('together with what others changed');
  await window.closed();
  const { status, comments } = await stored(id);
  assert.deepEqual([status, comments], ['won', ['user0: Signed']]);
});

test('two quick clicks are one save, and nothing is shown before the server said so', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type('won', 'Signed');
  const other = await stage.hold(id);
  try {
    await window.button('Save').dblclick();
    await until('the save to wait', async () =>
      (await stage.sql(`SELECT FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'`, [stage.name])).length,
    );
    await window.dialog.getByText('Saving …').waitFor();
    assert.equal(await window.listed(name), 'new');
    assert.ok(await window.button('Save').isDisabled());
    assert.ok(await window.notes.isDisabled());
    assert.equal(window.puts, 1);
  } finally {
    await other.release();
  }
  await window.closed();
  assert.equal(await window.listed(name), 'won');
  assert.deepEqual(await stored(id), { status: 'won', comments: ['user0: Signed'], saves: ['user0'] });
});

test('503: the same request is sent again by itself', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type('won', 'Signed');
  const other = await stage.hold(id);
  try {
    await window.save();
    await window.dialog.getByText('The server is busy').waitFor();
  } finally {
    await other.release();
  }
  await window.closed();
  assert.deepEqual(await stored(id), { status: 'won', comments: ['user0: Signed'], saves: ['user0'] });
});

test('a lost network: nothing typed is lost, and the save goes out when the network is back', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type('won', 'Signed');
  await window.context.setOffline(true);
  await window.save();
  await window.problem.getByText('No answer came').waitFor();
  assert.equal(await window.notes.inputValue(), 'Signed');
  await window.button('Send again').click();
  await window.problem.getByText('No answer came').waitFor();
  assert.deepEqual(await stored(id), { status: 'new', comments: [], saves: [] });
  await window.context.setOffline(false);
  await window.closed();
  await window.says(`${name} is saved.`);
  assert.deepEqual(await stored(id), { status: 'won', comments: ['user0: Signed'], saves: ['user0'] });
});

test('a lost answer: the save was applied, and sending it again applies nothing twice', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type('won', 'Signed');
  await window.page.route('**/api/customers/*', async (route) => {
    if (route.request().method() !== 'PUT') return route.fallback();
    await route.fetch();
    await route.abort();
    await window.page.unroute('**/api/customers/*');
  });
  await window.save();
  await window.problem.getByText('No answer came').waitFor();
  assert.equal((await stored(id)).status, 'won');
  await window.button('Send again').click();
  await window.closed();
  await window.says('had been applied already; nothing was done twice');
  assert.deepEqual(await stored(id), { status: 'won', comments: ['user0: Signed'], saves: ['user0'] });
});

test('401: logging in again over the dialogue, which then goes on', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type('won', 'Signed');
  await window.context.clearCookies();
  await window.save();
  await window.page.getByText('Your session has ended').waitFor();
  await window.logIn('user0', 'wrong');
  await window.page.getByText('the password is another').waitFor();
  assert.equal(await window.notes.inputValue(), 'Signed');
  await window.logIn('user0');
  await window.closed();
  assert.deepEqual(await stored(id), { status: 'won', comments: ['user0: Signed'], saves: ['user0'] });
});

test('401: a login that is cancelled, then as somebody else, who has to press Save', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type('won', 'Signed');
  await window.context.clearCookies();
  await window.save();
  await window.page.getByText('Your session has ended').waitFor();
  await window.page.keyboard.press('Escape');
  await window.problem.getByText('You are not logged in').waitFor();
  await window.save();
  await window.page.getByText('Your session has ended').waitFor();
  await window.logIn('user1');
  await window.problem.getByText('You are user1 now').waitFor();
  assert.equal(await window.notes.inputValue(), 'Signed');
  assert.deepEqual((await stored(id)).saves, []);
  await window.save();
  await window.closed();
  assert.deepEqual(await stored(id), { status: 'won', comments: ['user1: Signed'], saves: ['user1'] });
});

test('403: told apart, and what was typed is kept for somebody who may', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type('won', 'Signed');
  await stage.sql(`REVOKE UPDATE (status) ON customers FROM ${stage.name}`);
  try {
    await window.save();
    await window.problem.getByText('What you typed is still here; somebody who may can log in.').waitFor();
  } finally {
    await stage.sql(`GRANT UPDATE (status) ON customers TO ${stage.name}`);
  }
  assert.equal(await window.notes.inputValue(), 'Signed');
  await window.button('Log in').click();
  await window.logIn('user1');
  await window.problem.getByText('You are user1 now').waitFor();
  await window.save();
  await window.closed();
  assert.deepEqual(await stored(id), { status: 'won', comments: ['user1: Signed'], saves: ['user1'] });
});

test('410: a customer that was deleted under an open dialogue', async () => {
  const { id, name } = await customer();
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  await first.edit(name);
  await first.type('won', 'Signed');
  // without an event, so that the save is what finds out
  await stage.sql(`SET crm_concurrency.events = off; DELETE FROM customers WHERE id = ${id}; SET crm_concurrency.events = notify`);
  await first.save();
  await first.problem.getByText('What you typed is still here').waitFor();
  assert.equal(await first.notes.inputValue(), 'Signed');
  assert.ok(await first.button('Save').isDisabled());
  // with one, others see it go
  const other = await customer();
  await second.page.getByText(other.name).waitFor();
  await stage.sql('DELETE FROM customers WHERE id = $1', [other.id]);
  await second.page.getByText(other.name).waitFor({ state: 'detached' });
});

test('an edit lock shows in other windows when it is taken, released, and ended by force', async () => {
  const { id, name } = await customer();
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  const changed = second.line(name).locator('[data-label=Changed]');
  const isShown = (author) =>
    until(`the lock of ${author ?? 'nobody'} to be shown`, async () =>
      (await changed.textContent()).endsWith('is editing') ? author !== null : author === null,
    );
  await first.edit(name);
  await isShown(null);
  await first.button('Lock while I edit').click();
  await isShown('user0');
  await first.button('Close').click();
  await isShown(null);

  await first.edit(name);
  await first.button('Lock while I edit').click();
  await isShown('user0');
  await stage.sql("SELECT crm_unlock_customer($1, NULL, force => true, author => 'boss')", [id]);
  await isShown(null);
  // The holder is told, and may take it again.
  await first.problem.getByText(`Your lock on ${name} was ended by boss`).waitFor();
  await first.button('Lock while I edit').click();
  await isShown('user0');
  await first.button('Close').click();
  await isShown(null);
});

test('an edit lock: others see whose it is, and lose nothing', async () => {
  const { id, name } = await customer();
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  await first.edit(name);
  await first.button('Lock while I edit').click();
  await first.dialog.getByText(`You have locked ${name} until`).waitFor();
  await second.edit(name);
  await second.dialog.getByText(`user0 has locked ${name} until`).waitFor();
  await second.type('lost', 'They went elsewhere');
  await second.save();
  await second.problem.getByText('What you typed is still here').waitFor();
  assert.equal(await second.notes.inputValue(), 'They went elsewhere');
  assert.deepEqual(await stored(id), { status: 'new', comments: ['user1: They went elsewhere (refused)'], saves: [] });
  await first.type('won');
  await first.save();
  await first.closed();
  await until('the lock to be released', async () => (await stage.sql('SELECT FROM crm_locks')).length === 0);
  await second.save();
  await second.dialog.getByRole('radio', { name: 'lost' }).check();
  await second.save();
  await second.closed();
  assert.deepEqual(await stored(id), {
    status: 'lost',
    comments: ['user1: They went elsewhere'],
    saves: ['user0', 'user1'],
  });
});

test('comments and customers of others appear live, as text', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.type(null, 'half a thought');
  const markup = '<img src=x onerror="document.title=1"> & more';
  await stage.sql('INSERT INTO comments (customer_id, author, body) VALUES ($1, $2, $3)', [id, 'import', markup]);
  await window.dialog.getByText(markup).waitFor();
  assert.equal(await window.notes.inputValue(), 'half a thought');
  const added = await customer('<b>New & bold</b>');
  await until('the new customer', async () =>
    (await window.page.locator('#customers [data-label=Name]').allTextContents()).includes(added.name),
  );
  assert.equal(await window.page.title(), 'Customers');
});

test('what happened while the events were interrupted is there when they are back', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.shows(name, 'new');
  await stage.sql(`ALTER ROLE ${stage.name} CONNECTION LIMIT 0`);
  try {
    const ended = await stage.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = $1 AND application_name = 'crm-web listener'`, [stage.name]);
    assert.equal(ended.length, 1);
    await stage.sql("UPDATE customers SET status = 'won' WHERE id = $1", [id]);
  } finally {
    await stage.sql(`ALTER ROLE ${stage.name} CONNECTION LIMIT -1`);
  }
  await window.shows(name, 'won');
});

test('the keyboard: focus goes in and comes back, and Escape loses nothing that was typed', async () => {
  const { name } = await customer();
  const window = await Window.open('user0');
  const opener = window.page.getByRole('button', { name: `Edit ${name}` });
  await opener.focus();
  await window.page.keyboard.press('Enter');
  await window.dialog.waitFor();
  assert.equal(await window.page.evaluate('document.activeElement.id'), 'status');
  await window.page.keyboard.press('Escape');
  await window.closed();
  assert.equal(await window.page.evaluate('document.activeElement.getAttribute("aria-label")'), `Edit ${name}`);
  await window.page.keyboard.press('Enter');
  await window.notes.fill('half a thought');
  await window.page.keyboard.press('Escape');
  await window.unsaved.waitFor();
  assert.equal(await window.page.evaluate('document.activeElement.id'), 'keep');
  await window.page.keyboard.press('Escape');
  await window.page.keyboard.press('Escape');
  assert.equal(await window.notes.inputValue(), 'half a thought');
  await window.button('Close without saving').click();
  await window.closed();
});
