import { element, line, make, when, words } from './api.js';
import { ask, mayEdit, problemOf, write } from './session.js';

const details = element('deleted');
const list = element('deleted-rows');

// What was deleted and can be restored. It is read when it is opened, and while it is open, when something was deleted
// or restored.
export class Deleted {
  constructor({ say }) {
    this.say = say;
    this.loads = 0;
    details.addEventListener('toggle', () => this.load());
  }

  async load() {
    if (!details.open) return;
    const load = ++this.loads;
    const answers = await Promise.all(['customers', 'deals'].map((what) => ask('GET', `/api/deleted/${what}`)));
    if (load !== this.loads) return;
    const failed = answers.find(({ status }) => status !== 200);
    if (failed) {
      this.say(failed.body.message);
      return;
    }
    const [customers, deals] = answers.map(({ body }) => body);
    element('deleted-empty').hidden = customers.length + deals.length > 0;
    list.closest('table').hidden = customers.length + deals.length === 0;
    list.replaceChildren(
      ...customers.map((row) => this.line(`/api/customers/${row.id}`, row.name ?? `Customer ${row.id}`, row, row.comment)),
      ...deals.map((row) => this.line(`/api/deals/${row.id}`, `${row.name} of ${row.customer ?? row.customer_id}`, row)),
    );
  }

  line(path, name, { deleted_at, deleted_by }, comment) {
    const button = { type: 'button', ariaLabel: `Restore ${name}`, onclick: () => this.restore(path, name) };
    const time = make('time', { dateTime: deleted_at }, when(deleted_at));
    return line({
      Name: name,
      Deleted: make('span', {}, time, ...words` by ${deleted_by}`),
      Comment: comment,
      Restore: mayEdit() ? make('button', button, 'Restore') : '',
    });
  }

  async restore(path, name) {
    const { status, body } = await write('POST', `${path}/restore`, {});
    const others = body.save?.detail?.records?.length ?? 0;
    if (status === 200) this.say([...words`${name} is restored`, others > 0 ? `, with ${others} that went with it.` : '.']);
    else if (status === 404 || status === 410) this.say(words`${name} is kept no longer; nothing was restored.`);
    else this.say(problemOf({ status, body }));
    this.load();
  }
}
