import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { type AlertingParts, createAlerting } from '../../src/compose/alerting.ts';
import { type Settings, settingsSchema } from '../../src/config/settings.ts';
import type { ConfigVersion } from '../../src/core/config-version.ts';
import type { Instant } from '../../src/core/instant.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { addCaptures, addPartitions, addShape, addStream } from './history.ts';
import { type LocalEndpoint, startLocalEndpoint } from './local-endpoint.ts';

export const DOMAIN = 'play.example.com';
export const START = Date.UTC(2026, 10, 24, 3);

export interface WorldStream {
  id: number;
  app: string;
  stream: string;
  /** Offset of its beat within the interval. */
  phaseMs: number;
}

export interface Minute {
  seconds: number;
  /** Callbacks that do not come. */
  silent?: (stream: WorldStream, at: Instant) => boolean;
  /** False: no heartbeat, and nothing is received. */
  receiving?: boolean;
  /** False: nobody evaluates. */
  alerting?: boolean;
  /** Length of a step, 1 s where not given: between two of them nothing is evaluated. */
  step?: number;
}

/** The vendor, the receiver and a clock, as far as alerting can see them: rows in the real tables, second by second. */
export interface AlertingWorld {
  database: TestDatabase;
  endpoint: LocalEndpoint;
  streams: WorldStream[];
  intervalSeconds: number;
  settings: Settings;
  now(): Instant;
  set(now: Instant): void;
  alerting: ReturnType<typeof createAlerting>;
  /** What stands at the vendor, oldest first. */
  versions: ConfigVersion[];
  /** Another replica, or the same after a restart. */
  another(change?: Partial<AlertingParts>): ReturnType<typeof createAlerting>;
  pass(minute: Minute): Promise<void>;
  /** Titles of the messages that reached the endpoint. */
  titles(): string[];
  /** When each of them was sent, in ms. */
  times: Instant[];
  addStreams(app: string, count: number): Promise<void>;
  close(): Promise<void>;
}

export async function createAlertingWorld(
  options: {
    apps?: Record<string, number>;
    notify?: (url: string) => unknown[];
    alerting?: Record<string, unknown>;
    watch?: Record<string, unknown>;
    maintenance?: unknown[];
    parts?: Partial<AlertingParts>;
  } = {},
): Promise<AlertingWorld> {
  const intervalSeconds = 10;
  const database = await createTestDatabase();
  let now = START;
  const times: Instant[] = [];
  const endpoint = await startLocalEndpoint(() => {
    times.push(now);
    return { body: 'ok' };
  });
  const settings = settingsSchema.parse({
    domains: [
      {
        domain: DOMAIN,
        apps: [
          {
            app: '*',
            interval: '10s',
            bucket: 'bucket-a',
            endpoint: 'oss.example.com',
            overwriteObject: '{AppName}/{StreamName}.jpg',
          },
        ],
      },
    ],
    notify: options.notify?.(endpoint.url) ?? [{ name: 'chat', type: 'slack', url: endpoint.url }],
    alerting: { allowPrivate: true, auditStalledAfter: '1h', ...options.alerting },
    watch: options.watch,
    maintenance: options.maintenance,
  });
  const version: ConfigVersion = {
    domain: DOMAIN,
    app: '*',
    validFrom: 0,
    intervalSeconds,
    bucket: 'bucket-a',
    endpoint: 'oss.example.com',
    sequenceObject: null,
    overwriteObject: '{AppName}/{StreamName}.jpg',
    callback: null,
  };
  const versions = [version];
  const silent = { info() {}, warn() {}, error() {} };
  const another = (change: Partial<AlertingParts> = {}) =>
    createAlerting({
      database,
      clock: { now: () => now },
      settings,
      secrets: { variable: () => undefined, file: () => '' },
      publicUrl: 'https://audit.example.com',
      configVersions: async () => versions,
      logger: silent as unknown as AlertingParts['logger'],
      chance: () => 0.5,
      ...options.parts,
      ...change,
    });
  await addPartitions(database, START - 86_400_000, START + 86_400_000);
  const shapeId = await addShape(database);
  const streams: WorldStream[] = [];

  const world: AlertingWorld = {
    database,
    endpoint,
    streams,
    intervalSeconds,
    settings,
    versions,
    now: () => now,
    set: (instant) => {
      now = instant;
    },
    alerting: another(),
    another,
    times,
    titles: () =>
      endpoint.calls.map(({ body }) => JSON.parse(body).text.replaceAll('&lt;', '<').replaceAll('&gt;', '>') as string),
    async addStreams(app, count) {
      for (let index = 0; index < count; index++) {
        const stream = `cam${String(index).padStart(4, '0')}`;
        const id = await addStream(database, DOMAIN, app, stream);
        streams.push({ id, app, stream, phaseMs: (index * 7919) % (intervalSeconds * 1000) });
        await database.db
          .insertInto('sessions')
          .values({ stream_id: id, started_at: timestamp(now), ended_at: null, certainty: 'announced' })
          .execute();
      }
    },
    async pass({ seconds, silent: isSilent = () => false, receiving = true, alerting = true, step = 1 }) {
      for (let second = 0; second < seconds; second += step) {
        const before = now;
        now += step * 1000;
        if (receiving) {
          const beats = streams.flatMap((stream) => {
            const at =
              Math.ceil((before - stream.phaseMs) / (intervalSeconds * 1000)) * intervalSeconds * 1000 + stream.phaseMs;
            return at < now && !isSilent(stream, at) ? [{ streamId: stream.id, at, shapeId, delayMs: 0 }] : [];
          });
          await addCaptures(database, beats);
          await beat(before, now);
        }
        if (alerting) {
          await world.alerting.raise();
          await world.alerting.sendAll();
        }
      }
    },
    async close() {
      await endpoint.close();
      await database.drop();
    },
  };

  /** One receiver that extends its span, as keep-heartbeat.ts does. */
  async function beat(before: Instant, at: Instant): Promise<void> {
    const extended = await database.db
      .updateTable('heartbeats')
      .set({ to_at: timestamp(at) })
      .where('to_at', '>=', timestamp(before - 5000))
      .executeTakeFirst();
    if (extended.numUpdatedRows > 0n) return;
    await database.db
      .insertInto('heartbeats')
      .values({
        receiver_id: '00000000-0000-4000-8000-000000000001',
        from_at: timestamp(at),
        to_at: timestamp(at),
        host: 'test',
      })
      .execute();
  }

  for (const [app, count] of Object.entries(options.apps ?? { live: 200 })) await world.addStreams(app, count);
  return world;
}
