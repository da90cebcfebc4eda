import { call, element, make, NoAnswer, when } from './api.js';
import { logIn } from './login.js';

const statuses = ['new', 'contacted', 'won', 'lost'];
const mostRetries = 3;

const dialog = element('editor');
const fields = element('fields');
const status = element('status');
const notes = element('notes');
const problem = element('problem');
const progress = element('progress');
const conflict = element('conflict');
const save = element('save');
const again = element('again');
const relogin = element('relogin');
const takeLock = element('take-lock');

// The dialogue in which one customer is changed.
//
// row      the customer as the dialogue shows it; row.updated_at is the base of the next save. It is the version that the
//          dialogue was opened with, and moves on only when a conflict has shown what happened since.
// request  the save that is under way, or whose answer was lost. Only this same request is sent again: the server
//          recognizes it, so that it is safe even if the first one was applied.
// phase    editing, sending, or unanswered: nobody knows whether the request was applied
export class Editor {
  constructor({ session, onSession, onRow, onGone, reload, say }) {
    Object.assign(this, { session, onSession, onRow, onGone, reload, say });
    this.row = null;
    element('editor-form').addEventListener('submit', (event) => this.submit(event));
    again.addEventListener('click', () => this.send());
    window.addEventListener('online', () => this.phase === 'unanswered' && this.send());
    relogin.addEventListener('click', () => this.changeUser());
    takeLock.addEventListener('click', () => this.lock());
    element('close').addEventListener('click', () => dialog.close());
    status.addEventListener('change', () => this.choose(null));
    dialog.addEventListener('cancel', (event) => this.mayClose() || event.preventDefault());
    dialog.addEventListener('close', () => this.closed());
  }

  open(row) {
    this.row = row;
    this.opening = {}; // tells a late answer whether it is still this dialogue's
    this.request = null;
    this.lockId = null;
    element('editor-title').textContent = row.name ?? `Customer ${row.id}`;
    notes.value = '';
    element('meanwhile').textContent = '';
    conflict.hidden = true;
    element('conflict-fields').tBodies[0].replaceChildren();
    this.setStatuses(row.status);
    this.showRow();
    this.showComments(row.comments);
    this.showLock(row.lock);
    this.edit();
    save.disabled = false;
    dialog.showModal();
    status.focus();
  }

  isOpenFor(id) {
    return dialog.open && this.row?.id === id;
  }

  // Escape does not throw away what was typed, nor leave while a save is under way.
  mayClose() {
    if (this.phase === 'sending') return false;
    if (notes.value.trim() === '' && status.value === this.row.status) return true;
    problem.textContent = 'What you typed is not saved. “Close” discards it.';
    element('close').focus();
    return false;
  }

  closed() {
    clearInterval(this.renewal);
    if (this.lockId) this.unlock();
    this.row = null;
    this.opening = null;
    this.phase = null;
  }

  // What stands on the screen ---------------------------------------------------------------------

  setStatuses(shown) {
    const all = new Set([...statuses, this.row.status, shown]);
    status.replaceChildren(...[...all].map((value) => make('option', { value }, value)));
    status.value = shown;
  }

  showRow() {
    const { updated_at, changed_by } = this.row;
    element('version').replaceChildren(
      'You see the version of ',
      make('time', { dateTime: updated_at }, when(updated_at)),
      changed_by ? `, by ${changed_by}` : '',
    );
  }

  showComments(comments) {
    element('comments').replaceChildren(
      ...[...(comments ?? [])].reverse().map(({ author, body, created_at, save_refused }) =>
        make(
          'li',
          {},
          make('small', {}, `${author}, ${when(created_at)}${save_refused ? ', with a save that was refused' : ''}`),
          make('br'),
          body,
        ),
      ),
    );
  }

  showLock(lock) {
    const isForeign = lock && lock.author !== this.session.login;
    element('lock').textContent = isForeign
      ? `${lock.author} has locked this customer until ${when(lock.expires_at)}: saves of others are refused until then.`
      : this.lockId && lock
        ? `You have locked this customer until ${when(lock.expires_at)}.`
        : '';
    takeLock.hidden = Boolean(this.lockId);
  }

  // Gives the form back to the user.
  edit(message = '') {
    this.phase = 'editing';
    this.request = null;
    fields.disabled = false;
    save.hidden = false;
    save.disabled = false;
    again.hidden = true;
    relogin.hidden = true;
    element('close').disabled = false;
    problem.textContent = message;
    progress.textContent = '';
    if (message) notes.focus();
  }

