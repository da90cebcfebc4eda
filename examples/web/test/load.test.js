// What load/run.js says when it cannot run, and what it leaves behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Stage, until } from './harness.js';

const program = fileURLToPath(new URL('../load/run.js', import.meta.url));
// By its name the sessions of load/run.js, and so its database, are told from those of other tests.
const name = `load ${process.pid}`;
let server;
let root;
let prefix;

before(async () => {
  server = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await server.connect();
});
after(() => server.end());
afterEach(() => rm(root, { recursive: true }));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'crm-load-test-'));
  prefix = join(root, 'jmeter');
  await mkdir(join(root, 'tmp'));
});

function start(tool, { url, path = '' } = {}) {
  const base = url ?? process.env.DATABASE_URL;
  const child = spawn(process.execPath, [program, tool], {
    cwd: join(root, 'tmp'),
    env: { DATABASE_URL: base, PGAPPNAME: name, TMPDIR: join(root, 'tmp'), PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (run.stdout += data));
  child.stderr.on('data', (data) => (run.stderr += data));
  run.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  return run;
}

// One line, status 1, and nothing left.
async function says(line, tool, options) {
  const run = start(tool, options);
  assert.equal(await run.ended, 1, run.stderr);
  assert.match(run.stderr, line);
  assert.equal(run.stderr.trim().split('\n').length, 1, run.stderr);
  assert.deepEqual(await readdir(join(root, 'tmp')), []);
}

// A JMeter that does what the script says; java only has to be there.
async function makeJMeter(script, { http = true } = {}) {
  await mkdir(join(prefix, 'bin'), { recursive: true });
  await mkdir(join(prefix, 'lib', 'ext'), { recursive: true });
  if (http) await writeFile(join(prefix, 'lib', 'ext', 'ApacheJMeter_http.jar'), '');
  await writeFile(join(prefix, 'bin', 'jmeter'), `#!/bin/sh\n${script}\n`);
  await chmod(join(prefix, 'bin', 'jmeter'), 0o755);
  await symlink('/bin/true', join(prefix, 'bin', 'java'));
  return { path: `${join(prefix, 'bin')}:/usr/bin:/bin` };
}

const databases = async () =>
  (await server.query('SELECT DISTINCT datname FROM pg_stat_activity WHERE application_name = $1 AND datname LIKE $2', [name, 'crm\\_web\\_%']))
    .rows.map(({ datname }) => datname);

async function isGone(database) {
  const query = 'SELECT (SELECT count(*) FROM pg_database WHERE datname = $1) + (SELECT count(*) FROM pg_roles WHERE rolname = $1) AS n';
  return Number((await server.query(query, [database])).rows[0].n) === 0;
}

test('JMeter that is missing is one line', () => says(/no jmeter in the PATH: apt-get install jmeter jmeter-http/, 'jmeter'));

test('JMeter without its HTTP part is one line', async () => {
  await says(/without its HTTP part.*apt-get install jmeter-http/, 'jmeter', await makeJMeter('exit 0', { http: false }));
});

test('a JMeter that leaves no results says why', async () => {
  await says(/JMeter left no results: .*ERROR.*no such class/, 'jmeter', await makeJMeter('echo "a INFO b\n1 ERROR - no such class" > jmeter.log'));
});

test('npx that is missing is one line', () => says(/no npx in the PATH/, 'artillery'));

test('a DATABASE_URL that is not one of PostgreSQL is one line', async () => {
  const options = await makeJMeter('exit 0');
  await says(/must be the postgresql:\/\/ URI/, 'jmeter', { ...options, url: 'http://127.0.0.1:8080' });
});

test('a server that is not there is one line', async () => {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  const options = await makeJMeter('exit 0');
  await says(/ECONNREFUSED/, 'jmeter', { ...options, url: `postgresql://crm_web:crm_web@127.0.0.1:${port}/crm` });
});

test('the URL of the backend’s database user is one line', async () => {
  const stage = await Stage.open();
  try {
    const options = await makeJMeter('exit 0');
    await says(/crm_web_\w+ may not create databases and roles: take the one that scripts\/cluster/, 'jmeter', { ...options, url: stage.url });
  } finally {
    await stage.close();
  }
});

for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143]]) {
  test(`${signal} ends the plan, and nothing is left`, async () => {
    const running = join(root, 'running');
    const options = await makeJMeter(`echo log > jmeter.log; sleep 600 & echo $! > ${running}.new; mv ${running}.new ${running}; wait`);
    const run = start('jmeter', options);
    await until('the plan runs', async () => (await readdir(dirname(running))).includes('running'));
    const [database] = await databases();
    assert.ok(database);
    run.child.kill(signal);
    assert.equal(await run.ended, status, run.stderr);
    assert.equal(run.stderr, `load/run.js: interrupted (${signal})\n`);
    assert.deepEqual(await readdir(join(root, 'tmp')), []);
    assert.ok(await isGone(database));
    // one that nobody waited for has no command line
    const pid = (await readFile(running, 'utf8')).trim();
    assert.equal(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''), '');
  });
}
