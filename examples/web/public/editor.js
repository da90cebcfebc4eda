import { call, element, make, NoAnswer, when } from './api.js';
import { Conflict } from './conflict.js';
import { Correction } from './correction.js';
import { Deals } from './deals.js';
import { logIn } from './login.js';
import { mostRetries, pause, problemOf, session, useSession } from './session.js';
import { Timeline } from './timeline.js';

const statuses = ['new', 'contacted', 'won', 'lost'];

const dialog = element('editor');
const fields = element('fields');
const status = element('status');
const notes = element('notes');
const problem = element('problem');
const progress = element('progress');
const save = element('save');
const remove = element('delete');
const discard = element('discard');
const again = element('again');
const relogin = element('relogin');
const takeLock = element('take-lock');

const kinds = {
  save: { method: 'PUT', doing: 'Saving …' },
  delete: { method: 'DELETE', doing: 'Deleting …' },
  undo: { method: 'POST', doing: 'Undoing …' },
  resolve: { method: 'PUT', doing: 'Saving …' },
  discard: { method: 'DELETE', doing: 'Discarding …' },
};

// The dialogue in which one customer is changed, or deleted, or a change of it undone, or a refused save of it is decided.
//
// row      the customer as the dialogue shows it; row.updated_at is the base of the next save. It is the version that the
//          dialogue was opened with, and moves on only when a conflict has shown what happened since.
// refused  the refused save that is reopened: what is saved is a choice for each of its fields
// waiting  the refused saves of this dialogue: the one that is applied in the end decides them
// request  what is under way, or whose answer was lost. Only this same request is sent
//          again: the server recognizes it, so that it is safe even if the first one was applied.
// phase    editing, sending, or unanswered: nobody knows whether the request was applied
export class Editor {
  constructor({ onRow, onGone, onRefused, reload, say }) {
    Object.assign(this, { onRow, onGone, onRefused, reload, say });
    this.row = null;
    this.conflict = new Conflict({
      onChoose: (field, value) => {
        if (field === 'status') status.value = value;
      },
      onUndo: (change, fields) => this.undo(change, fields),
    });
    this.timeline = new Timeline({
      say,
      onUndo: (change) => this.undo(change, null),
      onCorrect: (comment) => this.correction.open(this.row.id, comment),
    });
    this.correction = new Correction({ say, onDone: () => this.timeline.load(this.row.id) });
    this.deals = new Deals({ say });
    element('editor-form').addEventListener('submit', (event) => this.submit(event));
    remove.addEventListener('click', () => this.remove());
    discard.addEventListener('click', () => this.discard());
    again.addEventListener('click', () => this.send());
    window.addEventListener('online', () => this.phase === 'unanswered' && this.send());
    relogin.addEventListener('click', () => this.changeUser());
    takeLock.addEventListener('click', () => this.lock());
    element('close').addEventListener('click', () => dialog.close());
    status.addEventListener('change', () => this.conflict.chooseNone());
    dialog.addEventListener('cancel', (event) => this.mayClose() || event.preventDefault());
    dialog.addEventListener('close', () => this.closed());
  }

  open(row, refused = null) {
    this.row = row;
    this.refused = refused;
    this.waiting = new Set();
    this.opening = {}; // tells a late answer whether it is still this dialogue's
    this.request = null;
    this.lockId = null;
    element('editor-title').textContent = row.name ?? `Customer ${row.id}`;
    notes.value = refused?.notes ?? '';
    element('meanwhile').textContent = '';
    this.conflict.hide();
    this.setStatuses(row.status);
    status.disabled = Boolean(refused);
    remove.hidden = Boolean(refused);
    discard.hidden = !refused;
    this.showRow();
    this.showLock(row.lock);
    this.isGone = false;
    this.edit();
    dialog.showModal();
    this.loadParts();
    if (refused) this.conflict.reopen(refused, this.sides());
    else status.focus();
  }

  isOpenFor(id) {
    return dialog.open && this.row?.id === id;
  }

  // Escape does not throw away what was typed, nor leave while a save is under way.
  mayClose() {
    if (this.phase === 'sending') return false;
    // A refused save waits on.
    const isChanged = !this.refused && status.value !== this.row.status;
    const isTyped = isChanged || notes.value.trim() !== (this.refused?.notes ?? '').trim();
    if (!isTyped && !this.correction.isDirty() && !this.deals.isDirty()) return true;
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
    this.correction.close();
    this.timeline.clear();
    this.deals.clear();
  }

