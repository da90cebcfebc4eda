// What is cut off, what axe knows of accessibility, and what is written from right to left: each state at each width.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import axe from 'axe-core';
import { stage, Window } from './windows.js';

const widths = [320, 390, 1280];
// Axe takes most of the time: it looks at each state where there is the least room, or with FULL=yes at every width.
const inspected = process.env.FULL === 'yes' ? widths : widths.slice(0, 1);
const hebrew = 'שלום עולם (מבחן) 123!';
// From right to left, and too long for a line.
const text = `${hebrew} ${'Donaudampfschifffahrtsgesellschaft'.repeat(6)}`;

// What a page of this width does not show: run in the page.
function cutOff() {
  const dialogs = [...document.querySelectorAll('dialog[open]')];
  const top = dialogs.at(-1) ?? document.body;
  const name = (node) => `${node.tagName} ${node.id} ${node.ariaLabel ?? node.textContent.slice(0, 40)}`;
  const problems = [];
  const { scrollWidth } = document.scrollingElement;
  if (scrollWidth > innerWidth) problems.push(`the page is ${scrollWidth} px wide`);
  if (top.scrollWidth > top.clientWidth) problems.push(`${name(top)} is ${top.scrollWidth} px wide`);
  for (const node of top.querySelectorAll('button, input, select, textarea, summary, h1, h2, h3, h4, p, li, label, legend, bdi, td, th')) {
    if (!node.checkVisibility() || node.closest('thead')?.clientWidth === 1) continue;
    const { left, right } = node.getBoundingClientRect();
    if (left < 0 || right > innerWidth + 0.5) problems.push(`${name(node)} ends at ${right}`);
    const isCut = node.matches('button') && (node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight);
    if (isCut) problems.push(`${name(node)} is cut`);
  }
  return problems;
}

// What is behind an open dialogue nobody reaches.
function violationsOfAxe() {
  const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document;
  return window.axe.run(top, { rules: { 'target-size': { enabled: true } }, resultTypes: ['violations'] });
}

async function inspect({ page }, state) {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    assert.deepEqual(await page.evaluate(cutOff), [], `${state} at ${width} px`);
    if (!inspected.includes(width)) continue;
    if (!(await page.evaluate('Boolean(window.axe)'))) await page.evaluate(axe.source);
    const { violations } = await page.evaluate(violationsOfAxe);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    assert.deepEqual(found, [], `${state} at ${width} px`);
  }
}

// A customer of texts that are long and unbroken, or from right to left, and all that can belong to one.
async function customer(login) {
  const [{ id, seen }] = await stage.sql(
    'INSERT INTO customers (name, phone, email, status) VALUES ($1, $1, $1, $1) RETURNING id, updated_at::text AS seen',
    [text],
  );
  await stage.sql('INSERT INTO deals (customer_id, name, stage, amount) VALUES ($1, $2, $2, 1200)', [id, text]);
  const [{ id: deal }] = await stage.sql('INSERT INTO deals (customer_id, name) VALUES ($1, $2) RETURNING id', [id, text]);
  await stage.sql('DELETE FROM deals WHERE id = $1', [deal]);
  await stage.sql('INSERT INTO comments (customer_id, author, body) VALUES ($1, $2, $3), ($1, $3, $3)', [id, login, text]);
  await stage.sql("UPDATE customers SET status = 'won', phone = $2 WHERE id = $1", [id, `+${text}`]);
  await stage.sql("SET crm_concurrency.keep_refused = 'all'");
  const refused = "SELECT crm_update_customer($1, $2, $3, $3, $4, fields => jsonb_build_object('phone', $3::text))";
  await stage.sql(refused, [id, seen, `my ${text}`, login]);
  const [{ id: other }] = await stage.sql('INSERT INTO customers (name) VALUES ($1) RETURNING id', [`deleted ${text}`]);
  await stage.sql('SELECT crm_delete_customer(id, updated_at, $2, $2) FROM customers WHERE id = $1', [other, text]);
  return id;
}

