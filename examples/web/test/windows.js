// A backend for the tests of one file, and browser windows on its page.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { launch } from './browser.js';
import { Stage, until } from './harness.js';

export let stage;
let browser;
let mistakes;

before(async () => {
  stage = await Stage.open({ LOCK_SECONDS: '0.5' });
  browser = await launch();
  mistakes = [];
});
after(async () => {
  await browser?.close();
  await stage?.close();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  assert.deepEqual(mistakes.splice(0), []);
});

// A browser window of its own session.
export class Window {
  static async open(login) {
    const window = await Window.at('/');
    window.verb = login === 'viewer' ? 'View' : 'Edit';
    await window.logIn(login);
    await window.page.getByText('Live', { exact: true }).waitFor();
    return window;
  }

  // Before the login
  static async at(path) {
    const window = new Window();
    window.context = await browser.newContext();
    window.page = await window.context.newPage();
    window.page.setDefaultTimeout(15_000);
    window.page.on('pageerror', (error) => mistakes.push(String(error)));
    window.puts = 0;
    window.sent = []; // changes, by method
    window.page.on('request', (request) => {
      window.puts += request.method() === 'PUT';
      if (request.method() !== 'GET') window.sent.push(request.method());
    });
    await window.page.goto(`${stage.base}${path}`);
    return window;
  }

  async logIn(login, password = `${login}!`) {
    const dialog = this.page.getByRole('dialog', { name: 'Log in' });
    await dialog.getByLabel('Name').fill(login);
    await dialog.getByLabel('Password').fill(password);
    await dialog.getByRole('button', { name: 'Log in' }).click();
  }

  async edit(name) {
    await this.page.getByRole('button', { name: `${this.verb} ${name}` }).click();
    await this.dialog.waitFor();
  }

  get dialog() {
    return this.page.locator('#editor[open]');
  }
  get status() {
    return this.dialog.getByLabel('Status', { exact: true });
  }
  get notes() {
    return this.dialog.getByLabel('New comment');
  }
  get problem() {
    return this.dialog.getByRole('alert');
  }
  get unsaved() {
    return this.dialog.getByRole('group', { name: 'What you typed is not saved.' });
  }
  get base() {
    return this.page.locator('#version time').getAttribute('datetime');
  }

  button(name) {
    return this.dialog.getByRole('button', { name, exact: true });
  }

  async type(status, notes) {
    if (status) await this.status.selectOption(status);
    if (notes) await this.notes.fill(notes);
  }

  save() {
    return this.button('Save').click();
  }

  closed() {
    return this.dialog.waitFor({ state: 'detached' });
  }

  says(text) {
    return this.page.locator('#news', { hasText: text }).waitFor();
  }

  deletedLine(name) {
    return this.page.locator('#deleted-rows tr', { hasText: name });
  }

  // An entry of the dialogue's timeline.
  entry(text) {
    return this.dialog.locator('#timeline li', { hasText: text });
  }

  line(name) {
    return this.page.locator('#customers tr', { hasText: name });
  }

  // The status that the list shows.
  listed(name) {
    return this.line(name).locator('[data-label=Status]').textContent();
  }

  shows(name, status) {
    return until(`${name} to be shown as ${status}`, async () => (await this.listed(name)) === status);
  }
}

let number = 0;

// A customer of its own for each test.
export async function customer(name = `Customer ${++number}x`) {
  const [{ id }] = await stage.sql('INSERT INTO customers (name) VALUES ($1) RETURNING id', [name]);
  return { id, name };
}

export const stored = async (id) => {
  const [{ status }] = await stage.sql('SELECT status FROM customers WHERE id = $1', [id]);
  const comments = await stage.sql(
    'SELECT author, body, save_refused FROM comments WHERE customer_id = $1 ORDER BY id',
    [id],
  );
  const saves = await stage.sql(
    "SELECT author FROM customer_history WHERE customer_id = $1 AND operation = 'update' ORDER BY version",
    [id],
  );
  return {
    status,
    comments: comments.map(({ author, body, save_refused }) => `${author}: ${body}${save_refused ? ' (refused)' : ''}`),
    saves: saves.map(({ author }) => author),
  };
};