  // What stands on the screen ---------------------------------------------------------------------

  setStatuses(shown) {
    const asked = this.refused?.asked.status ?? shown;
    const all = new Set([...statuses, this.row.status, shown, asked]);
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

  loadParts() {
    this.timeline.load(this.row.id);
    this.deals.load(this.row.id);
  }

  showLock(lock) {
    const isForeign = lock && lock.author !== session().login;
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
    this.allow(!this.isGone);
    again.hidden = true;
    relogin.hidden = true;
    element('close').disabled = false;
    problem.textContent = message;
    progress.textContent = '';
    if (message) notes.focus();
  }

  allow(isAllowed) {
    save.disabled = !isAllowed;
    remove.disabled = !isAllowed;
    discard.disabled = !isAllowed;
  }

  // Others changed the customer while the dialogue is open: says so, and touches nothing that the user sees or typed.
  meanwhile(row) {
    if (this.phase === 'sending') return;
    if (this.isGone) {
      this.isGone = false;
      this.edit('This customer was restored.');
    }
    this.timeline.load(row.id);
    this.showLock(row.lock);
    if (this.lockId && row.lock?.author !== session().login) this.lock(); // tells what became of ours
    if (row.updated_at > this.row.updated_at) {
      element('meanwhile').textContent =
        `${row.changed_by} changed this customer while you were editing; its status is now “${row.status}”. ` +
        'Save overwrites nothing of it; where both of you changed the same, it shows you both.';
    }
  }

  // While a request is under way, or its answer was lost, that answer is what tells more: it may have been ours.
  gone(message = 'This customer was deleted.') {
    if (this.phase !== 'editing') return;
    this.isGone = true;
    this.edit(`${message} What you typed is still here, to be copied.`);
  }

  // Saving ----------------------------------------------------------------------------------------

  submit(event) {
    event.preventDefault();
    if (this.phase !== 'editing' || save.disabled) return; // the second of two quick clicks
    if (this.refused) {
      this.start('resolve', this.refusedPath, { choose: this.conflict.choices() });
      return;
    }
    this.start('save', this.path, {
      status: status.value === this.row.status ? null : status.value,
      // What collides with nothing that others changed needs no question.
      merge: true,
    });
  }

  remove() {
    if (this.phase !== 'editing') return;
    this.start('delete', this.path, {});
  }

  discard() {
    if (this.phase !== 'editing') return;
    this.start('discard', this.refusedPath, {});
  }

  // change is a row of the timeline; without fields, all of it is undone.
  undo(change, fields) {
    if (this.phase !== 'editing' || this.isGone) return;
    if (this.refused) {
      this.edit('Your refused save is still open. Save or discard it before you undo a change.');
      return;
    }
    if (status.value !== this.row.status) {
      this.edit('Your status is not saved. Save it, or set it back, before you undo a change.');
      return;
    }
    this.start('undo', `${this.path}/undo`, { version: change.version, fields }, change);
  }

  get path() {
    return `/api/customers/${this.row.id}`;
  }

  get refusedPath() {
    return `/api/refused/${this.refused.id}`;
  }

  // The version that the user sees, and the comment that was typed, go with each request.
  start(kind, path, body, change) {
    this.request = {
      kind,
      path,
      body: { ...body, updated_at: this.row.updated_at, notes: notes.value.trim() === '' ? null : notes.value },
      change,
      author: session().login,
      waiting: this.waiting,
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
    this.allow(false);
    element('close').disabled = true;
    problem.textContent = '';
    const { method, doing } = kinds[request.kind];
    progress.textContent = doing;
    try {
      let answer;
      for (let n = 0; ; n++) {
        answer = await call(method, request.path, request.body);
        if (answer.status !== 503 || n === mostRetries) break;
        if (opening === this.opening) progress.textContent = 'The server is busy; sending the same again …';
        await pause(answer.retryAfter);
      }
      this.noteRefused(request, answer);
      if (opening === this.opening) await this.settle(answer);
      else this.settleClosed(row, request, answer);
    } catch (error) {
      if (opening !== this.opening) {
        this.say(`It is not known whether your change of ${row.name ?? row.id} was applied: look at it again.`);
        return;
      }
      if (!(error instanceof NoAnswer)) {
        this.edit(`This page failed: ${error.message}`);
        throw error;
      }
      this.unanswered('No answer came: the network is down, or the server. Your change may have been applied or not;');
    }
  }

  // A refused save waits on the server, until another of the dialogue is applied: whatever was chosen, that decides it.
  async noteRefused({ kind, waiting }, { status: code, body }) {
    if (body.refused_id) waiting.add(body.refused_id);
    const decided = kind === 'save' && code === 200 ? [...waiting] : [];
    try {
      for (const id of decided) await call('DELETE', `/api/refused/${id}`);
    } catch (error) {
      // It waits on, and is listed.
      if (!(error instanceof NoAnswer)) throw error;
    }
    if (waiting.size > 0 || kind === 'resolve' || kind === 'discard') this.onRefused();
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
  settleClosed(row, request, { status: code, body }) {
    if (code === 200) this.applied(row, request, body);
    else this.say(`Your change was not applied. ${body.message}`);
  }

  applied({ id, name }, { kind }, body) {
    const outcome = body.save?.outcome;
    // Whoever deleted it may be told late: somebody may have restored it since.
    if (kind === 'delete') this.reload(id);
    else if (kind !== 'discard') this.onRow(body);
    const done = {
      save: outcome === 'merged' ? ' is saved, together with what others changed meanwhile.' : ' is saved.',
      delete: ' is deleted. It can be restored.',
      undo: outcome === 'unchanged' ? ': nothing was left to undo.' : ': the change is undone.',
      resolve: outcome === 'unchanged' ? ' stays as it is, and your refused save waits no longer.' : ' is saved.',
      discard: ': your refused save is discarded.',
    }[kind];
    const repeated = ': this had been applied already; nothing was done twice.';
    this.say(`${name ?? id}${outcome === 'replayed' ? repeated : done}`);
  }

  async settle({ status: code, body }) {
    switch (code) {
      case 200: {
        const { row, request } = this;
        dialog.close();
        this.applied(row, request, body);
        return;
      }
      case 409:
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
        if (this.refused) {
          // It waits no longer, or the customer is gone: reading that tells.
          this.edit(body.message);
          this.reload(this.row.id);
          return;
        }
        this.phase = 'editing';
        this.onGone(this.row.id);
        this.gone(body.message);
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
        this.edit(problemOf({ status: code, body }));
    }
  }

  // The session is over: logs in on top of the dialogue and goes on where it was.
  async loginAgain() {
    const { author } = this.request;
    const opened = await logIn('Your session has ended. What you typed is kept; log in to go on.', author);
    if (!opened) {
      this.edit('You are not logged in. What you typed is still here: the next try asks for your password again.');
      return;
    }
    useSession(opened);
    if (opened.login === author) await this.send();
    else this.greet(opened);
  }

  async changeUser() {
    const opened = await logIn('Log in as somebody who may change customers.');
    if (!opened) return;
    useSession(opened);
    this.greet(opened);
  }

  greet({ name }) {
    this.edit(`You are ${name} now. Save, if this is to be ${name}’s save.`);
    this.timeline.load(this.row.id); // for the buttons at one's own comments
  }

  // Conflicts -------------------------------------------------------------------------------------

  showConflict(body) {
    const { request } = this;
    const { current, changes = [] } = body;
    const touched = status.value !== this.row.status && !this.refused;
    const last = changes.at(-1);
    this.edit();
    // From here on the user has seen the current version: it is the base of the next save.
    this.row = { ...this.row, ...current, changed_by: last ? (last.author ?? last.db_user) : this.row.changed_by };
    this.setStatuses(touched ? status.value : current.status);
    this.showRow();
    element('meanwhile').textContent = '';
    this.conflict.show(request, this.refused ? { ...body, conflicts: this.sides() } : body);
    this.loadParts();
  }

  // What the refused save asked for, beside what is there.
  sides() {
    return Object.entries(this.refused.asked).map(([field, mine]) => ({ field, mine, theirs: this.row[field] }));
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
