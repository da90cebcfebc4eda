import { element, fill, line, make, when, words } from './api.js';
import { ask, mayEdit, problemOf, write } from './session.js';

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
    if (status !== 200) {
      this.say(body.message);
      return;
    }
    list.replaceChildren(...body.map((row) => this.line(row)));
    list.closest('table').hidden = body.length === 0;
    element('deals-empty').hidden = body.length > 0;
  }

  line(row) {
    const { name, stage, amount, currency } = row;
    const button = { type: 'button', ariaLabel: `Change ${name}`, onclick: () => this.open(row) };
    return line({
      Name: name,
      Stage: stage,
      Amount: [amount, currency].filter(Boolean).join(' '),
      Change: mayEdit() ? make('button', button, 'Change') : '',
    });
  }

  open(row) {
    if (this.isDirty()) {
      problem.textContent = 'This deal is not saved. Save it, or cancel it, before you open another.';
      inputs.stage.focus();
      return;
    }
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
        this.say([...words`${row.name} is `, method === 'DELETE' ? 'deleted.' : 'saved.']);
        if (this.row === row) this.close();
      } else if (this.row !== row) {
        // The form was closed meanwhile.
        this.say(words`${row.name} was not changed. ${[problemOf({ status, body }, row.name)].flat()}`);
      } else if (status === 409) {
        this.showConflict(body);
      } else {
        fill(problem, problemOf({ status, body }, row.name));
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
    const who = last ? [...words`${last.author ?? last.db_user}`, `, ${when(last.recorded_at)},`] : ['Somebody'];
    fill(problem, [
      ...words`${who} changed ${this.row.name} after you opened it. Nothing was overwritten. `,
      ...conflicts.flatMap(({ field, was, theirs }) => words`${field}: was ${text(was)}, theirs ${text(theirs)}. `),
      'What you see below is what Save or Delete would do now.',
    ]);
  }

  takeTheirs() {
    for (const { field } of this.conflicts) inputs[field].value = text(this.row[field]);
    theirs.hidden = true;
    inputs.stage.focus();
  }
}
