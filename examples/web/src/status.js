// What an SQLSTATE means in HTTP: the first line that matches. doc/http.md explains each; a test compares the two.
export const statusOfSqlstate = [
  [/^PT([45]\d\d)$/, (match) => Number(match[1])], // the extension's own: PT409, PT423, PT428
  [/^22...$/, 400], // a value that is none: a malformed number or time, a NULL, a blank, too long a text
  [/^23...$/, 400], // what a constraint refuses: a value, a deletion, a restoration
  [/^42703$/, 400], // a column that is named, or is to be undone or restored, and is not there
  [/^28000$/, 401], // the database was not told who saves
  [/^42501$/, 403], // a right is missing
  [/^(40001|40P01)$/, 503], // a serialization failure, a deadlock
  [/^(55P03|57014)$/, 503], // a lock or an answer that did not come in time
  [/^25006$/, 503], // a standby, or a primary that is being replaced
  [/^(08|53).../, 503], // the connection; too many connections, no space
  [/^57P0[1-5]$/, 503], // the server is stopping or starting
];

// A request that the backend itself refuses.
export class HttpError extends Error {
  constructor(status, error, message) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

// The database gave no answer: it was not reached, or the connection was lost before the answer.
export class Unreachable extends Error {}

// The HTTP status of whatever a request handler threw.
export function statusOf(error) {
  if (error instanceof HttpError) return error.status;
  if (error instanceof Unreachable) return 503;
  for (const [pattern, status] of statusOfSqlstate) {
    const match = pattern.exec(error.code ?? '');
    if (match) return typeof status === 'function' ? status(match) : status;
  }
  return 500;
}
