import { element, fill, words } from './api.js';
import { problemOf, write } from './session.js';

const form = element('correction');
const text = element('correction-text');
const reason = element('correction-reason');
const problem = element('correction-problem');
const buttons = form.querySelectorAll('button');

// The form in which one's own comment is corrected or withdrawn. expected is the text that its author saw last.
export class Correction {
  constructor({ say, onDone }) {
    Object.assign(this, { say, onDone });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.send('PUT', { expected_body: this.expected, body: text.value });
    });
    element('withdraw').addEventListener('click', () =>
      this.send('DELETE', { reason: reason.value.trim() === '' ? null : reason.value }),
    );
    element('correction-cancel').addEventListener('click', () => this.close());
  }

  open(customerId, { comment_id, body }) {
    if (this.isDirty()) {
      problem.textContent = 'This correction is not saved. Correct, or cancel it, before you open another.';
      text.focus();
      return;
    }
    this.opening = { path: `/api/customers/${customerId}/comments/${comment_id}` };
    this.expected = body;
    text.value = body;
    reason.value = '';
    problem.textContent = '';
    form.hidden = false;
    text.focus();
  }

  close() {
    form.hidden = true;
    this.opening = null;
  }

  isDirty() {
    return !form.hidden && (text.value !== this.expected || reason.value.trim() !== '');
  }

  async send(method, request) {
    const { opening } = this;
    problem.textContent = '';
    for (const button of buttons) button.disabled = true;
    try {
      const { status, body } = await write(method, opening.path, request);
      if (status === 200) {
        this.say(method === 'PUT' ? 'Your comment is corrected.' : 'Your comment is withdrawn.');
        if (opening !== this.opening) return;
        this.close();
        this.onDone();
      } else if (opening !== this.opening) {
        this.say(`Your comment was not changed. ${problemOf({ status, body })}`); // the form was closed meanwhile
      } else if (status === 409) {
        // From here on the user has seen the text that is there: it is what the next correction expects.
        const { text: current, author, edited_by } = body.comment;
        this.expected = current;
        fill(
          problem,
          words`${edited_by ?? author} changed this comment after you opened it; it says: “${current}”. Yours is still here: Correct puts it in the place of that.`,
        );
      } else {
        problem.textContent = problemOf({ status, body });
      }
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}
