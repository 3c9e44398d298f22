import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { demoDatabaseName, dropLeftDatabases } from '../../src/compose/demo-databases.ts';
import { createTestDatabase } from '../support/database.ts';

it('what a killed demo left is dropped, and not what another one has just made', async () => {
  const database = await createTestDatabase();
  const gone = spawnSync(process.execPath, ['--version']).pid;
  const names = [demoDatabaseName(gone, 1), demoDatabaseName(process.pid, 1), 'demo_of_somebody'];
  try {
    for (const name of names) await database.pool.query(`create database ${name}`);
    await dropLeftDatabases(database);
    const { rows } = await database.pool.query('select datname from pg_database where datname = any($1) order by 1', [
      names,
    ]);
    expect(rows.map(({ datname }) => datname)).toEqual([names[1], names[2]].sort());
  } finally {
    for (const name of names) await database.pool.query(`drop database if exists ${name}`);
    await database.drop();
  }
});
