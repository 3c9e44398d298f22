import { describe, expect, it } from 'vitest';
import { createCaptureDays } from '../../src/adapters/postgres/capture-days.ts';
import { createConfigStore } from '../../src/adapters/postgres/config-store.ts';
import { createQuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import type { Bucket, Buckets } from '../../src/ports.ts';
import { createAuditor } from '../../src/usecases/audit-window.ts';
import { keepCaptureDays } from '../../src/usecases/keep-capture-days.ts';
import { createTrackSessions } from '../../src/usecases/track-sessions.ts';
import { APP, type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: AuditWorld;
eachAuditWorld(async (fresh) => {
  world = fresh;
  await world.alive([T0 - MINUTE, T0 + 5 * MINUTE], [T0 + 8 * MINUTE, T0 + 120 * MINUTE]);
  await world.session('cam01', T0, null);
});

/** A capture every 10 s, but for some by number. */
async function broadcast(count: number, lost: readonly number[], untold: readonly number[] = []): Promise<void> {
  for (let number = 0; number < count; number++) {
    if (lost.includes(number)) continue;
    await world.capture('cam01', T0 + (number + 1) * 10 * SECOND, { callback: !untold.includes(number) });
  }
  await world.flush();
}

async function found() {
  const { gaps, slots } = await world.stored();
  return { ok: slots.ok, gaps: gaps.map(({ verdict, cause, count }) => [verdict, cause, count]) };
}

/** An audit, in the middle of which (its first listing) something happens. */
async function auditInterruptedBy(event: () => Promise<unknown>): Promise<void> {
  const { buckets } = world.parts;
  let happened = false;
  const interrupted: Buckets = {
    close: buckets.close,
    calls: buckets.calls,
    open(name, endpoint) {
      const bucket: Bucket = buckets.open(name, endpoint);
      return {
        name,
        head: (key) => bucket.head(key),
        signedUrl: (key, seconds) => bucket.signedUrl(key, seconds),
        lifecycleRules: () => bucket.lifecycleRules(),
        async listPage(query) {
          if (!happened) {
            happened = true;
            await event();
          }
          return bucket.listPage(query);
        },
      };
    },
  };
  await createAuditor({ ...world.parts, buckets: interrupted })({ domain: DOMAIN });
}

describe('what becomes known while an audit is under way, or after it', () => {
  it.each([
    ['the first of its stream', false],
    ['a later one', true],
  ])('excuses slots though the audit (%s) had read the spans before', async (_, audited) => {
    world.config();
    await broadcast(60, [50, 51, 52]);
    if (audited) {
      world.clock.at = T0 + 3 * MINUTE;
      await world.audit({ domain: DOMAIN });
    }
    world.clock.at = T0 + 10 * MINUTE;
    await auditInterruptedBy(() =>
      world.excused.add({
        ...{ from: T0 + 8 * MINUTE, to: T0 + 9 * MINUTE, domain: DOMAIN, app: null, stream: null },
        ...{ reason: 'maintenance', author: 'test' },
      }),
    );
    await world.audit({ domain: DOMAIN });
    expect((await found()).gaps).toEqual([['excused', null, 3]]);
  });

  it('judges by heartbeats that another audit saw first', async () => {
    world.config();
    await broadcast(60, [], [36, 37]);
    world.clock.at = T0 + 4 * MINUTE;
    await world.audit({ domain: DOMAIN });
    world.clock.at = T0 + 10 * MINUTE;
    await auditInterruptedBy(async () => {
      await world.alive([T0 + 5 * MINUTE, T0 + 8 * MINUTE]);
      await world.audit({ domain: DOMAIN, app: 'another' });
    });
    await world.audit({ domain: DOMAIN });
    expect((await found()).gaps).toEqual([['callback_missing', 'delivery_lost', 2]]);
  });

  it('judges a session from its start on once the config that it began under is found', async () => {
    const config = world.config();
    await broadcast(180, [20, 21, 22]);
    const store = createConfigStore(world.database, { sealingKeys: [] });
    world.parts.configVersions = store.versions;
    world.clock.at = T0 + 10 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 0, gaps: [] });
    await store.appendVersions([config], 'observed');
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 50, gaps: [['not_captured', 'not_captured', 3]] });
  });

  it('takes back what it laid to the vendor once the callback is known to have been changed before the session', async () => {
    const config = world.config();
    await broadcast(60, [], [20, 21, 22]);
    const store = createConfigStore(world.database, { sealingKeys: [] });
    world.parts.configVersions = store.versions;
    await store.appendVersions([config], 'observed');
    world.clock.at = T0 + 5 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect((await found()).gaps).toEqual([['callback_missing', 'delivery_lost', 3]]);
    // As `reconcileDomain` dates it: from just after the last look that found the former one.
    await store.appendVersions(
      [{ ...config, callback: 'https://other.example.com/', validFrom: T0 - MINUTE }],
      'observed',
    );
    await world.audit({ domain: DOMAIN });
    expect((await found()).gaps).toEqual([['callback_missing', 'callback_not_ours', 3]]);
  });

  it('takes a rejection of ours into account that waited in a spool', async () => {
    world.config();
    await broadcast(60, [], [20]);
    world.clock.at = T0 + 10 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect((await found()).gaps).toEqual([['callback_missing', 'delivery_lost', 1]]);
    const at = T0 + 210 * SECOND;
    await createQuarantineStore(world).write(
      [
        {
          ...{
            receivedAt: at + SECOND,
            kind: 'rejected',
            reason: 'signature-mismatch',
            remoteAddress: null,
            headers: {},
          },
          ...{ domain: DOMAIN, app: APP, stream: 'cam01', object: `snapshot/${APP}/cam01/${at / SECOND}.jpg` },
          body: Buffer.from('{}'),
        },
      ],
      { again: false, timeoutMs: 5_000 },
    );
    await world.audit({ domain: DOMAIN });
    expect((await found()).gaps).toEqual([['callback_missing', 'callback_rejected', 1]]);
  });
});

