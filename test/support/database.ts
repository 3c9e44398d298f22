import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';

export interface TestDatabase extends Database {
  drop(): Promise<void>;
}

/** A database of its own for one test file, cloned from the migrated template. Call `drop()` in `afterAll`. */
export async function createTestDatabase(options: { maxConnections?: number } = {}): Promise<TestDatabase> {
  return createFrom(inject('templateDatabase'), options);
}

/** An empty database, without tables. */
export async function createEmptyDatabase(options: { maxConnections?: number } = {}): Promise<TestDatabase> {
  return createFrom('template1', options);
}

async function createFrom(template: string, options: { maxConnections?: number }): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl');
  const name = `snapaudit_test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    // Two files may clone at once; the template is busy for a moment then, and the lock makes them take turns.
    await admin.query('select pg_advisory_lock(727274)');
    await admin.query(`create database ${name} template ${template}`);
  } finally {
    await admin.end();
  }
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const database = openDatabase({ url: url.href, maxConnections: options.maxConnections ?? 5 });
  return {
    ...database,
    async drop() {
      await database.close();
      const client = new pg.Client({ connectionString: adminUrl });
      await client.connect();
      await untilLeft(client, name);
      await client.query(`drop database if exists ${name} with (force)`);
      await client.end();
    },
  };
}

const LEAVING_MS = 2_000;

/** Connections that are being closed would be told that they were cut, when nobody listens to them any more. */
async function untilLeft(client: pg.Client, database: string): Promise<void> {
  for (const begun = performance.now(); performance.now() - begun < LEAVING_MS; await sleep(20)) {
    const { rows } = await client.query('select from pg_stat_activity where datname = $1 limit 1', [database]);
    if (rows.length === 0) return;
  }
}
