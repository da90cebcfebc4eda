// Reads a password from standard input and prints what users.json holds of it.
import { createInterface } from 'node:readline';
import { hashPassword } from './src/auth.js';

for await (const password of createInterface({ input: process.stdin })) console.log(await hashPassword(password));
