import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Admin URL of the PostgreSQL that the tests use. */
    postgresUrl: string;
    /** Name of a migrated database to clone. */
    templateDatabase: string;
  }
}

/** One PostgreSQL a run: the one of DATABASE_URL, else the embedded one in a temporary directory. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DATABASE_URL;
  const directory = given ? null : await mkdtemp(path.join(os.tmpdir(), 'snapaudit-test-'));
  if (directory) await chmod(directory, 0o755);
  const server = directory ? await startEmbeddedServer({ dataDir: directory, volatile: true }) : null;
  const url = given ?? server?.url ?? '';

  const template = `snapaudit_template_${process.pid}`;
  await asAdmin(url, `create database ${template}`);
  const target = new URL(url);
  target.pathname = `/${template}`;
  const database = openDatabase({ url: target.href, maxConnections: 1 });
  await migrateToLatest(database);
  await database.close();
  project.provide('postgresUrl', url);
  project.provide('templateDatabase', template);

  return async () => {
    await asAdmin(url, `drop database if exists ${template} with (force)`);
    await server?.stop();
    if (directory) await rm(directory, { recursive: true, force: true });
  };
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
