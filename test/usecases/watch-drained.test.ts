import { afterEach, expect, it } from 'vitest';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import type { AlertingParts } from '../../src/compose/alerting.ts';
import type { ConfigVersion } from '../../src/core/config-version.ts';
import { type AlertingWorld, createAlertingWorld } from '../support/alerting-world.ts';
import { addCaptures } from '../support/history.ts';
import { WATCHED_CONFIG } from '../support/watched-streams.ts';

let world: AlertingWorld | undefined;
afterEach(() => world?.close());

it('callbacks that reach the database from the spool just after its outage were no silence', async () => {
  world = await createAlertingWorld({ apps: { live: 20, small: 3 } });
  const { database, streams, intervalSeconds } = world;
  await world.pass({ seconds: 120, step: 5 });
  const from = world.now();
  // The database is away: nobody evaluates, and what comes waits on the disk of the receivers.
  await world.pass({ seconds: 60, silent: () => true, alerting: false });
  await world.pass({ seconds: 1, silent: () => true });
  const { id: shapeId } = await database.db.selectFrom('capture_shapes').select('id').executeTakeFirstOrThrow();
  const waiting = streams.flatMap(({ id, phaseMs }) =>
    Array.from({ length: 8 }, (_, beat) => ({
      streamId: id,
      shapeId,
      delayMs: 0,
      at: from + phaseMs + beat * intervalSeconds * 1000,
    })),
  );
  await addCaptures(
    database,
    waiting.filter(({ at }) => at < world!.now()),
  );
  await world.pass({ seconds: 40 });
  expect(world.titles()).toEqual([]);
}, 60_000);

it('receivers that were cut off from the database with us were not blind', async () => {
  world = await createAlertingWorld({ apps: { live: 20 } });
  await world.pass({ seconds: 60, step: 5 });
  await world.pass({ seconds: 1 });
  await world.pass({ seconds: 7, receiving: false, alerting: false });
  // Back, and looked at before the first receiver has written the notes in its spool.
  await world.pass({ seconds: 1, receiving: false });
  await world.database.db
    .updateTable('heartbeats')
    .set({ to_at: timestamp(world.now()) })
    .execute();
  await world.pass({ seconds: 40 });
  expect(world.titles()).toEqual([]);
}, 60_000);

it('a database that answers nothing for a while in the middle of a look was away too', async () => {
  const hang = { ms: 0 };
  const versions: ConfigVersion[] = [{ ...WATCHED_CONFIG, overwriteObject: '{AppName}/{StreamName}.jpg' }];
  const configVersions = async () => {
    world!.set(world!.now() + hang.ms);
    hang.ms = 0;
    return versions;
  };
  const warnings: unknown[] = [];
  const logger = { info() {}, error() {}, warn: (...entry: unknown[]) => warnings.push(entry) };
  const parts = { configVersions, logger: logger as unknown as AlertingParts['logger'] };
  world = await createAlertingWorld({ apps: { live: 20 }, parts });
  await world.pass({ seconds: 60, step: 5 });
  hang.ms = 30_000;
  while (hang.ms > 0) await world.pass({ seconds: 1 });
  await world.pass({ seconds: 3, receiving: false });
  await world.database.db
    .updateTable('heartbeats')
    .set({ to_at: timestamp(world.now()) })
    .execute();
  await world.pass({ seconds: 20, silent: (_, at) => at < world!.now() - 5_000 });
  expect(world.titles()).toEqual([]);
  const told = new Error('it took 30 s; no silence is told meanwhile');
  expect(warnings).toEqual([[{ err: told }, 'an evaluation was interrupted']]);
}, 60_000);
