import { describe, expect, it } from 'vitest';
import type { ConfigVersion } from '../../src/core/config-version.ts';
import { pendingSessions } from '../../src/core/pending-reingest.ts';

const FIELDS = {
  intervalSeconds: 10,
  bucket: 'b',
  endpoint: 'e',
  sequenceObject: '{Sequence}.jpg',
  overwriteObject: null,
  callback: 'https://ours.example.com/',
};
const version = (app: string, validFrom: number, changes: Partial<ConfigVersion> = {}): ConfigVersion => ({
  domain: 'play.example.com',
  app,
  validFrom,
  ...FIELDS,
  ...changes,
});
const session = (startedAt: number, app = 'live') => ({ app, stream: 'cam01', startedAt });
const pendingStarts = (config: { app: string }, versions: ConfigVersion[], running: ReturnType<typeof session>[]) =>
  pendingSessions({ domain: 'play.example.com', ...FIELDS, ...config }, versions, running).map(
    ({ startedAt, versionFrom }) => [startedAt, versionFrom],
  );

describe('sessions that wait for their ingest to restart', () => {
  const changed = [version('live', 100, { intervalSeconds: 30 }), version('live', 200)];

  it('are those that started just before the change, not at it', () => {
    expect(pendingStarts({ app: 'live' }, changed, [session(199), session(200)])).toEqual([[199, 100]]);
  });

  it('include one that started before there was any config: it is not captured', () => {
    expect(pendingStarts({ app: 'live' }, changed, [session(99)])).toEqual([[99, null]]);
  });

  it('do not include one whose version was the same all along', () => {
    const versions = [version('live', 100), version('live', 150, { bucket: 'c' }), version('live', 200)];
    expect(pendingStarts({ app: 'live' }, versions, [session(120), session(160)])).toEqual([[160, 150]]);
  });

  it('count for the entry of all apps only where the app has no entry of its own', () => {
    const versions = [...changed, version('*', 300)];
    expect(pendingStarts({ app: '*' }, versions, [session(120), session(120, 'other')])).toEqual([[120, null]]);
  });

  it('fall to the entry of all apps once their own is deleted', () => {
    const versions = [
      version('*', 50, { intervalSeconds: 60 }),
      version('live', 100),
      version('live', 150, { absent: true }),
    ];
    expect(pendingStarts({ app: '*' }, versions, [session(120)])).toEqual([]);
    expect(pendingStarts({ app: '*' }, versions, [session(160)])).toEqual([[160, 50]]);
  });
});
