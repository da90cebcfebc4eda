import { element, make, when } from './api.js';
import { ask, problemOf, write } from './session.js';

const list = element('deals');
const form = element('deal');
const problem = element('deal-problem');
const theirs = element('deal-theirs');
const buttons = form.querySelectorAll('button');
const inputs = { stage: element('deal-stage'), amount: element('deal-amount'), currency: element('deal-currency') };

const value = (name) => inputs[name].value.trim() || null;
const text = (given) => (given === null || given === undefined ? '' : String(given));

// The deals of the dialogue's customer, and the form in which one of them is changed or deleted.
//
// row is the deal as the form was opened with it; it moves on only when a conflict has shown what happened since.
export class Deals {
  constructor({ say }) {
    this.say = say;
    this.loads = 0;
    this.row = null;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.save();
    });
    theirs.addEventListener('click', () => this.takeTheirs());
    element('deal-delete').addEventListener('click', () => this.send('DELETE', { updated_at: this.row.updated_at }));
    element('deal-cancel').addEventListener('click', () => this.close());
  }

  clear() {
    this.loads++;
    this.customerId = null;
    list.replaceChildren();
    this.close();
  }

  async load(customerId) {
    this.customerId = customerId;
    const load = ++this.loads;
    const { status, body } = await ask('GET', `/api/customers/${customerId}/deals`);
    if (load !== this.loads) return;
    if (status === 200) list.replaceChildren(...body.map((row) => this.line(row)));
    else this.say(body.message);
  }

  line(row) {
    const { name, stage, amount, currency } = row;
    const button = { type: 'button', ariaLabel: `Change ${name}`, onclick: () => this.open(row) };
    return make(
      'tr',
      {},
      make('td', {}, name),
      make('td', {}, stage),
      make('td', {}, [amount, currency].filter(Boolean).join(' ')),
      make('td', {}, make('button', button, 'Change')),
    );
  }

  open(row) {
    this.row = { ...row };
    element('deal-title').textContent = row.name;
    for (const [name, input] of Object.entries(inputs)) input.value = text(row[name]);
    problem.textContent = '';
    this.conflicts = [];
    theirs.hidden = true;
    form.hidden = false;
    inputs.stage.focus();
  }

  close() {
    form.hidden = true;
    this.row = null;
  }

  isTouched(name) {
    return inputs[name].value.trim() !== text(this.row[name]);
  }

  isDirty() {
    return this.row !== null && Object.keys(inputs).some((name) => this.isTouched(name));
  }

  // Sends all of the form: with merge, what is as it was stays as others have it.
  save() {
    const values = Object.fromEntries(Object.keys(inputs).map((name) => [name, value(name)]));
    this.send('PUT', { ...values, updated_at: this.row.updated_at, merge: true });
  }

  async send(method, request) {
    const { row, customerId } = this;
    problem.textContent = '';
    for (const button of buttons) button.disabled = true;
    try {
      const { status, body } = await write(method, `/api/deals/${row.id}`, request);
      if (status === 200) {
        this.say(`${row.name} is ${method === 'DELETE' ? 'deleted' : 'saved'}.`);
        if (this.row === row) this.close();
      } else if (this.row !== row) {
        this.say(`${row.name} was not changed. ${problemOf({ status, body })}`); // the form was closed meanwhile
      } else if (status === 409) {
        this.showConflict(body);
      } else {
        problem.textContent = problemOf({ status, body });
      }
      if (this.customerId === customerId) this.load(customerId);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  // Amount and currency collide as one: a merge would make a price that nobody entered.
  showConflict({ current, conflicts = [], changes = [] }) {
    const last = changes.at(-1);
    const isMine = (name) => this.isTouched(name) || conflicts.some(({ field }) => field === name);
    const others = Object.keys(inputs).filter((name) => !isMine(name));
    this.row = { ...this.row, ...current };
    for (const name of others) inputs[name].value = text(current[name]);
    this.conflicts = conflicts;
    theirs.hidden = conflicts.length === 0;
    const who = last ? `${last.author ?? last.db_user}, ${when(last.recorded_at)},` : 'Somebody';
    problem.textContent = [
      `${who} changed this deal after you opened it. Nothing was overwritten.`,
      ...conflicts.map(({ field, was, theirs }) => `${field}: was ${text(was)}, theirs ${text(theirs)}.`),
      'What you see below is what Save or Delete would do now.',
    ].join(' ');
  }

  takeTheirs() {
    for (const { field } of this.conflicts) inputs[field].value = text(this.row[field]);
    theirs.hidden = true;
    inputs.stage.focus();
  }
}