  // Others changed the customer while the dialogue is open: says so, and touches nothing that the user sees or typed.
  meanwhile(row) {
    if (this.phase === 'sending') return;
    this.showComments(row.comments);
    this.showLock(row.lock);
    if (this.lockId && row.lock?.author !== this.session.login) this.lock(); // tells what became of ours
    if (row.updated_at > this.row.updated_at) {
      element('meanwhile').textContent =
        `${row.changed_by} changed this customer while you were editing; its status is now “${row.status}”. ` +
        'Save overwrites nothing of it; where both of you changed the same, it shows you both.';
    }
  }

  gone() {
    if (this.phase === 'sending') return;
    this.edit('This customer was deleted. What you typed is still here, to be copied.');
    save.disabled = true;
  }

  // Saving ----------------------------------------------------------------------------------------

  submit(event) {
    event.preventDefault();
    if (this.phase !== 'editing' || save.disabled) return; // the second of two quick clicks
    this.request = {
      status: status.value === this.row.status ? null : status.value,
      notes: notes.value.trim() === '' ? null : notes.value,
      updated_at: this.row.updated_at,
      // What collides with nothing that others changed needs no question.
      merge: true,
    };
    this.send();
  }

  async send() {
    const { opening, row, request } = this;
    this.phase = 'sending';
    fields.disabled = true;
    again.hidden = true;
    relogin.hidden = true;
    save.hidden = false;
    save.disabled = true;
    element('close').disabled = true;
    problem.textContent = '';
    progress.textContent = 'Saving …';
    try {
      let answer;
      for (let n = 0; ; n++) {
        answer = await call('PUT', `/api/customers/${row.id}`, request);
        if (answer.status !== 503 || n === mostRetries) break;
        if (opening === this.opening) progress.textContent = 'The server is busy; sending the same again …';
        await new Promise((resolve) => setTimeout(resolve, answer.retryAfter * 1000));
      }
      if (opening === this.opening) await this.settle(answer);
      else this.settleClosed(row, answer);
    } catch (error) {
      if (opening !== this.opening) {
        this.say(`It is not known whether your save of ${row.name ?? row.id} was applied: look at it again.`);
        return;
      }
      if (!(error instanceof NoAnswer)) {
        this.edit(`This page failed: ${error.message}`);
        throw error;
      }
      this.unanswered('No answer came: the network is down, or the server. Your save may have been applied or not;');
    }
  }

  // Offers to send the same request again, and nothing that would change it.
  unanswered(what) {
    this.phase = 'unanswered';
    progress.textContent = '';
    problem.textContent = `${what} sending it again is safe, it is applied once at most. What you typed is kept here.`;
    save.hidden = true;
    again.hidden = false;
    element('close').disabled = false;
    again.focus();
  }

  // A browser may close a dialogue against our will; its save goes on.
  settleClosed(row, { status: code, body }) {
    if (code === 200) this.onRow(body);
    this.say(code === 200 ? `${row.name ?? row.id} is saved.` : `Your save was not applied. ${body.message}`);
  }

  async settle({ status: code, body }) {
    switch (code) {
      case 200: {
        const { name, id } = this.row;
        this.onRow(body);
        this.say(
          {
            replayed: `${name ?? id}: this save had been applied already; nothing was done twice.`,
            merged: `${name ?? id} is saved, together with what others changed meanwhile.`,
          }[body.save.outcome] ?? `${name ?? id} is saved.`,
        );
        dialog.close();
        return;
      }
      case 409:
        this.edit();
        this.showConflict(body);
        return;
      case 401:
        await this.loginAgain();
        return;
      case 403:
        this.edit(`${body.message} What you typed is still here; somebody who may can log in.`);
        relogin.hidden = false;
        return;
      case 404:
      case 410:
        this.onGone(this.row.id);
        this.edit(`${body.message} What you typed is still here, to be copied.`);
        save.disabled = true;
        return;
      case 423:
        this.edit(`${body.message} What you typed is still here.`);
        this.reload(this.row.id); // to show whose lock it is
        return;
      case 503:
        this.unanswered(`${body.message} Nothing was lost;`);
        return;
      default:
        // what is wrong with the request
        this.edit([body.message, body.hint].filter(Boolean).join(' '));
    }
  }

