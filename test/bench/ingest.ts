import { fork } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import { isInstalled } from '../support/is-installed.ts';
import type { AuditorOrder } from './audit/bench-auditor.ts';
import { prepareAuditBeside } from './ingest/audit-beside.ts';
import { firstMessage, GENERATORS, type Generator, type Rates, send } from './ingest/load.ts';
import { measureStorage, type StorageFigures } from './ingest/storage.ts';

/**
 * `npm run bench:ingest [-- --json]`: how many callbacks a second the receiver takes, beside a bare Express route and beside one INSERT
 * per request; and how much room a stored capture takes. One machine, one load generator, rates in turn. What was answered is counted
 * in the database afterwards. At full size it ends with 1 where a target is missed. `--generator wrk|autocannon`: what sends the full
 * load; wrk where it is installed.
 */
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '5000000' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    generator: { type: 'string' },
    'skip-storage': { type: 'boolean', default: false },
  },
});
const MODES = ['bare-express', 'plain-insert', 'snapaudit'] as const;
type Mode = (typeof MODES)[number];

type Figures = ReturnType<typeof figuresOf>;

const PACED_RPS = 2_000;

/** What a run of full size has to reach. */
const FULL = { rows: 5_000_000, seconds: 8, connections: 64 };
const TARGETS: { target: string; isMet: (figures: Figures) => boolean }[] = [
  { target: 'c/a at least 0.85', isMet: ({ ratioToBare }) => ratioToBare >= 0.85 },
  { target: 'c/b at least 6', isMet: ({ ratioToPlain }) => ratioToPlain >= 6 },
  {
    target: `p99 under 50 ms at ${PACED_RPS} requests/s beside an audit`,
    isMet: ({ paced }) => paced.rps > 0.95 * PACED_RPS && paced.p99Ms < 50,
  },
  { target: 'at most 145 bytes a capture, hot', isMet: ({ bytesPerCapture }) => bytesPerCapture!.hot <= 145 },
  { target: 'at most 105 bytes a capture, sealed', isMet: ({ bytesPerCapture }) => bytesPerCapture!.sealed <= 105 },
  {
    target: 'a stream-day from fewer than 100 pages',
    isMet: ({ pagesPerStreamDay }) => pagesPerStreamDay!.sealed < 100,
  },
];
const SECONDS = Number(options.seconds);
const CONNECTIONS = Number(options.connections);
const WARM_UP_SECONDS = 2;
/** The warm-up's captures lie this long after the others, so that none comes twice. */
const WARM_UP_SPAN_MS = 10_000_000;

const PLAIN_TABLE = `create table plain_captures (
  id bigserial primary key, domain text not null, app text not null, stream text not null, bucket text not null,
  endpoint text not null, object text not null, received_at timestamptz not null, unique (bucket, object))`;

const progress = (message: string) => process.stderr.write(`${message}\n`);
const generator = chooseGenerator();
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
      rounds.get(mode)!.push(await measure(mode));
    }
  }
  await database.pool.query('truncate captures, plain_captures');
  progress(`snapaudit at ${PACED_RPS} requests/s while an audit runs`);
  const audit = await prepareAuditBeside(postgres.url, WARM_UP_SECONDS + SECONDS);
  const paced = await measure('snapaudit', { rate: PACED_RPS, audit: audit.order });
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

function chooseGenerator(): Generator {
  const wanted = options.generator;
  if (wanted === undefined) {
    if (isInstalled('wrk')) return 'wrk';
    progress('wrk is not installed (apt-get install wrk): autocannon sends, which slows down the fastest server most');
    return 'autocannon';
  }
  const known = GENERATORS.find((each) => each === wanted);
  if (known === undefined) throw new Error(`--generator is ${GENERATORS.join(' or ')}, not "${wanted}".`);
  return known;
}

async function measure(mode: Mode, beside: { rate?: number; audit?: AuditorOrder } = {}): Promise<Rates> {
  const args = beside.audit ? [JSON.stringify(beside.audit)] : [];
  const server = fork(new URL('./ingest/server.ts', import.meta.url), [mode, postgres.url, ...args]);
  const { url } = await firstMessage<{ url: string }>(server);
  const before = await countStored(mode);
  // Live captures: of now. Each is 5 s after the last one of its stream, so that they run ahead of the clock, by some minutes.
  const firstAt = Date.now();
  const load = { url, connections: CONNECTIONS };
  const warmUp = await send(generator, { ...load, seconds: WARM_UP_SECONDS, firstAt: firstAt + WARM_UP_SPAN_MS });
  const { rate } = beside;
  const measured = { ...load, seconds: SECONDS, firstAt, ...(rate === undefined ? {} : { rate }) };
  const { answered, ...rates } = await send(rate === undefined ? generator : 'autocannon', measured);
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
  const isRight = stored >= answered && stored <= answered + 2 * CONNECTIONS;
  if (mode !== 'bare-express' && !isRight) {
    throw new Error(`${mode}: ${answered} callbacks were answered and ${stored} stored: the figures mean nothing`);
  }
}

function isFullSize(storage: StorageFigures | null): boolean {
  return (
    storage !== null && Number(options.rows) >= FULL.rows && SECONDS >= FULL.seconds && CONNECTIONS === FULL.connections
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
    generator,
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
  const row = (name: string, { rps, p50Ms, p99Ms }: Rates) =>
    rates.push([name, rps.toFixed(0), p50Ms.toFixed(1), p99Ms.toFixed(1)]);
  row('(a) bare Express, stores nothing', figures.bareExpress);
  row('(b) Express + Kysely, one INSERT each', figures.plainInsert);
  row('(c) Snapaudit', figures.snapaudit);
  row(`(c) at ${PACED_RPS} requests/s beside an audit`, figures.paced);
  process.stdout.write(
    `${rates}\nc/a ${figures.ratioToBare.toFixed(2)}   c/b ${figures.ratioToPlain.toFixed(1)}   sent with ${generator}\n`,
  );
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
