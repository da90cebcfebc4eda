import { element, fill, idOf, line, make, when, words } from './api.js';
import { Deleted } from './deleted.js';
import { Editor } from './editor.js';
import { Refused } from './refused.js';
import { ask, mayEdit, onSession, session, useSession } from './session.js';

const list = element('customers');
const search = element('search');
const more = element('more');
const rows = new Map(); // id → { row, line } of the table
let searched = ''; // what the rows were searched by
let next = null; // where the list goes on
let stream = null;

const say = (text) => fill(element('news'), text);
const connection = (text) => (element('connection').textContent = text);

// The list ----------------------------------------------------------------------------------------

// Puts a row of the server on the screen; an answer that was overtaken by a newer one is dropped.
function show(row, isNews) {
  const known = rows.get(row.id);
  if (known && known.row.updated_at > row.updated_at) return;
  const made = lineOf(row);
  made.dataset.id = row.id;
  if (known) {
    refill(known.line, made);
  } else {
    list.insertBefore(made, [...list.rows].find((other) => Number(other.dataset.id) > row.id) ?? null);
  }
  rows.set(row.id, { row, line: known?.line ?? made });
  if (isNews && known && known.row.updated_at < row.updated_at) {
    known.line.classList.remove('changed');
    void known.line.offsetWidth; // starts the animation anew
    known.line.classList.add('changed');
  }
}

// The button stays what it is: it may have the focus, or be what a dialogue gives it back to.
function refill(line, made) {
  const button = line.querySelector('button');
  const { textContent, ariaLabel } = made.querySelector('button');
  Object.assign(button, { textContent, ariaLabel });
  button.parentElement.dataset.label = textContent;
  for (const [n, cell] of [...made.cells].slice(0, -1).entries()) line.cells[n].replaceWith(cell);
}

function lineOf(row) {
  const name = row.name ?? `Customer ${row.id}`;
  const verb = mayEdit() ? 'Edit' : 'View';
  const button = { type: 'button', ariaLabel: `${verb} ${name}`, onclick: () => edit(row.id) };
  return line({
    Name: name,
    Phone: row.phone,
    Status: row.status,
    Changed: make(
      'span',
      {},
      make('time', { dateTime: row.updated_at }, when(row.updated_at)),
      ...(row.changed_by ? words` by ${row.changed_by}` : []),
      ...(row.lock ? words`; ${row.lock.author} is editing` : []),
    ),
    [verb]: make('button', button, verb),
  });
}

// A row that was read by itself belongs to the list if it is in it, or is between its ends.
function update(row) {
  if (rows.has(row.id)) show(row, true);
  else if (searched) loadList();
  else if (!next || row.id < lastId()) show(row, true);
  watchLock(row);
  count();
}

const lastId = () => Number(list.lastElementChild?.dataset.id ?? 0);

function drop(id) {
  rows.get(id)?.line.remove();
  rows.delete(id);
}

function remove(id) {
  drop(id);
  watchLock({ id, lock: null });
  count();
  if (editor.isOpenFor(id)) editor.gone();
}

function count() {
  const { size } = rows;
  const text = searched
    ? size === 0
      ? words`No customer matches “${searched}”.`
      : words`${[String(size)]} found by “${searched}”${[next ? '; there are more.' : '.']}`
    : size === 0
      ? 'There are no customers yet.'
      : next
        ? `The first ${size} customers.`
        : '';
  fill(element('count'), text);
  list.closest('table').hidden = size === 0;
  more.hidden = !next;
}

// Runs an action; if it is asked for meanwhile, however often, once more afterwards.
function once(action) {
  let running = null;
  let isAsked = false;
  return () => {
    isAsked = true;
    running ??= (async () => {
      try {
        while (isAsked) {
          isAsked = false;
          await action();
        }
      } finally {
        running = null;
      }
    })();
    return running;
  };
}

// Reads the list anew, as far as it was read.
const loadList = once(async () => {
  const text = search.value.trim();
  const before = [...rows.keys()]; // what comes meanwhile is newer than the answer
  const last = text === searched ? lastId() : 0;
  const found = [];
  let path = `/api/customers${text ? `?search=${encodeURIComponent(text)}` : ''}`;
  do {
    const answer = await ask('GET', path);
    if (answer.status !== 200) {
      say(answer.body.message);
      return;
    }
    found.push(...answer.body);
    path = answer.next;
  } while (path && found.at(-1).id < last);
  searched = text;
  next = path;
  const there = new Set(found.map(({ id }) => id));
  for (const id of before) if (!there.has(id)) drop(id);
  for (const row of found) {
    show(row, true);
    watchLock(row);
  }
  count();
});

