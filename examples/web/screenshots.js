// Takes the pictures of README.md from the page itself: DATABASE_URL=… npm run screenshots
import { fileURLToPath } from 'node:url';
import { launch } from './test/browser.js';
import { Stage } from './test/harness.js';

const directory = fileURLToPath(new URL('screenshots/', import.meta.url));
const stage = await Stage.open({ USERS_FILE: fileURLToPath(new URL('users.json', import.meta.url)) });
const browser = await launch();

async function open(login, viewport) {
  const context = await browser.newContext({ viewport, locale: 'en-GB', timezoneId: 'UTC', colorScheme: 'light' });
  const page = await context.newPage();
  await page.goto(stage.base);
  await page.locator('#login-name').fill(login);
  await page.locator('#login-password').fill(`${login}-demo`);
  await page.getByRole('dialog').getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByRole('button', { name: /^(Edit|View) Acme/ }).waitFor();
  return page;
}

// What somebody else saves meanwhile.
const save = (name, author, status, comment, fields = null) =>
  stage.sql(
    'SELECT crm_update_customer(id, updated_at, $2, $3, $4, fields => $5) FROM customers WHERE name = $1',
    [name, status, comment, author, fields && JSON.stringify(fields)],
  );

async function edit(page, name) {
  await page.getByRole('button', { name: `Edit ${name}` }).click();
  await page.locator('#editor[open] #timeline li').first().waitFor();
}

const shoot = (target, name) => target.screenshot({ path: `${directory}${name}.png`, animations: 'disabled', caret: 'hide' });

async function takeAll() {
  await stage.sql("INSERT INTO customers (name, phone, email) VALUES ('אופק בע״מ', '555-0104', 'shalom@ofek.example')");
  await save('Acme', 'cleo', 'contacted', 'Called, they want a quote');
  await save('Borealis', 'ben', 'won', 'Signed for two years', { phone: '555-0141' });
  await stage.sql("SELECT crm_lock_customer(id, 'ben') FROM customers WHERE name = 'Cobalt'");

  const ana = await open('ana', { width: 900, height: 760 });
  await edit(ana, 'Acme');
  const dialog = ana.locator('#editor[open]');
  await dialog.getByLabel('Status', { exact: true }).selectOption('lost');
  await dialog.getByLabel('Phone').fill('555-0190');
  await dialog.getByLabel('New comment').fill('They went elsewhere');
  await save('Acme', 'ben', 'won', 'Signed today', { phone: '555-0177' });
  await dialog.getByText('ben changed Acme while you were editing').waitFor();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByRole('group', { name: 'Phone' }).getByRole('radio', { name: /^Mine/ }).check();
  await dialog.getByRole('heading', { name: 'Somebody else saved first' }).focus();
  await dialog.evaluate((node) => (node.scrollTop = 0));
  await shoot(ana, 'conflict');

  await dialog.getByRole('button', { name: 'Close', exact: true }).click();
  await dialog.getByRole('button', { name: 'Close without saving' }).click();
  await ana.getByRole('button', { name: 'Reopen your save of Acme' }).waitFor();
  await shoot(ana, 'list');

  await edit(ana, 'Borealis');
  await dialog.getByRole('heading', { name: 'Deals' }).evaluate((node) => node.scrollIntoView());
  await shoot(ana, 'timeline');

  const phone = { width: 390, height: 800 };
  const vic = await open('vic', phone);
  await vic.getByRole('searchbox').fill('o');
  await vic.getByText('found by').waitFor();
  await shoot(vic, 'narrow-list');

  const ben = await open('ben', phone);
  await edit(ben, 'Acme');
  await ben.locator('#editor').getByRole('button', { name: 'Lock while I edit' }).click();
  await ben.getByText('You have locked Acme until').waitFor();
  await shoot(ben, 'narrow-form');
}

try {
  await takeAll();
} finally {
  await browser.close();
  await stage.close();
}
