// A database of its own and a running backend for each test file.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { hashPassword } from '../src/auth.js';
import { reasonOf } from '../src/database.js';

const root = fileURLToPath(new URL('..', import.meta.url));

// Waits until a condition holds, and tells what it returned.
export async function until(what, condition, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// user0 … user29 may change customers, viewer may not; the password is the login with "!".
export const logins = Array.from({ length: 30 }, (_, n) => `user${n}`);

const hint = ': take the one that scripts/cluster start prints';

async function writeUsers(directory) {
  const users = [...logins.map((login) => [login, 'editor']), ['viewer', 'viewer']];
  const file = join(directory, 'users.json');
  // a low cost, so that thirty logins take no time
  const entries = users.map(async ([login, role]) => ({ login, name: login, role, password: await hashPassword(`${login}!`, 16) }));
  await writeFile(file, JSON.stringify(await Promise.all(entries)));
  return file;
}

export class Stage {
  static async open(settings = {}) {
    if (!/^postgres(ql)?:\/\//.test(process.env.DATABASE_URL)) {
      throw new Error(`DATABASE_URL must be the postgresql:// URI of a server on which databases can be created${hint}`);
    }
    const stage = new Stage();
    try {
      await stage.makeDatabase();
      await stage.startBackend(settings);
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  // A new database, set up by setup.sql for a role of this stage alone.
  async makeDatabase() {
    this.name = `crm_web_${randomBytes(6).toString('hex')}`;
    const server = new pg.Client({ connectionString: process.env.DATABASE_URL });
    try {
      await server.connect();
      const [{ user, may }] = (await server.query(
        'SELECT session_user AS user, rolcreatedb AND rolcreaterole OR rolsuper AS may FROM pg_roles WHERE rolname = session_user',
      )).rows;
      if (!may) throw new Error(`${user} may not create databases and roles${hint}`);
      await server.query(`CREATE DATABASE ${this.name}`);
    } catch (error) {
      await server.end();
      throw new Error(`The server that DATABASE_URL names cannot be used: ${reasonOf(error)}`, { cause: error });
    }
    this.server = server;
    const url = new URL(process.env.DATABASE_URL);
    url.pathname = `/${this.name}`;
    this.adminUrl = url.href;
    this.admin = new pg.Client({ connectionString: this.adminUrl });
    await this.admin.connect();
    await this.admin.query('CREATE EXTENSION crm_concurrency');
    await this.admin.query('SELECT crm_create_tables()');
    const setup = await readFile(join(root, 'setup.sql'), 'utf8');
    await this.admin.query(setup.replaceAll('crm_web', this.name));
    // This session is older than what setup.sql sets for the database.
    await this.admin.query('SET crm_concurrency.events = notify');
    url.username = url.password = this.name;
    this.url = url.href;
  }

  async startBackend(settings) {
    this.directory = await mkdtemp(join(tmpdir(), 'crm-web-'));
    this.backend = spawn(process.execPath, [join(root, 'server.js')], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: this.url,
        USERS_FILE: await writeUsers(this.directory),
        PORT: '0',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.log = '';
    this.backend.stderr.on('data', (data) => (this.log += data));
    this.ended = new Promise((resolve) => this.backend.once('exit', (code, signal) => resolve(code ?? signal)));
    const line = await Promise.race([
      new Promise((resolve) => createInterface({ input: this.backend.stdout }).once('line', resolve)),
      this.ended.then((how) => Promise.reject(new Error(`the backend ended (${how}):\n${this.log}`))),
    ]);
    this.base = line.replace('listening on ', '');
  }

  // Rows of a statement by the database's owner.
  async sql(text, values) {
    return (await this.admin.query(text, values)).rows;
  }

  async customer() {
    const [{ id }] = await this.sql("INSERT INTO customers (name, phone) VALUES ('Acme', '555-0100') RETURNING id");
    return Number(id);
  }

  async login(login) {
    const response = await fetch(`${this.base}/api/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ login, password: `${login}!` }),
    });
    if (response.status !== 200) throw new Error(`${login} cannot log in: ${response.status}`);
    return response.headers.get('set-cookie').split(';')[0];
  }

  // { status, headers, body } of one request.
  async request(method, path, { cookie, body, headers } = {}) {
    const response = await fetch(this.base + path, {
      method,
      headers: {
        ...(cookie && { cookie }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: typeof body === 'string' ? body : body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  }

  // A session that has locked a customer's row; release it, whatever happens.
  async hold(id) {
    const client = new pg.Client({ connectionString: this.adminUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM customers WHERE id = $1 FOR UPDATE', [id]);
    return {
      release: async () => {
        await client.query('ROLLBACK');
        await client.end();
      },
    };
  }

  async close() {
    if (this.backend && this.backend.exitCode === null && this.backend.signalCode === null) {
      this.backend.kill('SIGTERM');
      const late = setTimeout(() => this.backend.kill('SIGKILL'), 5000);
      this.how = await this.ended;
      clearTimeout(late);
    }
    if (this.directory) await rm(this.directory, { recursive: true });
    await this.admin?.end();
    if (this.server) {
      await this.server.query(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`);
      await this.server.query(`DROP ROLE IF EXISTS ${this.name}`);
      await this.server.end();
    }
  }
}
