// Runs a load plan against a backend and a database of its own, then looks at what is in the database.
//
//   DATABASE_URL=… node load/run.js jmeter       Debian's packages jmeter and jmeter-http, or Apache's JMeter
//   DATABASE_URL=… node load/run.js artillery    npx; some 460 MB the first time, which is why it is no dependency
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../src/database.js';
import { Stage } from '../test/harness.js';

const plan = (name) => fileURLToPath(new URL(name, import.meta.url));
const output = mkdtempSync(join(tmpdir(), 'crm-load-'));
const login = 'user0';
const minutes = 5;

// What whoever runs this can put right: told in one line.
class Problem extends Error {}

// The program that runs, in a process group of its own: what starts it may be a script.
let running;
let interrupted;
function kill(signal) {
  try {
    process.kill(-running.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted ??= signal;
    if (running) kill('SIGTERM');
  });
}
const stopIfInterrupted = () => {
  if (interrupted) throw new Error(interrupted);
};

// What it leaves in its working directory goes with the output.
async function run(command, args, env) {
  stopIfInterrupted();
  let said = '';
  const child = spawn(command, args, { cwd: output, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    kill('SIGKILL');
  }, minutes * 60_000);
  try {
    const how = await new Promise((resolve, reject) => {
      child.once('spawn', () => (running = child));
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal));
    });
    stopIfInterrupted();
    if (isLate) throw new Problem(`${command} was not ready after ${minutes} minutes`);
    if (how !== 0) throw new Problem(`${command} failed (${how}):\n${said}`);
  } finally {
    clearTimeout(late);
    running = undefined;
  }
}

const find = (command) =>
  (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, command)).find((path) => existsSync(path));

