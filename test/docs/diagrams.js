// Reads a JSON array of Mermaid diagrams, and writes for each what is wrong with it, or null.
import { readFileSync } from 'node:fs';
import { JSDOM } from 'jsdom';

// Mermaid looks for a browser when it is loaded.
const { window } = new JSDOM('');
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import('mermaid');

const problems = [];
for (const diagram of JSON.parse(readFileSync(0, 'utf8'))) {
  problems.push(await mermaid.parse(diagram).then(() => null, (error) => error.message));
}
console.log(JSON.stringify(problems));