async function loadMore() {
  const from = next;
  const answer = await ask('GET', from);
  if (answer.status !== 200) {
    say(answer.body.message);
    return;
  }
  if (from !== next) return; // the list was read anew meanwhile
  next = answer.next;
  for (const row of answer.body) {
    show(row);
    watchLock(row);
  }
  count();
  rows.get(answer.body[0].id).line.querySelector('button').focus();
}

function loadAll() {
  loadList();
  if (editor.row) {
    refresh(editor.row.id);
    editor.deals.load(editor.row.id);
  }
  deleted.load();
  refused.load();
}

// An edit lock that runs out sends no event.
const ends = new Map();
function watchLock({ id, lock }) {
  clearTimeout(ends.get(id));
  ends.delete(id);
  if (!lock) return;
  const left = new Date(lock.expires_at) - Date.now();
  // The clocks may differ.
  const delay = left > 0 ? left + 500 : 5000;
  ends.set(id, setTimeout(() => refresh(id), Math.min(delay, 2 ** 31 - 1)));
}

// Reads one customer anew; however many events come meanwhile, once more afterwards at most.
const refreshing = new Map();
async function refresh(id) {
  if (refreshing.has(id)) {
    refreshing.set(id, true);
    return;
  }
  do {
    refreshing.set(id, false);
    const answer = await ask('GET', `/api/customers/${id}`);
    if (answer.status === 200) {
      update(answer.body);
      if (editor.isOpenFor(id)) editor.meanwhile(answer.body);
    } else if (answer.status === 404) {
      remove(id);
    }
  } while (refreshing.get(id));
  refreshing.delete(id);
}

async function edit(id, save) {
  say('');
  const answer = await ask('GET', `/api/customers/${id}`);
  if (answer.status === 200) {
    update(answer.body);
    editor.open(answer.body, save);
  } else if (answer.status === 404) {
    remove(id);
    say('That customer was deleted.');
  } else {
    say(answer.body.message);
  }
}

// Live changes ------------------------------------------------------------------------------------

function listen() {
  stream?.close();
  const mine = new EventSource('/api/events');
  stream = mine;
  // Whatever happened while there was no stream: "hello" opens each one.
  for (const name of ['hello', 'resync']) {
    stream.addEventListener(name, () => {
      connection('Live');
      loadAll();
    });
  }
  const isDeletion = ({ operation }) => operation === 'delete' || operation === 'restore';
  stream.addEventListener('change', ({ data }) => {
    const event = JSON.parse(data);
    const id = idOf(event.key);
    refresh(id);
    if (isDeletion(event)) deleted.load();
    if (isDeletion(event) || refused.has(id)) refused.load();
  });
  // The event names the deal, not whose it is.
  stream.addEventListener('deal', ({ data }) => {
    if (editor.row) editor.deals.load(editor.row.id);
    if (isDeletion(JSON.parse(data))) deleted.load();
  });
  stream.addEventListener('error', async () => {
    connection('Not live: reconnecting');
    if (mine.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    // The server refused it: because the session has ended, or for the moment.
    const { status } = await ask('GET', '/api/session');
    if (status !== 401) setTimeout(() => stream === mine && listen(), 1000);
  });
}

// Sessions ----------------------------------------------------------------------------------------

onSession((opened, before) => {
  fill(element('user'), words`${opened.name} (${[opened.role]})`);
  element('logout').textContent = 'Log out';
  if (before && before.login !== opened.login) {
    for (const { row } of rows.values()) show(row);
    if (editor.row) editor.userChanged();
  }
  if (before?.login !== opened.login || stream?.readyState === EventSource.CLOSED) listen();
});

async function begin() {
  const { status, body } = await ask('GET', '/api/session');
  if (status === 200) useSession(body);
  else say(body.message);
}

element('logout').addEventListener('click', async () => {
  if (!session()) return begin();
  const { status, body } = await ask('DELETE', '/api/session');
  if (status === 204) location.reload();
  else say(body.message);
});

search.addEventListener('input', loadList);
element('search-form').addEventListener('submit', (event) => {
  event.preventDefault();
  loadList();
});
more.addEventListener('click', loadMore);

const deleted = new Deleted({ say });
const refused = new Refused({ say, onReopen: (save) => edit(save.customer_id, save) });
const editor = new Editor({
  say,
  onRow: update,
  onGone: remove,
  onRefused: () => refused.load(),
  reload: refresh,
});
begin();
