import { element, idOf, make, when } from './api.js';
import { Deleted } from './deleted.js';
import { Editor } from './editor.js';
import { Refused } from './refused.js';
import { ask, onSession, session, useSession } from './session.js';

const rows = new Map(); // id → { row, line } of the table
let stream = null;

const say = (text) => (element('news').textContent = text);
const connection = (text) => (element('connection').textContent = text);

// The list ----------------------------------------------------------------------------------------

// Puts a row of the server on the screen; an answer that was overtaken by a newer one is dropped.
function show(row, isNews) {
  const known = rows.get(row.id);
  if (known && known.row.updated_at > row.updated_at) return;
  const line = known?.line ?? addLine(row.id);
  rows.set(row.id, { row, line });
  const [name, phone, status, changed] = line.cells;
  name.textContent = row.name ?? '';
  phone.textContent = row.phone ?? '';
  status.textContent = row.status;
  const by = row.changed_by ? ` by ${row.changed_by}` : '';
  const lock = row.lock ? `; ${row.lock.author} is editing` : '';
  changed.replaceChildren(make('time', { dateTime: row.updated_at }, when(row.updated_at)), by, lock);
  line.querySelector('button').setAttribute('aria-label', `Edit ${row.name ?? row.id}`);
  if (isNews && known && known.row.updated_at < row.updated_at) {
    line.classList.remove('changed');
    void line.offsetWidth; // starts the animation anew
    line.classList.add('changed');
  }
}

function addLine(id) {
  const line = make('tr', {}, ...Array.from({ length: 4 }, () => make('td')));
  line.dataset.id = id;
  line.append(make('td', {}, make('button', { type: 'button', onclick: () => edit(id) }, 'Edit')));
  const after = [...element('customers').rows].find((other) => Number(other.dataset.id) > id);
  element('customers').insertBefore(line, after ?? null);
  return line;
}

function remove(id) {
  rows.get(id)?.line.remove();
  rows.delete(id);
  if (editor.isOpenFor(id)) editor.gone();
}

async function loadAll() {
  const answer = await ask('GET', '/api/customers');
  if (answer.status === 200) {
    const there = new Set(answer.body.map(({ id }) => id));
    for (const row of answer.body) show(row, true);
    for (const id of [...rows.keys()]) if (!there.has(id)) remove(id);
    if (editor.row) {
      refresh(editor.row.id);
      editor.deals.load(editor.row.id);
    }
  } else {
    say(answer.body.message);
  }
  deleted.load();
  refused.load();
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
      show(answer.body, true);
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
    show(answer.body);
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
  element('user').textContent = `${opened.name} (${opened.role})`;
  element('logout').textContent = 'Log out';
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

const deleted = new Deleted({ say });
const refused = new Refused({ say, onReopen: (save) => edit(save.customer_id, save) });
const editor = new Editor({
  say,
  onRow: (row) => show(row, true),
  onGone: remove,
  onRefused: () => refused.load(),
  reload: refresh,
});
begin();
