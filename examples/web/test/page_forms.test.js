// Who may type where, what is asked before typed text is lost, edit locks, fields, the search.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './harness.js';
import { customer, stage, stored, Window } from './windows.js';

const field = (window, name) => window.dialog.getByLabel(name, { exact: true });
const focused = (window) => window.page.evaluate('document.activeElement.id');
const names = (window) => window.page.locator('#customers [data-label=Name]').allTextContents();

test('a viewer sees all of a customer and has nothing to type into; whoever may logs in over it', async () => {
  const { id, name } = await customer();
  await stage.sql("INSERT INTO deals (customer_id, name) VALUES ($1, 'Licences')", [id]);
  await stage.sql("INSERT INTO comments (customer_id, author, body) VALUES ($1, 'viewer', 'Mine')", [id]);
  await stage.sql("UPDATE customers SET phone = '555-0177' WHERE id = $1", [id]);
  const other = await customer();
  await stage.sql('DELETE FROM customers WHERE id = $1', [other.id]);
  const window = await Window.open('viewer');
  await window.page.getByText('Deleted', { exact: true }).first().click();
  await window.deletedLine(other.name).waitFor();
  assert.equal(await window.deletedLine(other.name).getByRole('button').count(), 0);

  await window.edit(name);
  await window.dialog.getByText(`You may look at ${name}, but not change it.`).waitFor();
  await window.entry('555-0177').waitFor();
  await window.dialog.getByRole('row', { name: 'Licences' }).waitFor();
  assert.equal(await field(window, 'Phone').inputValue(), '555-0177');
  assert.equal(await window.dialog.locator(':is(input, textarea, select):visible:enabled:not([readonly])').count(), 0);
  const buttons = window.dialog.locator('button:visible');
  assert.deepEqual(await buttons.allTextContents(), ['Log in', 'Close']);
  assert.equal(await focused(window), 'editor-title');

  await window.button('Log in').click();
  await window.logIn('user0');
  await window.problem.getByText('You are user0 now').waitFor();
  await window.entry('555-0177').getByRole('button', { name: 'Undo' }).waitFor();
  await window.type('won', 'Signed');
  await window.save();
  await window.closed();
  assert.deepEqual(await stored(id), { status: 'won', comments: ['viewer: Mine', 'user0: Signed'], saves: [null, 'user0'] });
  await window.page.getByRole('button', { name: `Edit ${name}` }).waitFor();
});

test('Close and a reload ask before typed text is lost: a comment, a field, a status, a deal', async () => {
  const { id, name } = await customer();
  await stage.sql("INSERT INTO deals (customer_id, name) VALUES ($1, 'Licences')", [id]);
  const window = await Window.open('user0');
  // Where nothing was typed, nothing is asked.
  await window.edit(name);
  await window.button('Close').click();
  await window.closed();
  for (const type of [
    () => window.notes.fill('half a thought'),
    () => field(window, 'Email').fill('x@example.com'),
    () => window.type('won'),
    async () => {
      await window.button('Change Licences').click();
      await field(window, 'Amount').fill('7');
    },
  ]) {
    await window.edit(name);
    await type();
    await window.button('Close').click();
    await window.unsaved.waitFor();
    assert.equal(await focused(window), 'keep');
    await window.button('Keep editing').click();
    await window.unsaved.waitFor({ state: 'hidden' });

    const asked = window.page.waitForEvent('dialog');
    await window.page.evaluate('void setTimeout(() => location.reload())');
    const question = await asked;
    assert.equal(question.type(), 'beforeunload');
    await question.dismiss();
    assert.ok(await window.dialog.isVisible());

    await window.button('Close').click();
    await window.button('Close without saving').click();
    await window.closed();
  }
  const questions = [];
  window.page.on('dialog', (dialog) => {
    questions.push(dialog.type());
    dialog.accept();
  });
  await window.page.reload();
  assert.deepEqual(questions, []);
  assert.deepEqual(await stored(id), { status: 'new', comments: [], saves: [] });
});

test('nothing closes over a deal or a correction that is not saved, nor puts another in its place', async () => {
  const { id, name } = await customer();
  await stage.sql("INSERT INTO deals (customer_id, name) VALUES ($1, 'Licences'), ($1, 'Training')", [id]);
  await stage.sql("INSERT INTO comments (customer_id, author, body) VALUES ($1, 'user0', 'A qoute'), ($1, 'user0', 'Other')", [id]);
  const window = await Window.open('user0');
  await window.edit(name);
  await window.button('Change Licences').click();
  await field(window, 'Amount').fill('7');
  await window.button('Change Training').click();
  await window.dialog.getByText('This deal is not saved').waitFor();
  assert.equal(await field(window, 'Amount').inputValue(), '7');
  await window.type('won');
  await window.save();
  await window.problem.getByText('A deal or a correction below is not saved').waitFor();
  assert.equal(window.puts, 0);
  await window.button('Save deal').click();
  await window.says('Licences is saved.');
  await window.entry('A qoute').getByRole('button', { name: 'Correct' }).click();
  await field(window, 'Text').fill('A quote');
  await window.entry('Other').getByRole('button', { name: 'Correct' }).click();
  await window.dialog.getByText('This correction is not saved').waitFor();
  assert.equal(await field(window, 'Text').inputValue(), 'A quote');
});

