import { describe, expect, it } from 'vitest';
import { createQuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { type EvidenceLine, formatEvidence } from '../../src/core/evidence.ts';
import { NAMES_NOT_KEPT } from '../../src/core/quarantine-reason.ts';
import { CouldNotLookError, type QuarantineEntry } from '../../src/ports.ts';
import { createEvidenceExport } from '../../src/usecases/export-evidence.ts';
import { judgeEvidence } from '../../src/usecases/judge-evidence.ts';
import { type AuditWorld, BUCKET, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: AuditWorld;
eachAuditWorld((fresh) => {
  world = fresh;
});

async function exported(from: number, to: number, stream: string | null = null) {
  const lines: EvidenceLine[] = [];
  const outcome = await createEvidenceExport(world.parts)({ domain: DOMAIN, stream, from, to }, async (line) => {
    lines.push(line);
  });
  return { lines, outcome };
}

/** What the file says, in the words of the store. */
async function judged(lines: EvidenceLine[]) {
  const result = await judgeEvidence(lines.map(formatEvidence));
  return {
    slots: result.slots,
    foreign: result.foreign,
    gaps: [...result.gaps, ...result.excused]
      .map(({ from, to, count, verdict, cause, stream }) => ({ from, to, count, verdict, cause, stream }))
      .sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.from - b.from)),
  };
}

/** More requests were rejected in this minute than could be kept. */
function namesNotKept(receivedAt: number): QuarantineEntry {
  const nobody = { remoteAddress: null, domain: null, app: null, stream: null, object: null };
  return { receivedAt, kind: 'rejected', reason: NAMES_NOT_KEPT, headers: {}, body: new Uint8Array(), ...nobody };
}

async function eventfulEvening(): Promise<void> {
  world.config();
  world.config({
    validFrom: T0 + 25 * MINUTE,
    intervalSeconds: 20,
    sequenceObject: 'archive/{StreamName}-{UnixTimestamp}.jpg',
  });
  await world.alive([T0 - MINUTE, T0 + 10 * MINUTE], [T0 + 13 * MINUTE, T0 + 200 * MINUTE]);
  await world.excused.add({
    from: T0 + 17 * MINUTE,
    to: T0 + 19 * MINUTE,
    domain: DOMAIN,
    app: null,
    stream: 'cam02',
    reason: 'camera moved',
    author: 'test',
  });
  await createQuarantineStore(world).write([namesNotKept(T0 + 16 * MINUTE + 5 * SECOND)], {
    again: false,
    timeoutMs: 10_000,
  });
  for (const stream of ['cam01', 'cam02']) {
    await world.session(stream, T0, T0 + 20 * MINUTE + 9 * SECOND);
    await world.session(stream, T0 + 30 * MINUTE, null);
    for (let number = 0; number < 120; number++) {
      const at = T0 + (number + 1) * 10 * SECOND;
      if (number === 30 || number === 31 || number === 105) continue;
      await world.capture(stream, at, {
        callback: number !== 50 && number !== 95 && (number < 61 || number > 76),
        object: number !== 20 && number !== 21,
        index: number !== 21 && number !== 22,
        delayMs: number === 40 ? 50 * SECOND : 900,
        ...(number === 90 && { name: `oops/${stream}-90.jpg`, index: false }),
      });
    }
    for (let number = 1; number < 90; number++) {
      const at = T0 + 30 * MINUTE + number * 20 * SECOND;
      if (number === 44) continue;
      await world.capture(stream, at, { name: `archive/${stream}-${at / SECOND}.jpg`, object: number !== 70 });
    }
    await world.told(stream, `snapshot/live/${stream}/${T0 / SECOND + 333}.jpg`, T0 + 334 * SECOND, false);
  }
  world.bucket.put(`snapshot/live/cam01/${T0 / SECOND + 5}-thumbnail.png`, T0);
  await world.flush();
}

