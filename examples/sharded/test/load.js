// Saves customers through the client, each one after the other, until standard input ends; then tells how many saves were
// answered, and how many of these as replayed. SOURCE: file:PATH or proxy:URL. Customers FIRST to LAST.
import { fromFile, fromProxy } from '../partitions.js';
import { Sharded } from '../sharded.js';

const [source, first, last] = process.argv.slice(2);
const place = source.replace(/^\w+:/, '');
const sharded = new Sharded(source.startsWith('file:') ? fromFile(place) : fromProxy({ connectionString: place }), {
  pool: { user: process.env.PGUSER, password: process.env.PGPASSWORD }, patience: 60_000,
});

let ended = false;
process.stdin.on('end', () => { ended = true; }).resume();
const told = { saves: 0, replayed: 0 };

async function saveAgainAndAgain(id) {
  const { crm_get_customer: { customer } } = await sharded.call('crm_get_customer', id);
  let base = customer.updated_at;
  for (let n = 1; !ended; n += 1) {
    const saved = await sharded.call('crm_update_customer', id, base, `status ${n}`, `JavaScript ${n}`, 'ana');
    if (saved.outcome !== 'updated' && saved.outcome !== 'replayed') throw new Error(`${id}: ${JSON.stringify(saved)}`);
    told.saves += 1;
    if (saved.outcome === 'replayed') told.replayed += 1;
    base = saved.updated_at;
  }
}

const ids = Array.from({ length: last - first + 1 }, (_, i) => Number(first) + i);
await Promise.all(ids.map(saveAgainAndAgain));
await sharded.end();
console.log(`${told.saves} saves, ${told.replayed} replayed`);
