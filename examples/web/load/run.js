// Runs a load plan against a backend and a database of its own, then looks at what is in the database.
//
//   DATABASE_URL=… node load/run.js jmeter       Debian's package jmeter
//   DATABASE_URL=… node load/run.js artillery    npx; some 460 MB the first time, which is why it is no dependency
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stage } from '../test/harness.js';

const plan = (name) => fileURLToPath(new URL(name, import.meta.url));
const output = mkdtempSync(join(tmpdir(), 'crm-load-'));
const login = 'user0';

function run(command, args, env) {
  const done = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 2 ** 28, timeout: 300_000 });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${command} failed (${done.status}):\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

// JMeter's command; that of Debian needs help.
function jmeter(...args) {
  const home = '/usr/share/jmeter';
  if (!existsSync(`${home}/bin/ApacheJMeter.jar`)) return run('jmeter', args);
  const jars = ['lib', 'lib/ext'].flatMap((directory) =>
    readdirSync(join(home, directory)).filter((name) => name.endsWith('.jar')).map((name) => join(home, directory, name)),
  );
  const classes = [`${home}/bin/ApacheJMeter.jar`, ...jars, '/usr/share/java/bsh.jar'].join(':');
  return run('java', ['-cp', classes, `-Djmeter.home=${home}`, 'bsh.Interpreter', plan('jmeter-debian.bsh'), ...args]);
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

// Each returns what became of the saves: { codes: { 200: n, … }, p50, p95, p99 (milliseconds), seconds }.
const tools = {
  jmeter({ url, customer }) {
    const log = join(output, 'thirty.csv');
    const { hostname, port } = new URL(url);
    const format = ['-Jjmeter.save.saveservice.output_format=csv', '-Jjmeter.save.saveservice.print_field_names=true'];
    const settings = { host: hostname, port, customer, login, password: `${login}!` };
    jmeter('-n', '-t', plan('thirty.jmx'), '-l', log, '-j', join(output, 'jmeter.log'), ...format,
      ...Object.entries(settings).map(([name, value]) => `-J${name}=${value}`));
    const [names, ...lines] = readFileSync(log, 'utf8').trim().split('\n').map((line) => line.split(','));
    const samples = lines.map((line) => Object.fromEntries(names.map((name, n) => [name, line[n]])));
    const failed = samples.filter(({ success }) => success !== 'true');
    if (failed.length) throw new Error(`${failed.length} samples failed, as ${JSON.stringify(failed[0])}`);
    const saves = samples.filter(({ label }) => label === 'save');
    const codes = {};
    for (const { responseCode } of saves) codes[responseCode] = (codes[responseCode] ?? 0) + 1;
    const times = saves.map(({ elapsed }) => Number(elapsed)).sort((a, b) => a - b);
    const begins = samples.map(({ timeStamp }) => Number(timeStamp));
    const seconds = (Math.max(...begins) - Math.min(...begins)) / 1000;
    return { codes, p50: percentile(times, 0.5), p95: percentile(times, 0.95), p99: percentile(times, 0.99), seconds };
  },

  artillery({ url, customer }) {
    const report = join(output, 'artillery.json');
    run('npx', ['--yes', 'artillery@2.0.21', 'run', '--output', report, plan('artillery.yml')], {
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
  },
};

const tool = tools[process.argv[2]];
if (!tool) {
  console.error(`Usage: DATABASE_URL=… node load/run.js ${Object.keys(tools).join('|')}`);
  process.exit(2);
}
const stage = await Stage.open();
try {
  const customer = await stage.customer();
  const { codes, seconds, ...times } = tool({ url: stage.base, customer });
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
  if (!isRight) throw new Error(`the answers and the tables do not agree: ${JSON.stringify({ codes, found })}`);
} finally {
  await stage.close();
  rmSync(output, { recursive: true });
}
