import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const derive = promisify(scrypt);
const cookieName = 'crm_session';

// scrypt:N:r:p:salt:key, so that the cost can be raised and older entries still be checked.
export async function hashPassword(password, N = 2 ** 15) {
  const salt = randomBytes(16);
  const key = await derive(password, salt, 32, { N, r: 8, p: 1, maxmem: 2 ** 27 });
  return ['scrypt', N, 8, 1, salt.toString('base64'), key.toString('base64')].join(':');
}

async function isPassword(password, stored) {
  const [kind, N, r, p, salt, key] = stored.split(':');
  if (kind !== 'scrypt') throw new Error('a password in the users file is not hashed: npm run hash-password');
  const expected = Buffer.from(key, 'base64');
  const options = { N: Number(N), r: Number(r), p: Number(p), maxmem: 2 ** 27 };
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'base64'), expected.length, options), expected);
}

// Sessions are signed cookies: the name and the time of expiry. The role is looked up at every request.
export class Sessions {
  constructor({ usersFile, secret, seconds, secure }) {
    this.users = new Map(JSON.parse(readFileSync(usersFile, 'utf8')).map((user) => [user.login, user]));
    this.secret = secret || randomBytes(32);
    this.seconds = seconds;
    this.attributes = `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
    // What a wrong name is compared with, so that it takes as long as a wrong password.
    this.nobody = hashPassword(randomBytes(16).toString('hex'));
  }

  sign(text) {
    return createHmac('sha256', this.secret).update(text).digest('base64url');
  }

  // The Set-Cookie of a new session, or null.
  async open(login, password) {
    const user = this.users.get(login);
    if (!(await isPassword(password, user?.password ?? (await this.nobody))) || !user) return null;
    const text = Buffer.from(JSON.stringify({ login, expires: Date.now() + this.seconds * 1000 })).toString('base64url');
    return `${cookieName}=${text}.${this.sign(text)}; Max-Age=${this.seconds}; ${this.attributes}`;
  }

  close() {
    return `${cookieName}=; Max-Age=0; ${this.attributes}`;
  }

  // Who sends a request: { login, name, role, expires }, or null.
  user(request) {
    const cookie = (request.headers.cookie ?? '').split(/; */).find((part) => part.startsWith(`${cookieName}=`));
    const [text, signature] = (cookie ?? '').slice(cookieName.length + 1).split('.');
    if (!text || !signature) return null;
    const expected = Buffer.from(this.sign(text));
    const got = Buffer.from(signature);
    if (got.length !== expected.length || !timingSafeEqual(got, expected)) return null;
    const { login, expires } = JSON.parse(Buffer.from(text, 'base64url').toString());
    const user = this.users.get(login);
    if (!user || expires <= Date.now()) return null;
    return { login, name: user.name, role: user.role, expires };
  }
}
