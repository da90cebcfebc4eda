import { call, element, NoAnswer } from './api.js';

const dialog = element('login');
const form = element('login-form');
const name = element('login-name');
const password = element('login-password');
const problem = element('login-problem');
let pending = null;

// Asks for a login over whatever is open, which stays as it is. Resolves with the session, or null if that was cancelled.
export function logIn(reason, login = '') {
  if (!pending) {
    element('login-reason').textContent = reason;
    problem.textContent = '';
    name.value = login;
    password.value = '';
    dialog.showModal();
    (login ? password : name).focus();
    let resolve;
    const promise = new Promise((r) => (resolve = r));
    pending = { promise, resolve };
  }
  return pending.promise;
}

function end(session) {
  pending?.resolve(session);
  pending = null;
  dialog.close();
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  problem.textContent = '';
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    const { status, body } = await call('POST', '/api/session', { login: name.value, password: password.value });
    if (status === 200) {
      end(body);
      // Nothing had the focus that it could go back to; "Log in" is "Log out" now.
      if ([document.body, element('logout')].includes(document.activeElement)) element('title').focus();
    } else {
      problem.textContent = body.message;
    }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    problem.textContent = 'The server cannot be reached. Try again when the network is back.';
  } finally {
    button.disabled = false;
    password.value = '';
  }
});
dialog.addEventListener('close', () => end(null));