test('the login and the empty list', async () => {
  await stage.sql('DELETE FROM customers');
  await stage.sql('DELETE FROM customer_deletions');
  await stage.sql('DELETE FROM deals_deletions');
  const window = await Window.at('/');
  await window.page.getByRole('dialog', { name: 'Log in' }).waitFor();
  await inspect(window, 'the login');
  await window.logIn('user0', 'wrong');
  await window.page.getByText('the password is another').waitFor();
  await window.page.keyboard.press('Escape');
  await window.page.getByText('You are not logged in.').waitFor();
  await window.page.getByRole('button', { name: 'Log in' }).click();
  await window.logIn('user0');
  await window.page.getByText('There are no customers yet.').waitFor();
  assert.equal(await window.page.evaluate('document.activeElement.id'), 'title');
  await window.page.getByText('Deleted', { exact: true }).first().click();
  await window.page.getByText('Nothing that was deleted can be restored.').waitFor();
  await inspect(window, 'the empty list');
});

test('each state with text that is long and from right to left', async () => {
  const login = 'user1';
  const id = await customer(login);
  const window = await Window.open(login);
  await window.line(text).first().waitFor();
  const shows = (state) => inspect(window, state);
  await window.page.getByText('Deleted', { exact: true }).first().click();
  await window.deletedLine(`deleted ${text}`).waitFor();
  await shows('the list, refused saves and what was deleted');

  const reopen = window.page.locator('#refused-rows').getByRole('button', { name: `Reopen your save of ${text}` });
  await reopen.click();
  await window.dialog.getByRole('region', { name: 'Your save was refused' }).waitFor();
  await shows('a refused save');
  await window.button('Close').click();
  await window.closed();

  await window.edit(text);
  await window.entry(text).getByRole('button', { name: 'Correct' }).first().click();
  await window.button(`Change ${text}`).click();
  await shows('the form, a correction, a deal and the timeline');
  await stage.sql('UPDATE deals SET stage = $2, currency = $3 WHERE customer_id = $1', [id, `their ${text}`, 'EUR']);
  await window.dialog.getByLabel('Amount', { exact: true }).fill('7');
  await window.button('Save deal').click();
  await window.button('Take theirs').waitFor();
  await shows('a conflict of a deal');
  await window.button('Take theirs').click();
  await window.dialog.locator('#deal').getByRole('button', { name: 'Cancel' }).click();
  const author = `${text} Ltd`;
  const lock = 'SELECT outcome FROM crm_lock_customer($1, $2)';
  assert.equal((await stage.sql(lock, [id, author]))[0].outcome, 'acquired');
  await window.dialog.getByText(`${author} has locked ${text} until`).waitFor();
  await window.type('lost', text);
  await window.dialog.getByLabel('Phone', { exact: true }).fill(`my ${text}`);
  await window.save();
  await window.problem.getByText('Nothing was saved.').waitFor();
  await shows('a customer that somebody else has locked');
  await stage.sql('SELECT crm_unlock_customer($1, NULL, force => true, author => $2)', [id, author]);

  const save = `SELECT crm_update_customer(id, updated_at, $2, $2, $3, fields => jsonb_build_object('phone', $2::text))
                FROM customers WHERE id = $1`;
  await stage.sql(save, [id, `their ${text}`, author]);
  await window.dialog.getByText(`${author} changed ${text} while you were editing`).waitFor();
  await shows('a change meanwhile');
  await window.save();
  await window.dialog.getByRole('group', { name: 'Phone', exact: true }).getByRole('radio', { name: /^Theirs/ }).check();
  await shows('a conflict');
  await window.page.keyboard.press('Escape');
  await window.unsaved.waitFor();
  await window.page.emulateMedia({ colorScheme: 'dark' });
  await shows('in the dark, the question before typed text is lost');
  await window.page.emulateMedia({ colorScheme: 'light' });
  await window.context.clearCookies();
  await window.button('Keep editing').click();
  await window.dialog.getByRole('group', { name: 'Status', exact: true }).getByRole('radio', { name: /^Theirs/ }).check();
  await window.save();
  await window.page.getByText('Your session has ended').waitFor();
  await shows('a login over the dialogue');
});