describe('exported evidence', () => {
  it('is judged as the audit judged it', async () => {
    await eventfulEvening();
    for (const minutes of [12, 26, 40, 62]) {
      world.clock.at = T0 + minutes * MINUTE;
      expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
    }
    const stored = await world.stored();
    expect(new Set(stored.gaps.map(({ verdict }) => verdict)).size).toBeGreaterThan(5);
    const during = T0 + 960 * SECOND;
    expect(stored.gaps.filter(({ from, count }) => from === during && count === 1)).toEqual([
      expect.objectContaining({ stream: 'cam01', verdict: 'callback_missing', cause: 'undetermined' }),
      expect.objectContaining({ stream: 'cam02', verdict: 'callback_missing', cause: 'undetermined' }),
    ]);
    const { lines, outcome } = await exported(T0 - MINUTE, world.clock.at);
    expect(outcome).toMatchObject({ lines: lines.length, streams: 2, error: null });
    const { foreign, ...rest } = await judged(lines);
    expect(rest).toEqual(stored);
    expect(foreign).toEqual([{ bucket: BUCKET, prefix: 'snapshot/live/', count: 1 }]);
  });

  it('of one stream and a part of the time is judged alike, for it holds what came before', async () => {
    await eventfulEvening();
    world.clock.at = T0 + 62 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const [from, to] = [T0 + 8 * MINUTE, T0 + 18 * MINUTE];
    const { lines } = await exported(from, to, 'cam02');
    const inside = (await world.stored()).gaps.filter(
      (gap) => gap.stream === 'cam02' && gap.to > from && gap.from < to,
    );
    expect(inside.length).toBeGreaterThan(2);
    expect((await judged(lines)).gaps).toEqual(inside.map((gap) => ({ ...gap, to: Math.min(gap.to, to) })));
  });

  it('says whose callback URL stood, not what gives access there', async () => {
    world.config({ callback: 'https://old.example.com/cb?token=s3cret' });
    await world.alive([T0 - MINUTE, T0 + 30 * MINUTE]);
    await world.session('cam01', T0, null);
    await world.capture('cam01', T0 + 10 * SECOND, { callback: false });
    await world.flush();
    world.clock.at = T0 + 2 * MINUTE;
    const { lines } = await exported(T0, T0 + 15 * SECOND);
    expect(lines.find(({ type }) => type === 'config')).toMatchObject({
      callback: 'https://old.example.com/cb?token=…',
    });
    expect((await judged(lines)).gaps[0]).toMatchObject({ cause: 'callback_not_ours' });
  });

  it('is refused where nothing can be judged', async () => {
    world.config();
    await world.alive([T0 + 100 * MINUTE, T0 + 200 * MINUTE]);
    await world.session('cam01', T0 + 100 * MINUTE, null);
    world.clock.at = T0 + 130 * MINUTE;
    await expect(exported(T0, T0 + 60 * MINUTE)).rejects.toThrow('Nothing of this window can be judged');
    await expect(exported(world.clock.at - 30 * SECOND, world.clock.at)).rejects.toThrow('Nothing of this window');
  });

  it('of overwrite captures is judged by the interval of each session, as the audit does in one go', async () => {
    const mode = { sequenceObject: null, overwriteObject: 'c/{StreamName}.jpg' };
    world.config(mode);
    world.config({ ...mode, validFrom: T0 + 5 * MINUTE, intervalSeconds: 60 });
    await world.alive([T0 - MINUTE, T0 + 200 * MINUTE]);
    await world.session('cam01', T0, T0 + 5 * MINUTE);
    await world.session('cam01', T0 + 10 * MINUTE, null);
    const capture = (at: number, delayMs: number) =>
      world.capture('cam01', at, { name: 'c/cam01.jpg', delayMs, overlay: true });
    for (let number = 1; number < 29; number++) await capture(T0 + number * 10 * SECOND, SECOND);
    for (let number = 1; number < 20; number++) await capture(T0 + (10 + number) * MINUTE, 6 * SECOND);
    world.clock.at = T0 + 31 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const stored = await world.stored();
    expect(stored.slots).toMatchObject({ ok: 47, callback_missing: 0, object_missing: 0 });
    const { foreign: _foreign, ...rest } = await judged((await exported(T0 - MINUTE, world.clock.at)).lines);
    expect(rest).toEqual(stored);
  });

  it('writes nothing to the database', async () => {
    await eventfulEvening();
    world.clock.at = T0 + 62 * MINUTE;
    await exported(T0, world.clock.at);
    expect(await world.auditRows()).toEqual([]);
    expect((await world.stored()).gaps).toEqual([]);
    expect(await world.database.db.selectFrom('watermarks').selectAll().execute()).toEqual([]);
  });

  it('says so where OSS could not be looked at, and the file does not call it missing', async () => {
    await eventfulEvening();
    world.clock.at = T0 + 62 * MINUTE;
    world.bucket.fail('list', 'timeout', { times: 100 });
    world.liveOptions.before = () => {
      throw new CouldNotLookError('The Live API did not answer.', { reason: 'timeout', transient: true });
    };
    const { lines, outcome } = await exported(T0, world.clock.at);
    expect(outcome.error).toMatch(/could not be looked at/);
    const { slots } = await judged(lines);
    expect(slots.unknown).toBeGreaterThan(0);
    expect(slots.not_captured + slots.object_missing).toBe(0);
  });

  it.each([
    ['sequences apart from them', 'seq/{StreamName}/{UnixTimestamp}.jpg', 'over/{StreamName}-{UnixTimestamp}.jpg'],
    ['counted sequences', 'seq/{StreamName}/{Sequence}.jpg', 'over/{StreamName}/{UnixTimestamp}-{Sequence}.jpg'],
    ['no sequences', null, '{AppName}/{StreamName}/{UnixTimestamp}.jpg'],
  ])(
    'leaves overwrite captures unknown whose names the vendor should not allow (%s)',
    async (_, sequence, overwrite) => {
      world.config({ sequenceObject: sequence, overwriteObject: overwrite });
      await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
      await world.session('cam01', T0, T0 + 10 * MINUTE);
      const nameOf = (template: string, number: number) =>
        template
          .replace('{AppName}', 'live')
          .replace('{StreamName}', 'cam01')
          .replace('{Sequence}', String(number))
          .replace('{UnixTimestamp}', String(T0 / SECOND + number * 10));
      for (let number = 1; number < 59; number++) {
        const at = T0 + number * 10 * SECOND;
        if (sequence && number !== 20) await world.capture('cam01', at, { name: nameOf(sequence, number) });
        const told = { name: nameOf(overwrite, number), overlay: true, callback: number !== 7, object: number !== 9 };
        if (number !== 30) await world.capture('cam01', at, told);
      }
      world.clock.at = T0 + 20 * MINUTE;
      expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
      const stored = await world.stored();
      expect(stored.slots).toMatchObject(sequence ? { ok: 57, not_captured: 2, unknown: 57 } : { ok: 0, unknown: 57 });
      expect(new Set(stored.gaps.map(({ verdict, cause }) => `${verdict} ${cause}`))).toEqual(
        new Set(['unknown listing_failed', 'not_captured not_captured']),
      );
      expect((await judged((await exported(T0 - MINUTE, T0 + 19 * MINUTE)).lines)).slots).toEqual(stored.slots);
    },
  );

  it.each([1, 1_000])('reads a number and a time with nothing between them (units of %i ms)', async (unitMs) => {
    world.config({ sequenceObject: 'snapshot/{AppName}/{StreamName}/{Sequence}{UnixTimestamp}.jpg' });
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 10 * MINUTE);
    for (let number = 1; number < 59; number++) {
      const at = T0 + number * 10 * SECOND;
      const name = `snapshot/live/cam01/${number * 97}${Math.floor(at / unitMs)}.jpg`;
      await world.capture('cam01', at, { name, callback: number !== 20, object: number !== 30 });
    }
    world.clock.at = T0 + 20 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const stored = await world.stored();
    expect(stored.gaps.map(({ from, verdict, count }) => [(from - T0) / SECOND, verdict, count])).toEqual([
      [200, 'callback_missing', 1],
      [300, 'object_missing', 1],
    ]);
    expect((await judged((await exported(T0 - MINUTE, T0 + 19 * MINUTE)).lines)).gaps).toEqual(stored.gaps);
  });
});
