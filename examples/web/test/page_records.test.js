// Deleting, restoring, undoing, correcting comments, and the deals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customer, stage, stored, Window } from './windows.js';

test('a deletion: a conflict shows what happened; then it goes, in all windows, and is restored', async () => {
  const { id, name } = await customer();
  await stage.sql("INSERT INTO deals (customer_id, name) VALUES ($1, 'Licences')", [id]);
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  await first.page.getByText('Deleted', { exact: true }).first().click();
  await second.page.getByText('Deleted', { exact: true }).first().click();
  await first.edit(name);
  await second.edit(name);
  await second.type('won', 'Signed');
  await second.save();
  await second.closed();

  await first.type(null, 'Looks dead');
  await first.button('Delete').click();
  const conflict = first.dialog.getByRole('region', { name: 'Somebody else saved first' });
  await conflict.getByText(`user1 changed ${name} after you opened it. It was not deleted`).waitFor();
  assert.match((await conflict.getByRole('list').allTextContents()).join(), /user1.*status new → won.*user1.*Signed/);
  assert.equal(await first.notes.inputValue(), 'Looks dead');
  assert.equal((await stored(id)).status, 'won');
  assert.equal(await second.listed(name), 'won');

  await second.edit(name);
  await second.type(null, 'half a thought');
  await first.button('Delete').click();
  await first.closed();
  await first.says(`${name} is deleted`);
  for (const window of [first, second]) {
    await window.page.locator('#customers tr', { hasText: name }).waitFor({ state: 'detached' });
    await window.deletedLine(name).getByText('Looks dead').waitFor();
  }
  assert.match(await second.deletedLine(name).textContent(), /by user0/);
  await second.problem.getByText(`${name} was deleted`).waitFor();
  assert.equal(await second.notes.inputValue(), 'half a thought');
  assert.ok(await second.button('Save').isDisabled());
  assert.ok(await second.button('Delete').isDisabled());

  await first.deletedLine(name).getByRole('button', { name: 'Restore' }).click();
  await first.says(`${name} is restored, with 1 that went with it.`);
  for (const window of [first, second]) {
    await window.shows(name, 'won');
    await window.deletedLine(name).waitFor({ state: 'detached' });
  }
  // The dialogue that stayed open goes on.
  await second.problem.getByText(`${name} was restored`).waitFor();
  assert.equal(await second.notes.inputValue(), 'half a thought');
  await second.save();
  await second.dialog.getByText(/^user0, .*: restored$/).first().waitFor();
  await second.save();
  await second.closed();
  assert.deepEqual((await stored(id)).comments, ['user1: Signed', 'user0: Looks dead', 'user1: half a thought']);
});

test('a deletion whose answer was lost is sent again, and made once', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  await window.edit(name);
  await window.page.route('**/api/customers/*', async (route) => {
    if (route.request().method() !== 'DELETE') return route.fallback();
    await route.fetch();
    await route.abort();
    await window.page.unroute('**/api/customers/*');
  });
  await window.button('Delete').click();
  await window.problem.getByText('No answer came').waitFor();
  assert.equal((await stage.sql('SELECT FROM customers WHERE id = $1', [id])).length, 0);
  await window.button('Send again').click();
  await window.closed();
  await window.says('had been applied already; nothing was done twice');
  const deletions = await stage.sql("SELECT FROM customer_history WHERE customer_id = $1 AND operation = 'delete'", [id]);
  assert.equal(deletions.length, 1);
});

test('what cannot be restored is told', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  const read = window.page.waitForResponse('**/api/deleted/customers');
  await window.page.getByText('Deleted', { exact: true }).first().click();
  await read;
  await stage.sql('DELETE FROM customers WHERE id = $1', [id]);
  const line = window.deletedLine(name);
  await line.waitFor();
  // without an event, so that the button is what finds out
  await stage.sql('DELETE FROM customer_deletions WHERE customer_id = $1', [id]);
  await line.getByRole('button').click();
  await window.says('is kept no longer; nothing was restored');
  await line.waitFor({ state: 'detached' });
});

// Changes of name, phone and email, as an import makes them.
const slip = (id) =>
  stage.sql("UPDATE customers SET phone = '555-0177', email = 'x@example.com' WHERE id = $1", [id]);

