import { element, make, when } from './api.js';
import { describe, fieldsOf, shown } from './timeline.js';

const region = element('conflict');
const table = element('conflict-fields');
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
    table.tBodies[0].replaceChildren();
  }

  show(request, { conflicts = [], changes = [], comments = [], superseded = [], comment_id, expected_ts_problem }) {
    const last = changes.at(-1);
    const who = last ? `by ${last.author ?? last.db_user}, ${when(last.recorded_at)}` : '';
    const { change } = request; // that is to be undone
    element('conflict-title').textContent =
      superseded.length > 0 ? 'Somebody changed it again' : 'Somebody else saved first';
    element('conflict-message').textContent = [
      superseded.length > 0
        ? 'What others changed again since stays as they left it. Nothing was undone.'
        : `${last ? (last.author ?? last.db_user) : 'Somebody'} changed this customer after you opened it. ` +
          {
            save: 'Nothing was overwritten, and what you typed is below.',
            resolve: 'Nothing was overwritten: choose again.',
            delete: 'It was not deleted: Delete does so, if it still is to be.',
            undo: 'Nothing was undone.',
          }[request.kind],
      expected_ts_problem?.hint,
      comment_id ? 'Your comment is stored already; the next save takes it along, once.' : '',
      request.kind === 'save' && conflicts.length === 0
        ? 'Nobody changed what you changed: Save adds yours to theirs.'
        : '',
    ]
      .filter(Boolean)
      .join(' ');
    const isReopened = request.kind === 'resolve';
    this.showFields(isReopened || request.kind === 'save' ? conflicts : [], who, isReopened);
    this.showRest(change, request.body.fields, superseded);
    this.showChanges(
      ...superseded.map(({ field, author, db_user, version }) =>
        make('li', {}, `${author ?? db_user}, ${when(version)}, changed ${field} again`),
      ),
      ...changes.map((each) => make('li', {}, describe(each))),
      ...comments.map(({ author, text, timestamp }) => make('li', {}, `${author}, ${when(timestamp)}, wrote: ${text}`)),
    );
    this.reveal();
  }

  // A refused save: what it asked for beside what is there.
  reopen({ refused_at }, conflicts) {
    element('conflict-title').textContent = 'Your save was refused';
    element('conflict-message').textContent =
      `It was refused ${when(refused_at)}, and is not made until you save your choice. The timeline has what happened since.`;
    this.showFields(conflicts, '', true);
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
    element('conflict-caption').textContent =
      `Choose for each field${isReopened ? '' : ', or set a third value below'}.`;
    element('conflict-was').hidden = isReopened;
    const choice = (field, value, side, note) => {
      const label = shown(side);
      const onchange = () => this.onChoose(field, side);
      const radio = make('input', { type: 'radio', name: `choice-${field}`, value, required: true, onchange });
      return make('label', {}, radio, ` ${label} `, make('small', {}, note));
    };
    table.hidden = conflicts.length === 0;
    table.tBodies[0].replaceChildren(
      ...conflicts.map(({ field, was, mine, theirs }) =>
        make(
          'tr',
          {},
          make('th', { scope: 'row' }, field),
          make('td', { hidden: isReopened }, was ?? '(not known)'),
          make('td', {}, choice(field, 'mine', mine, '')),
          make('td', {}, choice(field, 'theirs', theirs, who)),
        ),
      ),
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
  chooseNone() {
    for (const radio of region.querySelectorAll('input[type=radio]')) {
      radio.checked = false;
      radio.required = false;
    }
  }
}
