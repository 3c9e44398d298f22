import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import { loadCallbacks } from '../support/callback-load.ts';
import { type CuttableProxy, startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { startTestReceiver } from '../support/receiver.ts';

/** A PostgreSQL of its own, with fsync on: this one is killed. */
let directory: string;
/** One more for each time that it was started again. */
const postgres: EmbeddedServer[] = [];
let proxy: CuttableProxy;
let proxiedUrl: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-crash-'));
  await chmod(directory, 0o755);
  postgres.push(await startEmbeddedServer({ dataDir: directory }));
  ({ proxy, url: proxiedUrl } = await startDatabaseProxy(postgres[0]!.url));
}, 120_000);
afterAll(async () => {
  await proxy.close();
  for (const server of postgres) await server.stop();
  await rm(directory, { recursive: true, force: true });
});

/** SIGQUIT is PostgreSQL's immediate stop: no checkpoint, recovery at the next start, as after a crash. */
const ENDS = ['SIGKILL', 'SIGQUIT', 'SIGKILL'] as const;

describe('PostgreSQL killed with -9 and stopped at once (immediate) under load, and started again', () => {
  it('loses no callback that was answered 200 and counts none twice', async () => {
    const database = openDatabase({ url: proxiedUrl, maxConnections: 4 });
    await migrateToLatest(database);
    const running = await startTestReceiver(database);
    const load = loadCallbacks(running.url, 32, { pauseMs: 2 });

    for (const signal of ENDS) {
      const before = load.acknowledged.size;
      await until(() => load.acknowledged.size > before + 200);
      const { rows } = await database.pool.query<{ data_directory: string }>('show data_directory');
      const pidFile = path.join(rows[0]!.data_directory, 'postmaster.pid');
      process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), signal);
      await until(() => (running.receiver.state().spool?.entries ?? 0) > 50);
      // Its children notice within a moment that the postmaster is gone; until then it refuses to start.
      const restarted = await retry(() => startEmbeddedServer({ dataDir: directory }));
      postgres.push(restarted);
      proxy.setTarget(Number(new URL(restarted.url).port));
      await until(() => running.receiver.state().spool?.entries === 0);
      await until(() => running.receiver.state().databaseDownSince === null);
    }
    await load.stop();
    await running.close();

    expect([...load.answers.keys()]).toEqual([200]);
    const { rows } = await database.pool.query<{ object: string; deliveries: number }>(
      `select 'snapshot/live/' || stream || '/' || (extract(epoch from captured_at) * 1000)::bigint || '.jpg' as object, deliveries
       from captures join streams on streams.id = stream_id`,
    );
    expect(new Set(rows.map((row) => row.object))).toEqual(load.acknowledged);
    expect(rows.filter((row) => row.deliveries !== 1)).toEqual([]);

    // The whole time we could take callbacks, first by the database, then by the spool.
    const beats = await database.db.selectFrom('heartbeats').selectAll().execute();
    expect(beats).toHaveLength(1);
    expect(beats[0]!.to_at - beats[0]!.from_at).toBeGreaterThan(1_000);
    await database.close();
  }, 180_000);
});

async function until(isTrue: () => boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in time');
    await delay(20);
  }
}

async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(300);
    }
  }
}
