// A backend for the tests of one file, and requests to it.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { logins, Stage, until } from './harness.js';

export let stage;
export let cookies;
export let ana; // the cookie of the first user
export const answered = new Map(); // outcome → status, of all answers

before(async () => {
  stage = await Stage.open({ LOCK_SECONDS: '0.5' });
  const request = stage.request.bind(stage);
  stage.request = async (...of) => {
    const answer = await request(...of);
    const { status, body } = answer;
    const outcome = body.save?.outcome ?? body.outcome;
    if (outcome ?? body.error) answered.set(outcome ?? body.error, { status, isOutcome: Boolean(outcome) });
    return answer;
  };
  cookies = await Promise.all(logins.map((login) => stage.login(login)));
  [ana] = cookies;
});
after(() => stage?.close());

// Ends the backend, and returns what it was.
export async function end() {
  const ended = stage;
  stage = null;
  await ended.close();
  return ended;
}

export const get = (id, cookie = ana) => stage.request('GET', `/api/customers/${id}`, { cookie });
export const put = (id, body, cookie = ana) => stage.request('PUT', `/api/customers/${id}`, { cookie, body });
export const comments = (id) =>
  stage.sql('SELECT author, body, save_refused FROM comments WHERE customer_id = $1 ORDER BY id', [id]);
export const changes = async (id) =>
  (await stage.sql("SELECT author, status_to FROM customer_history WHERE customer_id = $1 AND operation = 'update'", [id]));

// A new customer and the version that everybody sees.
export async function opened() {
  const id = await stage.customer();
  const { body } = await get(id);
  return { id, seen: body.updated_at };
}

// The server-sent events of one connection.
export class Stream {
  static async open(cookie) {
    const stream = new Stream();
    stream.abort = new AbortController();
    stream.events = [];
    const response = await fetch(`${stage.base}/api/events`, { headers: { cookie }, signal: stream.abort.signal });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    stream.done = stream.read(response.body);
    await stream.next('hello');
    return stream;
  }

  async read(body) {
    let text = '';
    try {
      for await (const chunk of body) {
        text += Buffer.from(chunk).toString();
        const blocks = text.split('\n\n');
        text = blocks.pop();
        for (const block of blocks) {
          const event = /^event: (.*)$/m.exec(block)?.[1];
          if (event) this.events.push({ event, data: JSON.parse(/^data: (.*)$/m.exec(block)[1]) });
        }
      }
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
  }

  next(name, matches = () => true) {
    return until(`event ${name}`, () => this.events.find(({ event, data }) => event === name && matches(data)));
  }

  async close() {
    this.abort.abort();
    await this.done;
  }
}