test('two people change different fields: both are kept; where they collide, each field is chosen', async () => {
  const { id, name } = await customer();
  const windows = await Promise.all(['user0', 'user1', 'user2'].map(Window.open));
  const [first, second, third] = windows;
  for (const window of windows) await window.edit(name);
  await field(first, 'Phone').fill('555-0177');
  await first.save();
  await first.closed();
  await field(second, 'Email').fill('x@example.com');
  await second.save();
  await second.says(`${name} is saved, together with what others changed meanwhile.`);
  const saved = async () => (await stage.sql('SELECT status, phone, email FROM customers WHERE id = $1', [id]))[0];
  assert.deepEqual(await saved(), { status: 'new', phone: '555-0177', email: 'x@example.com' });

  await field(third, 'Phone').fill('555-0188');
  await field(third, 'Email').fill('y@example.com');
  await third.type('won');
  await third.save();
  await third.dialog.getByRole('radio', { name: /^Theirs: .+ by user1, .*\d/ }).nth(1).waitFor();
  const group = (label) => third.dialog.getByRole('group', { name: label, exact: true });
  await group('Phone').getByRole('radio', { name: 'Mine: 555-0188', exact: true }).check();
  await group('Email').getByRole('radio', { name: 'Theirs: x@example.com' }).check();
  assert.equal(await group('Status').count(), 0);
  assert.equal(await field(third, 'Email').inputValue(), 'x@example.com');
  assert.equal(await third.status.inputValue(), 'won');
  await third.save();
  await third.closed();
  assert.deepEqual(await saved(), { status: 'won', phone: '555-0188', email: 'x@example.com' });
  // An emptied field has no value.
  await third.edit(name);
  await field(third, 'Phone').fill('');
  await third.save();
  await third.closed();
  assert.equal((await saved()).phone, null);
});

test('an edit lock is released by Unlock, and shows and ends in an open dialogue by itself', async () => {
  const { name } = await customer();
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  for (const window of [first, second]) await window.edit(name);
  await first.button('Lock while I edit').focus();
  await first.page.keyboard.press('Enter');
  await first.dialog.getByText(`You have locked ${name} until`).waitFor();
  await until('the focus on what unlocks', async () => (await focused(first)) === 'release-lock');
  const foreign = second.dialog.getByText(`user0 has locked ${name} until`);
  await foreign.waitFor();
  await first.page.keyboard.press('Enter');
  await foreign.waitFor({ state: 'detached' });
  await until('the focus on what locks again', async () => (await focused(first)) === 'take-lock');
  assert.equal(await first.button('Unlock').isVisible(), false);
  assert.equal(await first.dialog.locator('#lock').textContent(), '');
});

test('an edit lock that runs out ends in the list and in the dialogue without a click', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  const changed = window.line(name).locator('[data-label=Changed]');
  await window.edit(name);
  await stage.sql("SELECT crm_lock_customer($1, 'user1', '3 seconds')", [id]);
  await window.dialog.getByText(`user1 has locked ${name} until`).waitFor();
  assert.match(await changed.textContent(), /; user1 is editing$/);
  await until('the end of the lock to be shown', async () => (await window.dialog.locator('#lock').textContent()) === '');
  assert.doesNotMatch(await changed.textContent(), /is editing/);
});

test('a save that a lock refused is told once, with the names', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  // without an event, so that the save is what finds out
  await stage.sql('SET crm_concurrency.events = off');
  await stage.sql("SELECT crm_lock_customer($1, 'user1')", [id]);
  await stage.sql('SET crm_concurrency.events = notify');
  await window.type('won', 'Signed');
  await window.save();
  await window.dialog.getByText(`user1 has locked ${name} until`).waitFor();
  const banner = (await window.dialog.locator('.banner:visible').allTextContents()).map((text) => text.trim());
  assert.equal(banner.length, 1);
  assert.match(banner[0], /^Nothing was saved\. What you typed is still here\.\s+user1 has locked/);
  assert.doesNotMatch(await window.dialog.textContent(), /once you commit|[Cc]ustomer \d+\b(?!x)/);
});

test('the search is the server’s: it finds beyond what is shown, and keeps up with changes', async () => {
  await stage.sql("INSERT INTO customers (name) SELECT 'Crowd ' || n FROM generate_series(1, 230) n");
  const { id } = await customer('Needle_1');
  const window = await Window.open('user0');
  const shown = async () => (await names(window)).length;
  const more = window.page.getByRole('button', { name: 'Show more customers' });
  await window.page.getByText('The first 100 customers.').waitFor();
  // Who is beyond the end does not come in by a change.
  await stage.sql("UPDATE customers SET status = 'won' WHERE id = $1", [id]);
  await more.click();
  await until('200 rows', async () => (await shown()) === 200);
  // The first of the new ones has the focus.
  const hundredth = (await names(window))[100];
  assert.equal(await window.page.evaluate('document.activeElement.ariaLabel'), `Edit ${hundredth}`);
  assert.equal((await names(window)).includes('Needle_1'), false);

  await window.page.getByRole('searchbox').fill('e_1');
  await window.page.getByText('1 found by “e_1”.').waitFor();
  assert.deepEqual(await names(window), ['Needle_1']);
  assert.equal(await more.isVisible(), false);
  await customer('Needle_12');
  await window.page.getByText('2 found by “e_1”.').waitFor();
  await window.page.getByRole('searchbox').fill('100%');
  await window.page.getByText('No customer matches “100%”.').waitFor();
  assert.deepEqual(await names(window), []);
  await window.page.getByRole('searchbox').fill('');
  await window.page.getByText('The first 100 customers.').waitFor();
  await more.click();
  await until('the next', async () => (await shown()) === 200);
  await more.click();
  await window.line('Needle_12').waitFor();
  assert.equal(await more.isVisible(), false);
  // With all of them shown, new ones come in.
  await customer('Straw');
  await window.line('Straw').waitFor();
});
