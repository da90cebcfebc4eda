import { call, element, fill, make, NoAnswer, when, words } from './api.js';
import { Conflict } from './conflict.js';
import { Correction } from './correction.js';
import { Deals } from './deals.js';
import { logIn } from './login.js';
import { mayEdit, mostRetries, pause, problemOf, session, useSession } from './session.js';
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
const releaseLock = element('release-lock');
const close = element('close');
const unsaved = element('unsaved');
const texts = { name: element('name'), phone: element('phone'), email: element('email') };
const inputs = { ...texts, status };

// What an input makes of a value: it has no lines.
const asTyped = (value) => (value ?? '').replace(/[\r\n]/g, '');

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
        if (inputs[field]) inputs[field].value = value ?? '';
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
    releaseLock.addEventListener('click', () => this.release());
    close.addEventListener('click', () => this.askToClose());
    element('keep').addEventListener('click', () => this.goOn());
    element('abandon').addEventListener('click', () => dialog.close());
    for (const [field, input] of Object.entries(inputs)) {
      input.addEventListener('input', () => this.conflict.chooseNone(field));
    }
    // A browser lets the second Escape in a row through, whatever "cancel" says.
    dialog.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      this.askToClose();
    });
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.askToClose();
    });
    window.addEventListener('beforeunload', (event) => {
      if (dialog.open && (this.phase !== 'editing' || this.isDirty())) event.preventDefault();
    });
    dialog.addEventListener('close', () => this.closed());
  }

  open(row, refused = null) {
    this.row = row;
    this.refused = refused;
    this.waiting = new Set();
    this.opening = {}; // tells a late answer whether it is still this dialogue's
    this.request = null;
    this.lockId = null;
    fill(element('editor-title'), words`${this.name}`);
    notes.value = refused?.notes ?? '';
    this.setValues(new Set());
    element('meanwhile').textContent = '';
    this.conflict.hide();
    this.showRow();
    this.isGone = false;
    this.edit();
    this.showLock(row.lock);
    dialog.showModal();
    this.loadParts();
    if (refused) this.conflict.reopen(refused, this.sides());
    else (mayEdit() ? status : element('editor-title')).focus();
  }

  get name() {
    return this.row.name ?? `Customer ${this.row.id}`;
  }

  isOpenFor(id) {
    return dialog.open && this.row?.id === id;
  }

  isTouched(field) {
    return inputs[field].value !== this.shown[field];
  }

  // What is typed and on no server. A refused save that is reopened waits on.
  isDirty() {
    const isChanged = !this.refused && Object.keys(inputs).some((field) => this.isTouched(field));
    const isTyped = notes.value.trim() !== (this.refused?.notes ?? '').trim();
    return isChanged || isTyped || this.hasOpenForms();
  }

  // A correction or a deal that was typed and is not saved.
  hasOpenForms() {
    return this.correction.isDirty() || this.deals.isDirty();
  }

  // Nothing that was typed goes without a question, and nothing while a save is under way.
  askToClose() {
    if (this.phase === 'sending') return;
    if (!this.isDirty()) {
      dialog.close();
      return;
    }
    unsaved.hidden = false;
    element('keep').focus();
  }

  goOn() {
    unsaved.hidden = true;
    notes.focus();
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

  // The row's values, except in the fields that keep what was typed.
  setValues(kept) {
    const { row } = this;
    const typed = kept.has('status') ? status.value : row.status;
    const all = new Set([...statuses, row.status, typed, this.refused?.asked.status ?? typed]);
    status.replaceChildren(...[...all].map((value) => make('option', { value, dir: 'auto' }, value)));
    status.value = typed;
    this.shown = { status: row.status };
    for (const [field, input] of Object.entries(texts)) {
      this.shown[field] = asTyped(row[field]);
      if (!kept.has(field)) input.value = this.shown[field];
    }
  }

  showRow() {
    const { updated_at, changed_by } = this.row;
    fill(element('version'), [
      'You see the version of ',
      make('time', { dateTime: updated_at }, when(updated_at)),
      ...(changed_by ? words`, by ${changed_by}` : []),
    ]);
  }

  loadParts() {
    this.timeline.load(this.row.id);
    this.deals.load(this.row.id);
  }

  showLock(lock) {
    const isForeign = lock && lock.author !== session().login;
    const text = isForeign
      ? words`${lock.author} has locked ${this.name} until ${[when(lock.expires_at)]}: saves of others are refused until then.`
      : this.lockId && lock
        ? words`You have locked ${this.name} until ${[when(lock.expires_at)]}.`
        : '';
    fill(element('lock'), text);
    takeLock.hidden = Boolean(this.lockId) || !mayEdit();
    releaseLock.hidden = !this.lockId;
  }

  // Gives the form back to the user.
  edit(message = '') {
    this.phase = 'editing';
    this.request = null;
    const isOpen = mayEdit();
    fields.disabled = false;
    status.disabled = Boolean(this.refused) || !isOpen;
    for (const input of Object.values(texts)) input.readOnly = Boolean(this.refused) || !isOpen;
    notes.readOnly = !isOpen;
    element('comment').hidden = !isOpen && notes.value === '';
    fill(element('read-only'), isOpen ? '' : words`You may look at ${this.name}, but not change it.`);
    save.hidden = !isOpen;
    remove.hidden = Boolean(this.refused) || !isOpen;
    discard.hidden = !this.refused || !isOpen;
    this.allow(!this.isGone);
    again.hidden = true;
    relogin.hidden = isOpen;
    close.disabled = false;
    unsaved.hidden = true;
    fill(problem, message);
    progress.textContent = '';
    if (message.length > 0) notes.focus();
  }

  // Somebody else has logged in, on top of the dialogue.
  userChanged() {
    if (this.phase === 'editing') this.edit();
    takeLock.hidden = Boolean(this.lockId) || !mayEdit();
    this.loadParts();
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
      this.edit(words`${this.name} was restored.`);
    }
    this.timeline.load(row.id);
    this.showLock(row.lock);
    if (this.lockId && row.lock?.author !== session().login) this.lock(); // tells what became of ours
    if (row.updated_at > this.row.updated_at) {
      fill(
        element('meanwhile'),
        words`${row.changed_by} changed ${this.name} while you were editing; its status is now “${row.status}”. Save overwrites nothing of it; where both of you changed the same, it shows you both.`,
      );
    }
  }

  // While a request is under way, or its answer was lost, that answer is what tells more: it may have been ours.
  gone() {
    if (this.phase !== 'editing') return;
    this.isGone = true;
    this.edit(words`${this.name} was deleted. What you typed is still here, to be copied.`);
  }

  // Saving ----------------------------------------------------------------------------------------

  submit(event) {
    event.preventDefault();
    if (this.phase !== 'editing' || save.disabled) return; // the second of two quick clicks
    if (this.refused) {
      this.start('resolve', this.refusedPath, { choose: this.conflict.choices() });
      return;
    }
    const touched = Object.keys(texts).filter((field) => this.isTouched(field));
    this.start('save', this.path, {
      status: this.isTouched('status') ? status.value : null,
      fields: touched.length > 0 ? Object.fromEntries(touched.map((field) => [field, texts[field].value || null])) : null,
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
    if (Object.keys(inputs).some((field) => this.isTouched(field))) {
      this.edit('What you changed is not saved. Save it, or set it back, before you undo a change.');
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
    // The dialogue closes once the request is applied.
    if (this.hasOpenForms()) {
      this.edit('A deal or a correction below is not saved. Save or cancel that first.');
      return;
    }
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
    close.disabled = true;
    unsaved.hidden = true;
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
        this.say(words`It is not known whether your change of ${row.name ?? row.id} was applied: look at it again.`);
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
    close.disabled = false;
    again.focus();
  }

  // A browser may close a dialogue against our will; its save goes on.
  settleClosed(row, request, answer) {
    if (answer.status === 200) this.applied(row, request, answer.body);
    else this.say(words`Your change was not applied. ${[problemOf(answer, row.name ?? row.id)].flat()}`);
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
    this.say([...words`${name ?? id}`, outcome === 'replayed' ? repeated : done]);
  }

  async settle(answer) {
    const { status: code, body } = answer;
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
        this.edit([body.message, ' What you typed is still here; somebody who may can log in.']);
        relogin.hidden = false;
        return;
      case 404:
      case 410:
        if (this.refused) {
          // It waits no longer, or the customer is gone: reading that tells.
          this.edit('Your refused save was saved, resolved or discarded before.');
          this.reload(this.row.id);
          return;
        }
        this.phase = 'editing';
        this.onGone(this.row.id);
        this.gone();
        return;
      case 423:
        this.edit('Nothing was saved. What you typed is still here.');
        this.showLock(body.lock);
        return;
      case 503:
        this.unanswered(`${body.message} Nothing was lost;`);
        return;
      default:
        // what is wrong with the request
        this.edit(problemOf(answer, this.name));
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
    this.edit(mayEdit() ? words`You are ${name} now. Save, if this is to be ${name}’s save.` : words`You are ${name} now.`);
  }

  // Conflicts -------------------------------------------------------------------------------------

  showConflict(body) {
    const { request } = this;
    const { current, changes = [] } = body;
    const kept = new Set(this.refused ? [] : Object.keys(inputs).filter((field) => this.isTouched(field)));
    const last = changes.at(-1);
    this.edit();
    // From here on the user has seen the current version: it is the base of the next save.
    this.row = { ...this.row, ...current, changed_by: last ? (last.author ?? last.db_user) : this.row.changed_by };
    this.setValues(kept);
    this.showRow();
    element('meanwhile').textContent = '';
    this.conflict.show(this.name, request, this.refused ? { ...body, conflicts: this.sides() } : body);
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
        const hadFocus = document.activeElement === takeLock;
        this.showLock(body);
        if (hadFocus) releaseLock.focus();
        clearInterval(this.renewal);
        this.renewal = setInterval(() => this.lock(), (new Date(body.expires_at) - Date.now()) / 2);
      } else {
        this.lockId = null;
        clearInterval(this.renewal);
        this.showLock(body.lock?.author ? body.lock : null);
        if (code !== 423) {
          // "… on customer 7 was ended by …": who ended it, the message alone tells.
          const [before, after] = body.message.split(`customer ${id}`);
          fill(problem, after === undefined ? body.message : words`${[before]}${this.name}${[after]}`);
        }
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      problem.textContent = 'The lock could not be had: no answer came.';
    }
  }

  async release() {
    clearInterval(this.renewal);
    await this.unlock();
    if (!dialog.open) return;
    this.showLock(null);
    takeLock.focus();
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
