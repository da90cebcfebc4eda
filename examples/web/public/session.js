import { call, NoAnswer, words } from './api.js';
import { logIn } from './login.js';

export const mostRetries = 3;
export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

let current = null;
let listener = () => {};

// Who is logged in, for all parts of the page.
export const session = () => current;
export const mayEdit = () => current?.role === 'editor';
export const onSession = (listen) => (listener = listen);
export function useSession(opened) {
  const before = current;
  current = opened;
  listener(opened, before);
}

// Reads, and logs in where there is no session. The status is 0 when no answer came, and 401 when nobody logged in.
export async function ask(method, path) {
  for (;;) {
    let answer;
    try {
      answer = await call(method, path);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { status: 0, body: { message: 'The server cannot be reached. What you see may be old.' } };
    }
    if (answer.status !== 401) return answer;
    const opened = await logIn(
      current ? 'Your session has ended. Log in to go on.' : 'Log in to see the customers.',
      current?.login,
    );
    if (!opened) return { status: 401, body: { message: 'You are not logged in.' } };
    useSession(opened);
  }
}

// Sends a change, and the same again where that is safe and the same user's. The statuses 0 and 401 are those of ask().
export async function write(method, path, body) {
  const before = current?.login;
  for (let n = 0; ; ) {
    let answer;
    try {
      answer = await call(method, path, body);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const message = 'No answer came: the network is down, or the server. Send it again: it is applied once at most.';
      return { status: 0, body: { message } };
    }
    if (answer.status === 503 && n < mostRetries) {
      n++;
      await pause(answer.retryAfter);
    } else if (answer.status === 401) {
      const opened = await logIn('Your session has ended. What you typed is kept; log in to go on.', before);
      if (!opened) return { status: 401, body: { message: 'You are not logged in.' } };
      useSession(opened);
      if (opened.login !== before) {
        const message = `You are ${opened.name} now. Send it again, if this is to be ${opened.name}’s change.`;
        return { status: 401, body: { message } };
      }
    } else {
      return answer;
    }
  }
}

// What an answer that is no success has to tell, of what the page calls by its name. The server's words name a record by its
// key, and are for those who call it.
export function problemOf({ status, body: { error, message, hint, lock } }, name = null) {
  if (name !== null) {
    switch (error) {
      case 'conflict':
        return words`${name} was changed by somebody else first.`;
      case 'gone':
        return words`${name} was deleted.`;
      case 'not_found':
        return words`${name} is not there.`;
      case 'locked':
        return lock?.author ? words`${lock.author} is editing ${name}.` : words`${name} is being edited.`;
    }
  }
  return [message, status === 400 && hint].filter(Boolean).join(' ');
}
