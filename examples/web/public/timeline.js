import { element, make, textOf, when, words } from './api.js';
import { ask, mayEdit, session } from './session.js';

const list = element('timeline');

export const shown = (value) => (typeof (value ?? '') === 'object' ? JSON.stringify(value) : (value ?? '(none)'));

// The names of the columns that a change wrote.
export function fieldsOf({ status_from, status_to, fields }) {
  return [...(status_from === status_to ? [] : ['status']), ...Object.keys(fields ?? {})];
}

// A sentence of words.
export function describe({ author, db_user, at, recorded_at, operation, status_from, status_to, fields, reverts }) {
  const who = [...words`${author ?? db_user}`, `, ${when(recorded_at ?? at)}: `];
  const verb = { insert: 'created', delete: 'deleted', restore: 'restored' }[operation];
  if (verb) return [...who, verb];
  const parts = [];
  if (reverts) parts.push([`undid the change of ${when(reverts)}`]);
  const add = (name, from, to) => parts.push(words`${name} ${shown(from)} → ${shown(to)}`);
  if (status_from !== status_to) add('status', status_from, status_to);
  for (const [name, { from, to }] of Object.entries(fields ?? {})) add(name, from, to);
  if (parts.length === 0) parts.push(['a comment']);
  return [...who, ...parts.flatMap((part, n) => (n === 0 ? part : [', ', ...part]))];
}

// The changes and comments of the dialogue's customer. Changes of values can be undone, one's own comments corrected.
export class Timeline {
  constructor({ onUndo, onCorrect, say }) {
    Object.assign(this, { onUndo, onCorrect, say });
    this.loads = 0;
  }

  clear() {
    this.loads++;
    list.replaceChildren();
  }

  // An answer that was overtaken by a newer request is dropped.
  async load(id) {
    const load = ++this.loads;
    const { status, body } = await ask('GET', `/api/customers/${id}/timeline`);
    if (load !== this.loads) return;
    if (status !== 200) this.say(body.message);
    else list.replaceChildren(...body.map((row) => (row.kind === 'change' ? this.change(row) : this.comment(row))));
  }

  change(row) {
    const text = describe(row);
    const canUndo = mayEdit() && row.operation === 'update' && fieldsOf(row).length > 0;
    return make(
      'li',
      {},
      make('small', {}, ...text),
      ...(canUndo ? [this.button('Undo', textOf(text), () => this.onUndo(row))] : []),
    );
  }

  comment(row) {
    const { author, body, at, save_refused, edited_at, edited_by, withdrawn_at } = row;
    const notes = [...words`${author}`, `, ${when(at)}`];
    if (save_refused) notes.push(', with a save that was refused');
    if (withdrawn_at) notes.push(...words`, withdrawn by ${edited_by}`, `, ${when(withdrawn_at)}`);
    else if (edited_at) notes.push(...words`, edited by ${edited_by}`, `, ${when(edited_at)}`);
    const canCorrect = mayEdit() && author === session().login && !withdrawn_at;
    return make(
      'li',
      {},
      make('small', {}, ...notes),
      make('p', { dir: 'auto' }, body),
      ...(canCorrect ? [this.button('Correct', body, () => this.onCorrect(row))] : []),
    );
  }

  button(name, what, onclick) {
    return make('button', { type: 'button', ariaLabel: `${name}: ${what}`, onclick }, name);
  }
}