test('a change is undone from the timeline, which then says so', async () => {
  const { id, name } = await customer();
  await slip(id);
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  await first.edit(name);
  await second.edit(name);
  // Neither the creation nor a comment has an undo.
  await stage.sql("INSERT INTO comments (customer_id, author, body) VALUES ($1, 'import', 'Note')", [id]);
  await first.entry('Note').waitFor();
  assert.deepEqual(await first.dialog.locator('#timeline li').getByRole('button').allTextContents(), ['Undo']);
  await first.type(null, 'A slip');
  await first.entry('555-0177').getByRole('button', { name: 'Undo' }).click();
  await first.closed();
  await first.says(`${name}: the change is undone.`);
  await second.entry('undid the change of').getByText('user0').waitFor();
  const [row] = await stage.sql('SELECT phone, email FROM customers WHERE id = $1', [id]);
  assert.deepEqual(row, { phone: null, email: null });
  assert.deepEqual((await stored(id)).comments, ['import: Note', 'user0: A slip']);
});

test('what was changed again is not undone: it is listed, and the rest is offered', async () => {
  const { id, name } = await customer();
  await slip(id);
  await stage.sql(
    `SELECT crm_update_customer(id, updated_at, NULL, NULL, 'ben', fields => '{"phone": "2"}') FROM customers WHERE id = $1`,
    [id],
  );
  const window = await Window.open('user0');
  await window.edit(name);
  // A status that is not saved would be lost.
  await window.type('won');
  const button = window.entry('x@example.com').getByRole('button', { name: 'Undo' });
  await button.click();
  await window.problem.getByText('What you changed is not saved').waitFor();
  await window.type('new');
  assert.deepEqual(window.sent, ['POST']); // the login
  await button.click();
  const conflict = window.dialog.getByRole('region', { name: 'Somebody changed it again' });
  await conflict.getByText(/^ben, .*, changed phone again$/).waitFor();
  assert.equal(await window.page.evaluate('document.activeElement.id'), 'conflict-title');
  await conflict.getByRole('button', { name: 'Undo email', exact: true }).click();
  await window.closed();
  const [row] = await stage.sql('SELECT phone, email FROM customers WHERE id = $1', [id]);
  assert.deepEqual(row, { phone: '2', email: null });
});

test('an undoing from an old version shows what happened since, and can then be made', async () => {
  const { id, name } = await customer();
  await slip(id);
  const window = await Window.open('user0');
  await window.edit(name);
  await window.entry('x@example.com').waitFor();
  await stage.sql("UPDATE customers SET status = 'won' WHERE id = $1", [id]);
  await window.dialog.getByText(`changed ${name} while you were editing`).waitFor();
  await window.entry('x@example.com').getByRole('button', { name: 'Undo' }).click();
  const conflict = window.dialog.getByRole('region', { name: 'Somebody else saved first' });
  await conflict.getByText('Nothing was undone').waitFor();
  assert.match((await conflict.getByRole('list').allTextContents()).join(), /status new → won/);
  assert.equal(await window.status.inputValue(), 'won');
  await conflict.getByRole('button', { name: 'Undo', exact: false }).click();
  await window.closed();
  const [row] = await stage.sql('SELECT status, phone, email FROM customers WHERE id = $1', [id]);
  assert.deepEqual(row, { status: 'won', phone: null, email: null });
});

test('one’s own comment is corrected; a conflict shows what it says, and keeps what was typed', async () => {
  const { id, name } = await customer();
  await stage.sql(
    "INSERT INTO comments (customer_id, author, body) VALUES ($1, 'user0', 'A qoute'), ($1, 'user1', 'Theirs')",
    [id],
  );
  const [first, second] = await Promise.all(['user0', 'user0'].map(Window.open));
  await first.edit(name);
  await second.edit(name);
  await first.entry('Theirs').waitFor();
  assert.deepEqual(await first.entry('Theirs').getByRole('button').allTextContents(), []);
  const text = (window) => window.dialog.getByLabel('Text', { exact: true });
  for (const window of [first, second]) await window.entry('A qoute').getByRole('button', { name: 'Correct' }).click();
  assert.equal(await text(first).inputValue(), 'A qoute');
  await text(first).fill('A quote');
  await text(second).fill('A quote by Monday');
  await first.button('Correct').click();
  await first.says('is corrected');
  await text(first).waitFor({ state: 'hidden' });
  for (const window of [first, second]) await window.entry('A quote').getByText('edited by user0').waitFor();

  // The form stays as it was while others change the comment.
  assert.equal(await text(second).inputValue(), 'A quote by Monday');
  await second.page.keyboard.press('Escape');
  await second.button('Keep editing').click();
  await second.button('Correct').click();
  await second.dialog.getByText('user0 changed this comment after you opened it; it says: “A quote”').waitFor();
  assert.equal(await text(second).inputValue(), 'A quote by Monday');
  assert.deepEqual((await stored(id)).comments, ['user0: A quote', 'user1: Theirs']);
  await second.button('Correct').click();
  await text(second).waitFor({ state: 'hidden' });
  assert.deepEqual((await stored(id)).comments, ['user0: A quote by Monday', 'user1: Theirs']);
});

