import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import type { AuditorReport } from './audit/auditor-process.ts';
import type { AuditorOrder } from './audit/bench-auditor.ts';
import type { Generated } from './audit/generated-store.ts';
import { seedAudit } from './audit/seed-audit.ts';

/**
 * Audits `--keys` objects (default 1,000,000) against as many stored captures through the stand-in's OSS, over HTTP; then the next
 * hour; then a quarter of the objects, to see that memory does not follow. Three processes: OSS, auditor, and this one.
 */
const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    streams: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
});
const KEYS = wholeNumber('keys', values.keys);
const STREAMS = wholeNumber('streams', values.streams);
const DOMAIN = 'play.example.com';
const INTERVAL_SECONDS = 10;
const SETTLE_SECONDS = 60;
const HOUR_MS = 3_600_000;
/** A whole number of intervals since the epoch, far enough back for a million captures. */
const FIRST_AT = Date.UTC(2026, 10, 1);
const CREDENTIAL = { accessKeyId: 'LTAI-bench', accessKeySecret: 'secret-of-the-benchmark' };
/** As `npm start` and the container run the service: V8 would let garbage of a busy minute grow to a hundred megabytes. */
const NODE_FLAGS = ['--max-semi-space-size=8', '--max-old-space-size=1024'];
const MOST_MB = 250;
const MOST_GROWTH = 1.2;

interface Measured {
  keys: number;
  listCalls: number;
  seconds: number;
  peakMb: number;
  nextHourListCalls: number;
  nextHourSeconds: number;
}

const note = (text: string) => process.stderr.write(`${text}\n`);
const directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-bench-'));
// Run as root, the database has a user of its own, who must get in.
await chmod(directory, 0o755);
const given = process.env.DATABASE_URL;
const server = given ? null : await startEmbeddedServer({ dataDir: directory, volatile: true });
let exitCode = 0;
try {
  const url = given ?? server?.url ?? '';
  const full = await measure(url, KEYS);
  const quarter = await measure(url, Math.floor(KEYS / 4));
  const result = {
    keys: full.keys,
    listCalls: full.listCalls,
    streams: STREAMS,
    seconds: round(full.seconds),
    peakMb: round(full.peakMb),
    peakMbQuarter: round(quarter.peakMb),
    nextHourListCalls: full.nextHourListCalls,
    nextHourSeconds: round(full.nextHourSeconds),
  };
  const failures = judge(result);
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result, quarter);
  for (const failure of failures) note(`not met: ${failure}`);
  if (failures.length > 0) exitCode = 1;
} finally {
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
}
process.exitCode = exitCode;

async function measure(url: string, keys: number): Promise<Measured> {
  const perStream = Math.floor(keys / STREAMS);
  const nextHour = HOUR_MS / 1_000 / INTERVAL_SECONDS;
  const generated: Generated = {
    streams: STREAMS,
    perStream: perStream + nextHour,
    firstAt: FIRST_AT,
    intervalSeconds: INTERVAL_SECONDS,
  };
  const name = `snapaudit_bench_${process.pid}_${keys}`;
  await asAdmin(url, `create database ${name}`);
  const target = new URL(url);
  target.pathname = `/${name}`;
  const database = openDatabase({ url: target.href });
  const oss = fork(new URL('./audit/oss-process.ts', import.meta.url), [
    JSON.stringify({ ...generated, ...CREDENTIAL }),
  ]);
  try {
    note(`${keys} captures of ${STREAMS} streams: storing`);
    await migrateToLatest(database);
    const version = await seedAudit(database, DOMAIN, generated);
    const [{ url: ossUrl }] = (await once(oss, 'message')) as [{ url: string }];
    // The last capture of the first audit, and an hour later: what the clock says when they have settled.
    const end = FIRST_AT + perStream * INTERVAL_SECONDS * 1_000;
    const nows = [end, end + HOUR_MS].map((at) => at + SETTLE_SECONDS * 1_000);
    const order: AuditorOrder = {
      databaseUrl: target.href,
      ossUrl,
      ...CREDENTIAL,
      domain: DOMAIN,
      version,
      settleSeconds: SETTLE_SECONDS,
      nows,
      // The vendor's limit of 2,000 keys a second would only make the benchmark wait.
      keysPerSecond: null,
    };
    note(`${keys} captures of ${STREAMS} streams: auditing`);
    const { outcomes, peakMb } = await report(
      fork(new URL('./audit/auditor-process.ts', import.meta.url), [JSON.stringify(order)], { execArgv: NODE_FLAGS }),
    );
    const [first, second] = outcomes;
    if (!first || !second) throw new Error('the auditor did not report two audits');
    for (const outcome of outcomes) if (outcome.error) throw new Error(outcome.error);
    await check(database, STREAMS * (perStream + nextHour));
    return {
      keys: perStream * STREAMS,
      listCalls: first.listCalls,
      seconds: first.seconds,
      peakMb,
      nextHourListCalls: second.listCalls,
      nextHourSeconds: second.seconds,
    };
  } finally {
    oss.disconnect();
    await once(oss, 'exit');
    await database.close();
    await asAdmin(url, `drop database ${name} with (force)`);
  }
}

/** A fast audit that judged nothing would be no audit. */
async function check(database: Database, expected: number): Promise<void> {
  const { rows } = await database.pool.query(
    'select sum(ok)::int as ok, (select count(*)::int from gaps) as gaps from slot_hours',
  );
  if (rows[0].ok !== expected || rows[0].gaps !== 0) {
    throw new Error(`${rows[0].ok} good slots and ${rows[0].gaps} gaps were stored, instead of ${expected} and none`);
  }
}

async function report(child: ChildProcess): Promise<AuditorReport> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the auditor ended with code ${code} before it reported`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [AuditorReport];
  ended.catch(() => {});
  return message;
}

function judge(result: Omit<Measured, 'keys'> & { keys: number; peakMbQuarter: number }): string[] {
  const most = result.keys / 1_000 + STREAMS;
  const failures: string[] = [];
  if (result.listCalls > most) failures.push(`list calls at most ${most}`);
  if (result.peakMb > MOST_MB) failures.push(`peak memory at most ${MOST_MB} MB`);
  const growth = Math.max(result.peakMb, result.peakMbQuarter) / Math.min(result.peakMb, result.peakMbQuarter);
  if (growth > MOST_GROWTH) failures.push('peak memory at a quarter of the keys within 20 %');
  if (result.nextHourListCalls > STREAMS) failures.push(`list calls of the next hour at most ${STREAMS}`);
  return failures;
}

function print(result: Record<string, number>, quarter: Measured): void {
  const table = new Table({
    head: ['', 'measured', 'at most'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right'],
  });
  table.push(
    ['objects and captures', KEYS.toLocaleString('en'), ''],
    ['streams', STREAMS, ''],
    ['list calls', result.listCalls ?? 0, result.keys! / 1_000 + STREAMS],
    ['seconds', result.seconds ?? 0, ''],
    ['peak memory, MB', result.peakMb ?? 0, MOST_MB],
    [`peak memory at ${quarter.keys.toLocaleString('en')}, MB`, result.peakMbQuarter ?? 0, 'within 20 %'],
    ['next hour, list calls', result.nextHourListCalls ?? 0, STREAMS],
    ['next hour, seconds', result.nextHourSeconds ?? 0, ''],
  );
  process.stdout.write(`${table.toString()}\n`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  process.stderr.write(`--${name} takes a whole number above 0, not "${text}"\n`);
  process.exit(2);
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const admin = openDatabase({ url, maxConnections: 1 });
  try {
    await admin.pool.query(statement);
  } finally {
    await admin.close();
  }
}
