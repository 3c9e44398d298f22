import { fork } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import type { AuditorOrder } from './audit/bench-auditor.ts';
import { prepareAuditBeside } from './ingest/audit-beside.ts';
import { measureStorage, type StorageFigures } from './ingest/storage.ts';

/**
 * `npm run bench:ingest [-- --json]`: how many callbacks a second the receiver takes, beside a bare Express route and beside one INSERT
 * per request; and how much room a stored capture takes. One machine, one load generator, rates in turn. What was answered is counted
 * in the database afterwards. At full size it ends with 1 where a target is missed.
 */
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '5000000' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    'skip-storage': { type: 'boolean', default: false },
  },
});
const MODES = ['bare-express', 'plain-insert', 'snapaudit'] as const;
type Mode = (typeof MODES)[number];

interface Rates {
  rps: number;
  p50Ms: number;
  p99Ms: number;
}
type Figures = ReturnType<typeof figuresOf>;

const PACED_RPS = '2000';

/** What a run of full size has to reach. */
const FULL = { rows: 5_000_000, seconds: 8, connections: 64 };
const TARGETS: { target: string; isMet: (figures: Figures) => boolean }[] = [
  { target: 'c/a at least 0.85', isMet: ({ ratioToBare }) => ratioToBare >= 0.85 },
  { target: 'c/b at least 6', isMet: ({ ratioToPlain }) => ratioToPlain >= 6 },
  {
    target: `p99 under 50 ms at ${PACED_RPS} requests/s beside an audit`,
    isMet: ({ paced }) => paced.rps > 0.95 * Number(PACED_RPS) && paced.p99Ms < 50,
  },
  { target: 'at most 145 bytes a capture, hot', isMet: ({ bytesPerCapture }) => bytesPerCapture!.hot <= 145 },
  { target: 'at most 105 bytes a capture, sealed', isMet: ({ bytesPerCapture }) => bytesPerCapture!.sealed <= 105 },
  {
    target: 'a stream-day from fewer than 100 pages',
    isMet: ({ pagesPerStreamDay }) => pagesPerStreamDay!.sealed < 100,
  },
];
const WARM_UP_SECONDS = 2;
/** The warm-up's captures lie this long after the others, so that none comes twice. */
const WARM_UP_SPAN_MS = 10_000_000;

const PLAIN_TABLE = `create table plain_captures (
  id bigserial primary key, domain text not null, app text not null, stream text not null, bucket text not null,
  endpoint text not null, object text not null, received_at timestamptz not null, unique (bucket, object))`;

const progress = (message: string) => process.stderr.write(`${message}\n`);
const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-bench-'));
chmodSync(directory, 0o755);
const postgres = await startEmbeddedServer({ dataDir: directory });
const database = openDatabase({ url: postgres.url, maxConnections: 2 });
let exitCode = 0;
try {
  await migrateToLatest(database);
  await database.pool.query(PLAIN_TABLE);

  const rounds = new Map<Mode, Rates[]>(MODES.map((mode) => [mode, []]));
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const mode of MODES) {
      progress(`round ${round} of ${options.rounds}: ${mode}`);
      await database.pool.query('truncate captures, plain_captures');
      rounds.get(mode)!.push(await measure(mode, options.seconds));
    }
  }
  await database.pool.query('truncate captures, plain_captures');
  progress(`snapaudit at ${PACED_RPS} requests/s while an audit runs`);
  const audit = await prepareAuditBeside(postgres.url, WARM_UP_SECONDS + Number(options.seconds));
  const paced = await measure('snapaudit', options.seconds, { rate: PACED_RPS, audit: audit.order });
  await audit.stop();
  await database.pool.query('truncate captures');
  const storage = options['skip-storage'] ? null : await measureStorage(postgres.url, Number(options.rows), progress);
  await database.close();
  const figures = figuresOf(rounds, paced, storage);
  report(figures, storage);
  const missed = isFullSize(storage) ? TARGETS.filter(({ isMet }) => !isMet(figures)) : [];
  for (const { target } of missed) progress(`not met: ${target}`);
  if (missed.length > 0) exitCode = 1;
} finally {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = exitCode;

async function measure(
  mode: Mode,
  seconds: string,
  beside: { rate?: string; audit?: AuditorOrder } = {},
): Promise<Rates> {
  const order = beside.audit ? [JSON.stringify(beside.audit)] : [];
  const server = fork(new URL('./ingest/server.ts', import.meta.url), [mode, postgres.url, ...order]);
  const { url } = await firstMessage<{ url: string }>(server);
  const before = await countStored(mode);
  // Live captures: of now. Each is 5 s after the last one of its stream, so that they run ahead of the clock, by some minutes.
  const firstAt = Date.now();
  const warmUp = await load(url, String(WARM_UP_SECONDS), firstAt + WARM_UP_SPAN_MS);
  const { answered, ...rates } = await load(url, seconds, firstAt, beside.rate);
  const stopped = firstMessage<{ auditRan: boolean }>(server);
  server.send('stop');
  const { auditRan } = await stopped;
  await new Promise((resolve) => server.once('exit', resolve));
  if (beside.audit && !auditRan) throw new Error('the audit ended before the load did: the figures mean nothing');
  await checkStored(mode, (await countStored(mode)) - before, warmUp.answered + answered);
  return rates;
}

async function countStored(mode: Mode): Promise<number> {
  if (mode === 'bare-express') return 0;
  const { rows } = await database.pool.query<{ n: number }>(
    mode === 'plain-insert'
      ? 'select count(*) as n from plain_captures'
      : `select count(*) as n from captures join streams on streams.id = stream_id where domain = 'play.example.com'`,
  );
  return rows[0]!.n;
}

/** A fast receiver that stored nothing, or the same thing twice, would be none. */
async function checkStored(mode: Mode, stored: number, answered: number): Promise<void> {
  const { rows } = await database.pool.query<{ n: number }>('select count(*) as n from quarantine');
  if (rows[0]!.n > 0) throw new Error(`${mode}: ${rows[0]!.n} callbacks were put into the quarantine`);
  // What is on the wire when a load ends is stored, and its answer not counted.
  const isRight = stored >= answered && stored <= answered + 2 * Number(options.connections);
  if (mode !== 'bare-express' && !isRight) {
    throw new Error(`${mode}: ${answered} callbacks were answered and ${stored} stored: the figures mean nothing`);
  }
}

async function load(
  url: string,
  seconds: string,
  firstAt: number,
  rate?: string,
): Promise<Rates & { answered: number }> {
  const child = fork(new URL('./ingest/load.ts', import.meta.url), [
    url,
    seconds,
    options.connections,
    String(firstAt),
    ...(rate ? [rate] : []),
  ]);
  const { failed, ...outcome } = await firstMessage<Rates & { answered: number; failed: number }>(child);
  if (failed > 0) throw new Error(`${failed} requests failed: the figures mean nothing`);
  return outcome;
}

function firstMessage<T>(child: ReturnType<typeof fork>): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`a child ended with ${code} before it had said anything`)));
  });
}