describe('captures that are not kept any more', () => {
  const DAY = 24 * 60 * MINUTE;
  const START = T0 - DAY + 12 * 60 * MINUTE;
  const END = T0 + 12 * 60 * MINUTE + MINUTE;

  /** Captures every 10 min from the middle of one day to the middle of the next, with one gap on each. */
  async function twoDays(): Promise<void> {
    await world.database.db.deleteFrom('sessions').execute();
    world.config({ intervalSeconds: 600, validFrom: START - DAY });
    world.parts.captureRetentionDays = 1;
    await world.alive([START - DAY, T0 + 20 * DAY]);
    await world.session('cam01', START, END);
    for (let number = 1; number <= 144; number++) {
      if (number !== 20 && number !== 100) await world.capture('cam01', START + number * 10 * MINUTE);
    }
    await world.flush();
  }

  async function dropFirstDay(): Promise<void> {
    world.clock.at = T0 + DAY + 10 * MINUTE;
    const keeper = createCaptureDays(world);
    await keepCaptureDays({ keeper, now: world.clock.at, retentionDays: 1 });
  }

  it('are not held against anybody when their stream is judged again', async () => {
    await twoDays();
    world.clock.at = END + 2 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const before = await world.stored();
    expect(before.gaps).toHaveLength(2);
    await dropFirstDay();
    await world.database.db.deleteFrom('judge_states').execute();
    await world.audits.markLate([1], START + MINUTE, 'asked-for');
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(before);
    expect(await world.database.db.selectFrom('late_evidence').selectAll().execute()).toEqual([]);
  });

  it('are unknown where they were not judged while they were there', async () => {
    await twoDays();
    await dropFirstDay();
    await world.audit({ domain: DOMAIN });
    const { slots, gaps } = await world.stored();
    expect(slots).toMatchObject({ callback_missing: 0, not_captured: 1 });
    expect(gaps[0]).toMatchObject({ verdict: 'unknown' });
    expect(gaps[0]!.to).toBeLessThanOrEqual(T0 + 10 * MINUTE);
  });

  it('take nothing of a session with them that they alone spoke for', async () => {
    await world.database.db.deleteFrom('sessions').execute();
    world.config({ intervalSeconds: 600, validFrom: START - DAY });
    world.parts.captureRetentionDays = 1;
    await world.alive([START - DAY, T0 + 20 * DAY]);
    const track = createTrackSessions({ ...world.parts, domains: [DOMAIN] });
    let number = 1;
    const until = async (last: number) => {
      for (; number <= last; number++) {
        if (number !== 20 && number !== 100) await world.capture('cam01', START + number * 10 * MINUTE);
      }
      await world.flush();
      world.clock.at = START + last * 10 * MINUTE + 2 * MINUTE;
      await track();
      await world.audit({ domain: DOMAIN });
    };
    for (const last of [72, 144, 217]) await until(last);
    const before = await world.stored();
    const starts = () => world.database.db.selectFrom('sessions').select('started_at').execute();
    const sessions = await starts();
    expect([before.slots.ok, before.gaps.length, sessions.length]).toEqual([215, 2, 1]);
    const keeper = createCaptureDays(world);
    await keepCaptureDays({ keeper, now: world.clock.at, retentionDays: 1 });
    await until(218);
    expect(await world.stored()).toEqual({ ...before, slots: { ...before.slots, ok: 216 } });
    expect(await starts()).toEqual(sessions);
  });
});