// Where JMeter is, and how it starts; Debian's needs help.
function findJMeter() {
  const command = find('jmeter');
  if (!command) {
    throw new Problem('there is no jmeter in the PATH: apt-get install jmeter jmeter-http, or unpack Apache JMeter and put its bin there');
  }
  const home = dirname(dirname(realpathSync(command)));
  if (!existsSync(join(home, 'lib', 'ext', 'ApacheJMeter_http.jar'))) {
    throw new Problem(`JMeter in ${home} is without its HTTP part, lib/ext/ApacheJMeter_http.jar: apt-get install jmeter-http`);
  }
  if (!find('java')) throw new Problem('JMeter needs java, which is not in the PATH: apt-get install default-jre-headless');
  if (home !== '/usr/share/jmeter') return [command];
  const jars = ['lib', 'lib/ext'].flatMap((directory) =>
    readdirSync(join(home, directory)).filter((name) => name.endsWith('.jar')).map((name) => join(home, directory, name)),
  );
  const classes = [join(home, 'bin', 'ApacheJMeter.jar'), ...jars, '/usr/share/java/bsh.jar'].join(':');
  return ['java', '-cp', classes, `-Djmeter.home=${home}`, 'bsh.Interpreter', plan('jmeter-debian.bsh')];
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

// Each looks for what it needs, and returns what runs the plan, which tells what became of the saves:
// { codes: { 200: n, … }, p50, p95, p99 (milliseconds), seconds }.
const tools = {
  jmeter() {
    const [command, ...first] = findJMeter();
    return (stage) => runJMeter(command, first, stage);
  },

  artillery() {
    if (!find('npx')) throw new Problem('there is no npx in the PATH: apt-get install npm');
    return runArtillery;
  },
};

async function runJMeter(command, first, { url, customer }) {
  const log = join(output, 'thirty.csv');
  const { hostname, port } = new URL(url);
  const format = ['-Jjmeter.save.saveservice.output_format=csv', '-Jjmeter.save.saveservice.print_field_names=true'];
  const settings = { host: hostname, port, customer, login, password: `${login}!` };
  await run(command, [...first, '-n', '-t', plan('thirty.jmx'), '-l', log, '-j', join(output, 'jmeter.log'), ...format,
    ...Object.entries(settings).map(([name, value]) => `-J${name}=${value}`)]);
  if (!existsSync(log)) {
    const errors = readFileSync(join(output, 'jmeter.log'), 'utf8').split('\n').filter((line) => line.includes(' ERROR '));
    throw new Problem(`JMeter left no results: ${errors.join('\n')}`);
  }
  const [names, ...lines] = readFileSync(log, 'utf8').trim().split('\n').map((line) => line.split(','));
  const samples = lines.map((line) => Object.fromEntries(names.map((name, n) => [name, line[n]])));
  const failed = samples.filter(({ success }) => success !== 'true');
  if (failed.length) throw new Problem(`${failed.length} samples failed, as ${JSON.stringify(failed[0])}`);
  const saves = samples.filter(({ label }) => label === 'save');
  const codes = {};
  for (const { responseCode } of saves) codes[responseCode] = (codes[responseCode] ?? 0) + 1;
  const times = saves.map(({ elapsed }) => Number(elapsed)).sort((a, b) => a - b);
  const begins = samples.map(({ timeStamp }) => Number(timeStamp));
  const seconds = (Math.max(...begins) - Math.min(...begins)) / 1000;
  return { codes, p50: percentile(times, 0.5), p95: percentile(times, 0.95), p99: percentile(times, 0.99), seconds };
}

async function runArtillery({ url, customer }) {
  const report = join(output, 'artillery.json');
  await run('npx', ['--yes', 'artillery@2.0.21', 'run', '--output', report, plan('artillery.yml')], {
    TARGET: url,
    CUSTOMER: String(customer),
    LOGIN: login,
    PASSWORD: `${login}!`,
    ARTILLERY_DISABLE_TELEMETRY: 'true',
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1',
  });
  const { counters, summaries, firstMetricAt, lastMetricAt } = JSON.parse(readFileSync(report, 'utf8')).aggregate;
  const codes = {};
  for (const [name, count] of Object.entries(counters)) {
    const code = /^by\.save\.codes\.(\d+)$/.exec(name)?.[1];
    if (code) codes[code] = count;
  }
  const { p50, p95, p99 } = summaries['by.response_time.save'];
  return { codes, p50, p95, p99, seconds: (lastMetricAt - firstMetricAt) / 1000 };
}

if (!Object.hasOwn(tools, process.argv[2] ?? '')) {
  console.error(`Usage: DATABASE_URL=… node load/run.js ${Object.keys(tools).join('|')}`);
  rmSync(output, { recursive: true });
  process.exit(2);
}
let stage;
try {
  const load = tools[process.argv[2]]();
  stage = await Stage.open().catch((error) => {
    throw new Problem(reasonOf(error), { cause: error });
  });
  const customer = await stage.customer();
  const { codes, seconds, ...times } = await load({ url: stage.base, customer });
  const [found] = await stage.sql(
    `SELECT (SELECT count(*)::int FROM customer_history WHERE customer_id = $1 AND operation = 'update') AS saves,
            (SELECT count(*)::int FROM comments WHERE customer_id = $1) AS comments,
            (SELECT count(*)::int FROM comments WHERE customer_id = $1 AND save_refused) AS refused`,
    [customer],
  );
  const { 200: applied = 0, 409: refused = 0, ...others } = codes;
  console.log(`saves sent    ${applied + refused}: ${applied} answered with 200, ${refused} with 409`);
  console.log(`in the tables ${found.saves} changes, ${found.comments} comments, ${found.refused} of them of refused saves`);
  console.log(`answered in   ${Object.entries(times).map(([name, ms]) => `${name} ${ms} ms`).join(', ')}; ${seconds} s in all`);
  const isRight =
    Object.keys(others).length === 0 &&
    applied > 0 &&
    found.saves === applied &&
    found.comments === applied + refused &&
    found.refused === refused;
  if (!isRight) throw new Problem(`the answers and the tables do not agree: ${JSON.stringify({ codes, found })}`);
} catch (error) {
  // What was interrupted fails in ways of its own.
  const message = interrupted ? `interrupted (${interrupted})` : error instanceof Problem && error.message;
  console.error(message ? `load/run.js: ${message}` : error);
  process.exitCode = interrupted ? 128 + constants.signals[interrupted] : 1;
} finally {
  try {
    await stage?.close();
  } finally {
    rmSync(output, { recursive: true });
  }
}
