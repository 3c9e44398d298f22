import { fork } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import { measureStorage, type StorageFigures } from './ingest/storage.ts';

/**
 * `npm run bench:ingest [-- --json]`: how many callbacks a second the receiver takes, beside a bare Express route and beside one INSERT
 * per request; and how much room a stored capture takes. One machine, one load generator, rates in turn.
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

interface Figures {
  rps: number;
  p50Ms: number;
  p99Ms: number;
}

const PLAIN_TABLE = `create table plain_captures (
  id bigserial primary key, domain text not null, app text not null, stream text not null, bucket text not null,
  endpoint text not null, object text not null, received_at timestamptz not null, unique (bucket, object))`;
const PACED_RPS = '2000';

const progress = (message: string) => process.stderr.write(`${message}\n`);
const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-bench-'));
chmodSync(directory, 0o755);
const postgres = await startEmbeddedServer({ dataDir: directory });
try {
  const database = openDatabase({ url: postgres.url, maxConnections: 2 });
  await migrateToLatest(database);
  await database.pool.query(PLAIN_TABLE);

  const rounds = new Map<Mode, Figures[]>(MODES.map((mode) => [mode, []]));
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const mode of MODES) {
      progress(`round ${round} of ${options.rounds}: ${mode}`);
      await database.pool.query('truncate captures, plain_captures');
      rounds.get(mode)!.push(await measure(mode, options.seconds));
    }
  }
  await database.pool.query('truncate captures, plain_captures');
  progress(`snapaudit at ${PACED_RPS} requests/s`);
  const paced = await measure('snapaudit', options.seconds, PACED_RPS);
  await database.pool.query('truncate captures');
  const storage = options['skip-storage'] ? null : await measureStorage(postgres.url, Number(options.rows), progress);
  await database.close();
  report(rounds, paced, storage);
} finally {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function measure(mode: Mode, seconds: string, rate?: string): Promise<Figures> {
  const server = fork(new URL('./ingest/server.ts', import.meta.url), [mode, postgres.url]);
  const { url } = await firstMessage<{ url: string }>(server);
  await load(url, '2');
  const figures = await load(url, seconds, rate);
  server.send('stop');
  await new Promise((resolve) => server.once('exit', resolve));
  return figures;
}

async function load(url: string, seconds: string, rate?: string): Promise<Figures> {
  const child = fork(new URL('./ingest/load.ts', import.meta.url), [
    url,
    seconds,
    options.connections,
    ...(rate ? [rate] : []),
  ]);
  const { failed, ...figures } = await firstMessage<Figures & { failed: number }>(child);
  if (failed > 0) throw new Error(`${failed} requests failed: the figures mean nothing`);
  return figures;
}

function firstMessage<T>(child: ReturnType<typeof fork>): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`a child ended with ${code} before it had said anything`)));
  });
}

/** The round with the median rate: a busy machine spoils single rounds. */
function median(rounds: Figures[]): Figures {
  const sorted = [...rounds].sort((a, b) => a.rps - b.rps);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

function report(rounds: Map<Mode, Figures[]>, paced: Figures, storage: StorageFigures | null): void {
  const [bare, plain, ours] = MODES.map((mode) => median(rounds.get(mode)!)) as [Figures, Figures, Figures];
  const figures = {
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
  if (options.json) {
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    return;
  }
  const rates = new CliTable({
    head: ['server', 'requests/s', 'p50 ms', 'p99 ms'],
    colAligns: ['left', 'right', 'right', 'right'],
  });
  const row = (name: string, { rps, p50Ms, p99Ms }: Figures) => rates.push([name, rps.toFixed(0), p50Ms, p99Ms]);
  row('(a) bare Express, stores nothing', bare);
  row('(b) Express + Kysely, one INSERT each', plain);
  row('(c) Snapaudit', ours);
  row(`(c) at ${PACED_RPS} requests/s`, paced);
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