function isFullSize(storage: StorageFigures | null): boolean {
  const { rows, seconds, connections } = options;
  return (
    storage !== null &&
    Number(rows) >= FULL.rows &&
    Number(seconds) >= FULL.seconds &&
    Number(connections) === FULL.connections
  );
}

/** The round with the median rate: a busy machine spoils single rounds. */
function median(rounds: Rates[]): Rates {
  const sorted = [...rounds].sort((a, b) => a.rps - b.rps);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

function figuresOf(rounds: Map<Mode, Rates[]>, paced: Rates, storage: StorageFigures | null) {
  const [bare, plain, ours] = MODES.map((mode) => median(rounds.get(mode)!)) as [Rates, Rates, Rates];
  return {
    bareExpress: bare,
    plainInsert: plain,
    snapaudit: ours,
    ratioToBare: ours.rps / bare.rps,
    ratioToPlain: ours.rps / plain.rps,
    bytesPerCapture: storage?.bytesPerCapture ?? null,
    paced,
    pagesPerStreamDay: storage?.pagesPerStreamDay ?? null,
    sealSeconds: storage?.sealSeconds ?? null,
  };
}

function report(figures: Figures, storage: StorageFigures | null): void {
  if (options.json) {
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    return;
  }
  const rates = new CliTable({
    head: ['server', 'requests/s', 'p50 ms', 'p99 ms'],
    colAligns: ['left', 'right', 'right', 'right'],
  });
  const row = (name: string, { rps, p50Ms, p99Ms }: Rates) => rates.push([name, rps.toFixed(0), p50Ms, p99Ms]);
  row('(a) bare Express, stores nothing', figures.bareExpress);
  row('(b) Express + Kysely, one INSERT each', figures.plainInsert);
  row('(c) Snapaudit', figures.snapaudit);
  row(`(c) at ${PACED_RPS} requests/s beside an audit`, figures.paced);
  process.stdout.write(`${rates}\nc/a ${figures.ratioToBare.toFixed(2)}   c/b ${figures.ratioToPlain.toFixed(1)}\n`);
  if (storage === null) return;
  const room = new CliTable({
    head: ['captures', 'bytes each', 'heap', 'indexes', 'pages for one stream-day'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const state of ['hot', 'sealed'] as const) {
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
    room.push([
      state,
      storage.bytesPerCapture[state].toFixed(1),
      megabytes(storage.heapBytes[state]),
      megabytes(storage.indexBytes[state]),
      `${storage.pagesPerStreamDay[state]} (of ${storage.pagesPerStreamDay.captures} captures)`,
    ]);
  }
  process.stdout.write(`${room}\nsealing took ${storage.sealSeconds.toFixed(0)} s\n`);
}