  // The session is over: logs in on top of the dialogue and goes on where it was.
  async loginAgain() {
    const before = this.session.login;
    const session = await logIn('Your session has ended. What you typed is kept; log in to go on.', before);
    if (!session) {
      this.edit('You are not logged in. What you typed is still here: Save asks for your password again.');
      return;
    }
    this.session = session;
    this.onSession(session);
    if (session.login === before) {
      await this.send();
    } else {
      this.edit(`You are ${session.name} now. Save, if this is to be ${session.name}’s save.`);
    }
  }

  async changeUser() {
    const session = await logIn('Log in as somebody who may change customers.');
    if (!session) return;
    this.session = session;
    this.onSession(session);
    this.edit(`You are ${session.name} now. Save, if this is to be ${session.name}’s save.`);
  }

  // Conflicts -------------------------------------------------------------------------------------

  showConflict({ current, conflicts = [], changes = [], comments = [], comment_id, expected_ts_problem }) {
    const mine = status.value;
    const touched = mine !== this.row.status;
    const last = changes.at(-1);
    const name = last ? (last.author ?? last.db_user) : null;
    const who = last ? `by ${name}, ${when(last.recorded_at)}` : '';

    // From here on the user has seen the current version: it is the base of the next save.
    this.row = { ...this.row, ...current, changed_by: name };
    this.setStatuses(touched ? mine : current.status);
    this.showRow();
    element('meanwhile').textContent = '';
    element('conflict-message').textContent = [
      `${name ?? 'Somebody'} changed this customer after you opened it. Nothing was overwritten, and what you typed is below.`,
      expected_ts_problem?.hint,
      comment_id ? 'Your comment is stored already; the next save takes it along, once.' : '',
      conflicts.length === 0 ? 'Nobody changed what you changed: Save adds yours to theirs.' : '',
    ]
      .filter(Boolean)
      .join(' ');

    const choice = (field, value, label, note) =>
      make(
        'label',
        {},
        make('input', { type: 'radio', name: `choice-${field}`, value, required: true, onchange: () => this.choose(label) }),
        ` ${label} `,
        make('small', {}, note),
      );
    element('conflict-fields').hidden = conflicts.length === 0;
    element('conflict-fields').tBodies[0].replaceChildren(
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
    element('changes').replaceChildren(
      ...changes.map((change) => make('li', {}, describe(change))),
      ...comments.map(({ author, text, timestamp }) => make('li', {}, `${author}, ${when(timestamp)}, wrote: ${text}`)),
    );
    conflict.hidden = false;
    element('conflict-title').focus();
  }

  // Takes one side's status, or (null) the third that was set by hand.
  choose(value) {
    if (value !== null) {
      status.value = value;
      return;
    }
    for (const radio of conflict.querySelectorAll('input[type=radio]')) {
      radio.checked = false;
      radio.required = false;
    }
  }

  // Edit locks ------------------------------------------------------------------------------------

  async lock() {
    const { id } = this.row;
    try {
      const { status: code, body } = await call('PUT', `/api/customers/${id}/lock`, { lock_id: this.lockId });
      if (!this.isOpenFor(id)) return;
      if (code === 200) {
        this.lockId = body.lock_id;
        this.showLock(body);
        clearInterval(this.renewal);
        this.renewal = setInterval(() => this.lock(), (new Date(body.expires_at) - Date.now()) / 2);
      } else {
        this.lockId = null;
        clearInterval(this.renewal);
        this.showLock(body.lock?.author ? body.lock : null);
        if (code !== 423) problem.textContent = body.message;
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      problem.textContent = 'The lock could not be had: no answer came.';
    }
  }

  async unlock() {
    const path = `/api/customers/${this.row.id}/lock/${this.lockId}`;
    this.lockId = null;
    try {
      await call('DELETE', path);
    } catch (error) {
      // It expires by itself.
      if (!(error instanceof NoAnswer)) throw error;
    }
  }
}

function describe({ author, db_user, recorded_at, operation, status_from, status_to, fields }) {
  const parts = [];
  if (status_from !== status_to) parts.push(`status ${status_from ?? '(none)'} → ${status_to ?? '(none)'}`);
  for (const [name, { from, to }] of Object.entries(fields ?? {})) {
    parts.push(`${name} ${from ?? '(none)'} → ${to ?? '(none)'}`);
  }
  return `${author ?? db_user}, ${when(recorded_at)}: ${parts.join(', ') || (operation === 'update' ? 'a comment' : operation)}`;
}
