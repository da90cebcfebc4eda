import { element, line, make, when, words } from './api.js';
import { ask } from './session.js';
import { shown } from './timeline.js';

const section = element('refused');
const list = element('refused-rows');

// The user's own refused saves, which wait on the server until they are decided: those of closed windows, too.
export class Refused {
  constructor({ say, onReopen }) {
    Object.assign(this, { say, onReopen });
    this.loads = 0;
    this.customers = new Set();
  }

  has(customerId) {
    return this.customers.has(customerId);
  }

  async load() {
    const load = ++this.loads;
    const { status, body } = await ask('GET', '/api/refused');
    if (load !== this.loads) return;
    if (status !== 200) {
      this.say(body.message);
      return;
    }
    this.customers = new Set(body.map(({ customer_id }) => customer_id));
    list.replaceChildren(...body.map((save) => this.line(save)));
    section.hidden = body.length === 0;
  }

  line(save) {
    const name = save.name ?? `Customer ${save.customer_id}`;
    const asked = Object.entries(save.asked).flatMap(([field, value], n) => [
      n === 0 ? '' : ', ',
      ...words`${field} ${shown(value)}`,
    ]);
    const button = { type: 'button', ariaLabel: `Reopen your save of ${name}`, onclick: () => this.onReopen(save) };
    return line({
      Name: name,
      Refused: make('time', { dateTime: save.refused_at }, when(save.refused_at)),
      'Asked for': make('span', {}, ...asked),
      Comment: save.notes,
      Reopen: make('button', button, 'Reopen'),
    });
  }
}
