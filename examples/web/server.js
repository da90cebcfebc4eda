import { createApp } from './src/app.js';
import { Sessions } from './src/auth.js';
import { Customers } from './src/customers.js';
import { Database, reasonOf } from './src/database.js';
import { Deals } from './src/deals.js';
import { Events } from './src/events.js';

const { env } = process;
if (!env.DATABASE_URL) {
  console.error('DATABASE_URL names the database: postgresql://user:password@host:port/database');
  process.exit(1);
}

const database = new Database({
  connectionString: env.DATABASE_URL,
  size: Number(env.POOL_SIZE || 10),
  lockSeconds: Number(env.LOCK_SECONDS || 5),
});
const sessions = new Sessions({
  usersFile: env.USERS_FILE || new URL('users.json', import.meta.url),
  secret: env.SESSION_SECRET, // without one, sessions end with the process
  seconds: Number(env.SESSION_SECONDS || 8 * 3600),
  secure: env.COOKIE_SECURE === 'on',
});
const customers = new Customers(database);
const deals = new Deals(database);
const events = new Events(database);
try {
  await events.start([
    [await customers.findName(), 'change'],
    [await deals.findName(), 'deal'],
  ]);
} catch (error) {
  console.error(`The database that DATABASE_URL names cannot be used: ${reasonOf(error)}`);
  process.exit(1);
}

const app = createApp({ customers, deals, sessions, events });
app.once('error', (error) => {
  console.error(`Cannot listen: ${error.message}`);
  process.exit(1);
});
app.listen(Number(env.PORT || 8080), env.HOST || '127.0.0.1', () => {
  const { address, port } = app.address();
  console.log(`listening on http://${address}:${port}`);
});

async function stop() {
  app.close();
  await events.close();
  app.closeAllConnections?.();
  await database.close();
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