test('one’s own comment is withdrawn, with a reason, and shows as that everywhere', async () => {
  const { id, name } = await customer();
  await stage.sql("INSERT INTO comments (customer_id, author, body) VALUES ($1, 'user0', 'A qoute')", [id]);
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  await first.edit(name);
  await second.edit(name);
  await first.entry('A qoute').getByRole('button', { name: 'Correct' }).click();
  await first.dialog.getByLabel('Reason').fill('Wrong customer');
  await first.button('Withdraw').click();
  await first.says('is withdrawn');
  for (const window of [first, second]) await window.entry('[withdrawn]').getByText('withdrawn by user0').waitFor();
  assert.deepEqual(await first.entry('[withdrawn]').getByRole('button').allTextContents(), []);
  const [{ reason }] = await stage.sql('SELECT reason FROM comment_edits WHERE customer_id = $1', [id]);
  assert.equal(reason, 'Wrong customer');
});

// A window whose session has ended while a comment is corrected.
async function correctingLate() {
  const { id, name } = await customer();
  await stage.sql("INSERT INTO comments (customer_id, author, body) VALUES ($1, 'user0', 'A qoute')", [id]);
  const window = await Window.open('user0');
  await window.edit(name);
  await window.entry('A qoute').getByRole('button', { name: 'Correct' }).click();
  await window.dialog.getByLabel('Text', { exact: true }).fill('A quote');
  await window.context.clearCookies();
  await window.button('Correct').click();
  await window.page.getByText('Your session has ended').waitFor();
  return { id, window };
}

test('401 while a comment is corrected: it goes on after the login', async () => {
  const { id, window } = await correctingLate();
  await window.logIn('user0');
  await window.says('is corrected');
  assert.deepEqual((await stored(id)).comments, ['user0: A quote']);
});

test('401 while a comment is corrected: nothing is sent as somebody else', async () => {
  const { id, window } = await correctingLate();
  await window.logIn('user1');
  await window.dialog.getByText('You are user1 now').waitFor();
  assert.equal(window.puts, 1);
  await window.button('Correct').click();
  await window.dialog.locator('#correction-problem', { hasText: /is not yours$/ }).waitFor();
  assert.deepEqual((await stored(id)).comments, ['user0: A qoute']);
});

// A customer with a deal, and the dialogue's parts for it.
async function offered() {
  const { id, name } = await customer();
  const [deal] = await stage.sql(
    "INSERT INTO deals (customer_id, name, amount, currency) VALUES ($1, 'Licences', 1200, 'EUR') RETURNING id",
    [id],
  );
  const price = async () => {
    const [row] = await stage.sql('SELECT stage, amount, currency FROM deals WHERE id = $1', [deal.id]);
    return row && `${row.stage} ${row.amount} ${row.currency}`;
  };
  return { name, deal: deal.id, price };
}
const dealField = (window, label) => window.dialog.getByLabel(label, { exact: true });
const changeDeal = (window) => window.button('Change Licences').click();

test('deals: a save shows in other windows, and what was not touched stays as others have it', async () => {
  const { name, price } = await offered();
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  for (const window of [first, second]) {
    await window.edit(name);
    await changeDeal(window);
  }
  await dealField(first, 'Amount').fill('1250.50');
  await first.button('Save deal').click();
  await first.says('Licences is saved.');
  await second.dialog.getByRole('row', { name: 'Licences open 1250.50 EUR' }).waitFor();
  assert.equal(await dealField(second, 'Amount').inputValue(), '1200.00');
  await dealField(second, 'Stage').fill('won');
  await second.button('Save deal').click();
  await second.says('Licences is saved.');
  await first.dialog.getByRole('row', { name: 'Licences won 1250.50 EUR' }).waitFor();
  assert.equal(await price(), 'won 1250.50 EUR');
});

