import { element, make, when } from './api.js';
import { describe, fieldsOf } from './timeline.js';

const region = element('conflict');
const table = element('conflict-fields');
const undoRest = element('undo-rest');

// What a refusal of the dialogue's save, deletion or undoing shows: who did what since, and what is left to choose.
export class Conflict {
  // onChoose is told the value of a side; onUndo the fields that nobody has changed again
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
            PUT: 'Nothing was overwritten, and what you typed is below.',
            DELETE: 'It was not deleted: Delete does so, if it still is to be.',
            POST: 'Nothing was undone.',
          }[request.method],
      expected_ts_problem?.hint,
      comment_id ? 'Your comment is stored already; the next save takes it along, once.' : '',
      request.method === 'PUT' && conflicts.length === 0
        ? 'Nobody changed what you changed: Save adds yours to theirs.'
        : '',
    ]
      .filter(Boolean)
      .join(' ');
    this.showFields(request.method === 'PUT' ? conflicts : [], who);
    this.showRest(change, request.body.fields, superseded);
    element('changes').replaceChildren(
      ...superseded.map(({ field, author, db_user, version }) =>
        make('li', {}, `${author ?? db_user}, ${when(version)}, changed ${field} again`),
      ),
      ...changes.map((each) => make('li', {}, describe(each))),
      ...comments.map(({ author, text, timestamp }) => make('li', {}, `${author}, ${when(timestamp)}, wrote: ${text}`)),
    );
    region.hidden = false;
    element('conflict-title').focus();
  }

  // Was, mine and theirs of what both sides changed.
  showFields(conflicts, who) {
    const choice = (field, value, label, note) => {
      const onchange = () => this.onChoose(label);
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
          make('td', {}, was ?? '(not known)'),
          make('td', {}, choice(field, 'mine', mine, '')),
          make('td', {}, choice(field, 'theirs', theirs, who)),
        ),
      ),
    );
  }

  // Offers to undo what nobody has changed again, from the version that the conflict has shown.
  showRest(change, asked, superseded) {
    const taken = new Set(superseded.map(({ field }) => field));
    const rest = change ? (asked ?? fieldsOf(change)).filter((field) => !taken.has(field)) : [];
    this.undoing = { change, rest };
    undoRest.hidden = rest.length === 0;
    undoRest.textContent = `Undo ${rest.join(', ')}`;
  }

  // None of the sides: a third value was set by hand.
  chooseNone() {
    for (const radio of region.querySelectorAll('input[type=radio]')) {
      radio.checked = false;
      radio.required = false;
    }
  }
}
