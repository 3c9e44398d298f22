import { describe, expect, it } from 'vitest';
import { createCaptureDays } from '../../src/adapters/postgres/capture-days.ts';
import { createQuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { formatEvidence } from '../../src/core/evidence.ts';
import { createBackfill } from '../../src/usecases/backfill.ts';
import { createEvidenceExport } from '../../src/usecases/export-evidence.ts';
import { judgeEvidence } from '../../src/usecases/judge-evidence.ts';
import { APP, type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
let world: AuditWorld;
eachAuditWorld(async (fresh) => {
  world = fresh;
  world.config({ intervalSeconds: 600 });
  await world.alive([T0 - MINUTE, T0 + 3 * DAY]);
  world.vendor.startSession({ domain: DOMAIN, app: APP, stream: 'cam01' }, T0);
});

/** Every ten minutes from T0 to `until`. */
async function captures(until: number, given: { callback?: boolean } = {}): Promise<void> {
  for (let at = T0 + 10 * MINUTE; at < until; at += 10 * MINUTE) await world.capture('cam01', at, given);
  await world.flush();
}

const excuse = (from: number) =>
  world.excused.add({ domain: DOMAIN, app: APP, stream: null, from, to: from + MINUTE, reason: 'power', author: 'me' });

async function evidence(from: number, to: number) {
  const lines: string[] = [];
  await createEvidenceExport(world.parts)(
    { domain: DOMAIN, from, to },
    async (line) => void lines.push(formatEvidence(line)),
  );
  return judgeEvidence(lines);
}

const dropFirstDay = () => createCaptureDays(world).drop(Math.floor(T0 / DAY));

describe('what retention took away', () => {
  it('stands as it was judged, whatever is judged again', async () => {
    await world.session('cam01', T0, T0 + 10 * HOUR);
    await captures(T0 + 10 * HOUR);
    world.clock.at = T0 + 12 * HOUR;
    await world.audit({ domain: DOMAIN });
    const before = await world.stored();
    expect(before.gaps).toEqual([]);
    await dropFirstDay();
    await excuse(T0 + 2 * HOUR + 1);
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(before);
    await world.audits.markLate([1], T0, 'asked-for');
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(before);
  });

  it('is not what a session is judged by that began before it and goes on', async () => {
    await world.session('cam01', T0, null);
    await captures(T0 + 30 * HOUR);
    world.clock.at = T0 + 30 * HOUR;
    await world.audit({ domain: DOMAIN });
    const before = await world.stored();
    expect(before.gaps).toEqual([]);
    await dropFirstDay();
    // States to judge again from are kept for eight days.
    await world.database.pool.query('delete from judge_states');
    await excuse(T0 + 26 * HOUR + 1);
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(before);
  });

  it('is counted once though its session turns out to have begun a little earlier', async () => {
    await world.session('cam01', T0 + HOUR, null);
    await captures(T0 + 30 * HOUR);
    world.clock.at = T0 + 30 * HOUR;
    await world.audit({ domain: DOMAIN });
    const before = await world.stored();
    await dropFirstDay();
    await world.sessions.replaceSessions(1, T0, [
      { startedAt: T0 + HOUR - 5_000, endedAt: null, certainty: 'announced', endCertain: true },
    ]);
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(before);
  });

  it('keeps its part of a gap that goes on after it', async () => {
    await world.session('cam01', T0, null);
    await captures(T0 + 10 * HOUR);
    for (let at = T0 + 10 * HOUR; at < T0 + 30 * HOUR; at += 10 * MINUTE)
      await world.capture('cam01', at, { callback: at > T0 + 27 * HOUR });
    await world.flush();
    world.clock.at = T0 + 30 * HOUR;
    await world.audit({ domain: DOMAIN });
    const before = await world.stored();
    expect(before.gaps).toMatchObject([{ from: T0 + 10 * HOUR, count: 103 }]);
    await dropFirstDay();
    await excuse(T0 + HOUR + 1);
    await world.audit({ domain: DOMAIN });
    const { slots, gaps } = await world.stored();
    expect(slots).toEqual(before.slots);
    const parts = [
      { from: T0 + 10 * HOUR, to: T0 + DAY, count: 84 },
      { from: T0 + DAY, to: before.gaps[0]!.to, count: 19 },
    ];
    expect(gaps).toMatchObject(parts);
    // Nor does what is judged again from later on take it away.
    await excuse(T0 + 29 * HOUR + 1);
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toMatchObject(parts);
  });

  it('is not followed by slots of a session that turns out to have ended then', async () => {
    await world.session('cam01', T0, null);
    await captures(T0 + 5 * HOUR);
    world.clock.at = T0 + 30 * HOUR;
    await world.audit({ domain: DOMAIN });
    await dropFirstDay();
    await world.session('cam01', T0, T0 + 5 * HOUR);
    await world.audit({ domain: DOMAIN });
    const { rows } = await world.database.pool.query(
      'select max(hour) as hour, (select max(to_at) from gaps) as gap from slot_hours',
    );
    expect(rows).toEqual([{ hour: T0 + 23 * HOUR, gap: T0 + DAY }]);
  });

  it('begins with the day that is about to be dropped, for a backfill and for evidence as for the audit', async () => {
    await world.session('cam01', T0, T0 + 30 * HOUR);
    await captures(T0 + 30 * HOUR, { callback: false });
    world.clock.at = T0 + 2 * DAY + 12 * HOUR;
    world.parts.captureRetentionDays = 1;
    const { parts, audit } = world;
    const backfill = createBackfill({
      ...parts,
      captures: world.captures,
      track: async () => {},
      audit,
      domains: [DOMAIN],
    });
    await backfill.range({ domain: DOMAIN, from: T0 + HOUR, to: T0 + 30 * HOUR });
    const restored = await world.database.db
      .selectFrom('captures')
      .select(({ fn }) => fn.min('captured_at').as('first'))
      .execute();
    expect(restored).toEqual([{ first: T0 + DAY }]);

    const missing = async () => (await evidence(T0, T0 + 30 * HOUR)).slots.callback_missing;
    expect(await missing()).toBe(36);
    world.parts.captureRetentionDays = 2;
    expect(await missing()).toBe(179);
  });

  it('is in no evidence that blames somebody', async () => {
    await world.session('cam01', T0, T0 + 10 * HOUR);
    await captures(T0 + 10 * HOUR);
    world.clock.at = T0 + 12 * HOUR;
    await world.audit({ domain: DOMAIN });
    await dropFirstDay();
    world.clock.at = T0 + 2 * DAY;
    expect((await evidence(T0, T0 + DAY + HOUR)).slots.callback_missing).toBe(0);
  });
});

describe('rejected callbacks that the quarantine no longer keeps', () => {
  it('are not called the loss of the vendor', async () => {
    const quarantine = createQuarantineStore(world);
    await world.session('cam01', T0, T0 + 10 * HOUR);
    await captures(T0 + 10 * HOUR, { callback: false });
    const entries = Array.from({ length: 59 }, (_, index) => {
      const at = T0 + (index + 1) * 10 * MINUTE;
      const object = `snapshot/${APP}/cam01/${at / 1_000}.jpg`;
      const names = { domain: DOMAIN, app: APP, stream: 'cam01', object };
      return {
        receivedAt: at + 800,
        kind: 'rejected' as const,
        reason: 'signature-mismatch',
        remoteAddress: null,
        headers: {},
        body: Buffer.from('{}'),
        ...names,
      };
    });
    await quarantine.write(entries as never, { timeoutMs: 5_000 } as never);
    world.clock.at = T0 + 12 * HOUR;
    await world.audit({ domain: DOMAIN });
    const causes = async () => [...new Set((await world.stored()).gaps.map(({ cause }) => cause))];
    expect(await causes()).toEqual(['callback_rejected']);
    // The 30 days of retention.quarantineDays have passed.
    await quarantine.prune({ before: T0 + 11 * HOUR, maxRows: 1_000, maxBytes: 1_000_000 });
    await world.audits.markLate([1], T0, 'asked-for');
    await world.audit({ domain: DOMAIN });
    expect(await causes()).toEqual(['undetermined']);
    expect([...new Set((await evidence(T0, T0 + 11 * HOUR)).gaps.map(({ cause }) => cause))]).toEqual(['undetermined']);
  });
});
