import { element, fill, make, when, words } from './api.js';
import { describe, fieldsOf, shown } from './timeline.js';

const region = element('conflict');
const choices = element('conflict-fields');
const labels = { name: 'Name', phone: 'Phone', email: 'Email', status: 'Status' };
const undoRest = element('undo-rest');

// What a refusal of the dialogue's save, deletion or undoing shows: who did what since, and what is left to choose. A
// refused save that is reopened shows the same.
export class Conflict {
  // onChoose is told the field and the value of a side; onUndo the fields that nobody has changed again
  constructor({ onChoose, onUndo }) {
    this.onChoose = onChoose;
    undoRest.addEventListener('click', () => onUndo(this.undoing.change, this.undoing.rest));
  }

  hide() {
    region.hidden = true;
    choices.replaceChildren();
  }

  show(name, request, { conflicts = [], changes = [], comments = [], superseded = [], comment_id, expected_ts_problem }) {
    const last = changes.at(-1);
    const who = () => (last ? [...words`by ${last.author ?? last.db_user}`, `, ${when(last.recorded_at)}`] : []);
    const { change } = request; // that is to be undone
    element('conflict-title').textContent =
      superseded.length > 0 ? 'Somebody changed it again' : 'Somebody else saved first';
    fill(element('conflict-message'), [
      ...(superseded.length > 0
        ? ['What others changed again since stays as they left it. Nothing was undone.']
        : [
            ...words`${last ? (last.author ?? last.db_user) : 'Somebody'} changed ${name} after you opened it. `,
            {
              save: 'Nothing was overwritten, and what you typed is below.',
              resolve: 'Nothing was overwritten: choose again.',
              delete: 'It was not deleted: Delete does so, if it still is to be.',
              undo: 'Nothing was undone.',
            }[request.kind],
          ]),
      expected_ts_problem?.hint ? ` ${expected_ts_problem.hint}` : '',
      comment_id ? ' Your comment is stored already; the next save takes it along, once.' : '',
      request.kind === 'save' && conflicts.length === 0
        ? ' Nobody changed what you changed: Save adds yours to theirs.'
        : '',
    ]);
    const isReopened = request.kind === 'resolve';
    this.showFields(isReopened || request.kind === 'save' ? conflicts : [], who, isReopened);
    this.showRest(change, request.body.fields, superseded);
    this.showChanges(
      ...superseded.map(({ field, author, db_user, version }) =>
        make('li', {}, ...words`${author ?? db_user}`, `, ${when(version)}, `, ...words`changed ${field} again`),
      ),
      ...changes.map((each) => make('li', {}, ...describe(each))),
      ...comments.map(({ author, text, timestamp }) =>
        make('li', {}, ...words`${author}`, `, ${when(timestamp)}, `, ...words`wrote: ${text}`),
      ),
    );
    this.reveal();
  }

  // A refused save: what it asked for beside what is there.
  reopen({ refused_at }, conflicts) {
    element('conflict-title').textContent = 'Your save was refused';
    element('conflict-message').textContent =
      `It was refused ${when(refused_at)}, and is not made until you save your choice. The timeline has what happened since.`;
    this.showFields(conflicts, () => [], true);
    this.showRest(null);
    this.showChanges();
    this.reveal();
  }

  reveal() {
    region.hidden = false;
    element('conflict-title').focus();
  }

  showChanges(...items) {
    element('changes').replaceChildren(...items);
    element('changes-title').hidden = items.length === 0;
  }

  // Mine and theirs of what both sides changed, and what it was, where the dialogue had been opened with that.
  showFields(conflicts, who, isReopened) {
    const sides = conflicts.length > 0;
    fill(
      element('conflict-caption'),
      sides ? `Choose for each field${isReopened ? '' : ', or set a third value below'}.` : '',
    );
    const choice = (field, value, name, side, note) => {
      const onchange = () => this.onChoose(field, side);
      const radio = make('input', { type: 'radio', name: `choice-${field}`, value, required: true, onchange });
      return make(
        'label',
        { className: 'choice' },
        radio,
        make('span', {}, ...words`${[`${name}: `]}${shown(side)} `, make('small', {}, ...note)),
      );
    };
    choices.replaceChildren(
      ...conflicts.map(({ field, was, mine, theirs }) => {
        const before = make('p', { id: `was-${field}` }, ...(isReopened ? [] : words`Was: ${was ?? '(not known)'}`));
        const group = make(
          'fieldset',
          {},
          make('legend', {}, ...words`${labels[field] ?? field}`),
          before,
          choice(field, 'mine', 'Mine', mine, []),
          choice(field, 'theirs', 'Theirs', theirs, who()),
        );
        group.setAttribute('aria-describedby', before.id);
        return group;
      }),
    );
  }

  // Offers to undo what nobody has changed again, from the version that the conflict has shown.
  showRest(change, asked, superseded = []) {
    const taken = new Set(superseded.map(({ field }) => field));
    const rest = change ? (asked ?? fieldsOf(change)).filter((field) => !taken.has(field)) : [];
    this.undoing = { change, rest };
    undoRest.hidden = rest.length === 0;
    undoRest.textContent = `Undo ${rest.join(', ')}`;
  }

  // { status: 'mine', phone: 'theirs' }
  choices() {
    const checked = [...region.querySelectorAll('input[type=radio]:checked')];
    return Object.fromEntries(checked.map(({ name, value }) => [name.replace('choice-', ''), value]));
  }

  // None of the sides: a third value was set by hand.
  chooseNone(field) {
    for (const radio of region.querySelectorAll('input[type=radio]')) {
      if (radio.name !== `choice-${field}`) continue;
      radio.checked = false;
      radio.required = false;
    }
  }
}