test('deals: amount and currency collide as one; mine or theirs, never half of each', async () => {
  const { name, deal, price } = await offered();
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  for (const window of [first, second]) {
    await window.edit(name);
    await changeDeal(window);
    await dealField(window, 'Amount').fill('1300');
  }
  await stage.sql("UPDATE deals SET currency = 'USD', stage = 'offered' WHERE id = $1", [deal]);
  for (const window of [first, second]) {
    await window.button('Save deal').click();
    await window.dialog.getByText('currency: was EUR, theirs USD').waitFor();
    assert.equal(await dealField(window, 'Amount').inputValue(), '1300');
    assert.equal(await dealField(window, 'Currency').inputValue(), 'EUR');
    // What nobody here touched is as they have it.
    assert.equal(await dealField(window, 'Stage').inputValue(), 'offered');
  }
  assert.equal(await price(), 'offered 1200.00 USD');
  await first.button('Take theirs').click();
  assert.equal(await dealField(first, 'Amount').inputValue(), '1200');
  await dealField(first, 'Stage').fill('won');
  await first.button('Save deal').click();
  await first.says('Licences is saved.');
  assert.equal(await price(), 'won 1200.00 USD');
  // Mine, both of it
  await second.button('Save deal').click();
  await second.says('Licences is saved.');
  assert.equal(await price(), 'won 1300.00 EUR');
});

test('deals: what the database refuses is told, and what was typed is kept', async () => {
  const { name, price } = await offered();
  const window = await Window.open('user0');
  await window.edit(name);
  await changeDeal(window);
  await dealField(window, 'Amount').fill('much');
  await window.button('Save deal').click();
  await window.dialog.locator('#deal-problem', { hasText: 'invalid input syntax' }).waitFor();
  assert.equal(await dealField(window, 'Amount').inputValue(), 'much');
  await window.page.keyboard.press('Escape');
  await window.unsaved.waitFor();
  assert.equal(await price(), 'open 1200.00 EUR');
});

test('deals: one is deleted unless somebody changed it, and restored', async () => {
  const { name, deal, price } = await offered();
  const [first, second] = await Promise.all(['user0', 'user1'].map(Window.open));
  await second.page.getByText('Deleted', { exact: true }).first().click();
  await first.edit(name);
  await changeDeal(first);
  await stage.sql("UPDATE deals SET stage = 'won' WHERE id = $1", [deal]);
  await first.button('Delete deal').click();
  await first.dialog.getByText('changed Licences after you opened it').waitFor();
  assert.equal(await dealField(first, 'Stage').inputValue(), 'won');
  assert.equal(await price(), 'won 1200.00 EUR');
  await first.button('Delete deal').click();
  await first.says('Licences is deleted.');
  await first.dialog.getByRole('row', { name: 'Licences' }).waitFor({ state: 'detached' });
  assert.equal(await price(), undefined);
  await second.deletedLine(`Licences of ${name}`).getByRole('button').click();
  await second.says(`Licences of ${name} is restored.`);
  await first.dialog.getByRole('row', { name: 'Licences won 1200.00 EUR' }).waitFor();
  assert.equal(await price(), 'won 1200.00 EUR');
});

test('an answer about the timeline that was overtaken is dropped', async () => {
  const { id, name } = await customer();
  const window = await Window.open('user0');
  let answerLate;
  const held = new Promise((resolve) => (answerLate = resolve));
  const isRead = new Promise((resolve) => {
    window.page.route(
      '**/timeline',
      async (route) => {
        const response = await route.fetch();
        resolve();
        await held;
        await route.fulfill({ response });
      },
      { times: 1 },
    );
  });
  await window.edit(name);
  await isRead;
  await stage.sql("INSERT INTO comments (customer_id, author, body) VALUES ($1, 'import', 'Note')", [id]);
  await window.entry('Note').waitFor();
  const late = window.page.waitForResponse('**/timeline');
  answerLate();
  await (await late).finished();
  await window.page.evaluate("fetch('/api/session').then((response) => response.text())");
  assert.equal(await window.entry('Note').count(), 1);
});