test('what a viewer sees, a search that finds nothing, a customer that is gone', async () => {
  const id = await customer('user3');
  const window = await Window.open('viewer');
  await window.page.getByRole('searchbox').fill(`no ${text}`);
  await window.page.getByText(`No customer matches “no ${text}”.`).waitFor();
  await inspect(window, 'a search that finds nothing');
  await window.page.getByRole('searchbox').fill('');
  const line = window.page.locator(`#customers tr[data-id="${id}"]`);
  await line.getByRole('button').click();
  await window.dialog.getByText('but not change it').waitFor();
  await window.entry(text).first().waitFor();
  await inspect(window, 'the form of a viewer');
  await stage.sql('DELETE FROM customers WHERE id = $1', [id]);
  await window.problem.getByText(`${text} was deleted.`).waitFor();
  await inspect(window, 'a customer that is gone');
});

test('what people wrote is read in its own direction, wherever it stands', async () => {
  const [{ id }] = await stage.sql('INSERT INTO customers (name, phone) VALUES ($1, $1) RETURNING id', [`${hebrew}x`]);
  const window = await Window.open('user0');
  const name = `${hebrew}x`;
  const direction = (locator) => locator.evaluate((node) => getComputedStyle(node).direction);
  assert.equal(await direction(window.line(name).locator('[data-label=Name] bdi')), 'rtl');
  assert.equal(await direction(window.line(name).locator('[data-label=Status] bdi')), 'ltr');
  await window.edit(name);
  for (const label of ['Name', 'Phone']) {
    assert.equal(await direction(window.dialog.getByLabel(label, { exact: true })), 'rtl');
  }
  await window.type('won', hebrew);
  assert.equal(await direction(window.notes), 'rtl');
  await window.save();
  await window.says(`${name} is saved.`);
  // The sentence is English, the name in it is not, and its full stop stays at the end of the sentence.
  assert.deepEqual(await window.page.locator('#news bdi').allTextContents(), [name]);
  assert.equal(await direction(window.page.locator('#news')), 'ltr');
  await window.edit(name);
  assert.equal(await direction(window.entry(hebrew).locator('p')), 'rtl');
  assert.equal((await stage.sql('SELECT status FROM customers WHERE id = $1', [id]))[0].status, 'won');
});

test('on a narrow screen the lines of a table are cards, and a table still', async () => {
  const [{ name }] = await stage.sql("INSERT INTO customers (name, phone) VALUES ('Narrow', '555-0100') RETURNING name");
  const window = await Window.open('user0');
  await window.line(name).waitFor();
  const cells = window.line(name).getByRole('cell');
  const edges = async () => Promise.all((await cells.all()).map(async (cell) => (await cell.boundingBox())?.x));
  await window.page.setViewportSize({ width: 1280, height: 800 });
  assert.equal(new Set(await edges()).size, 4);
  await window.page.setViewportSize({ width: 390, height: 800 });
  assert.equal(new Set(await edges()).size, 1);
  await window.line(name).getByRole('rowheader', { name }).waitFor();
  assert.equal(await window.page.getByRole('columnheader', { name: 'Phone' }).count(), 1);
});

test('the pictures that README.md shows are there, and small', async () => {
  const read = (name) => readFile(new URL(`../${name}`, import.meta.url));
  const pictures = [...String(await read('README.md')).matchAll(/!\[[^\]]+\]\((screenshots\/[^)]+)\)/g)].map(([, name]) => name);
  assert.equal(pictures.length, 5);
  for (const name of pictures) {
    const content = await read(name);
    assert.equal(content.subarray(1, 4).toString(), 'PNG');
    assert.ok(content.length < 120_000, `${name}: ${content.length} bytes`);
  }
});
