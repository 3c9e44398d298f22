import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { ToldLate } from '../../src/usecases/audit-window-told.ts';
import { type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: AuditWorld;
eachAuditWorld(async (fresh) => {
  world = fresh;
  world.config({ sequenceObject: 'seq/{StreamName}/{Sequence}.jpg' });
  await world.alive([T0 - MINUTE, T0 + 300 * MINUTE]);
});

const atOf = (number: number) => T0 + number * 10 * SECOND;
const nameOf = (number: number) => `seq/cam01/${number}.jpg`;

/** Stores a callback at the very moment of its receipt. */
async function tell(number: number, receivedAt: number): Promise<void> {
  world.clock.at = receivedAt;
  await world.told('cam01', nameOf(number), receivedAt);
  await world.flush();
}

async function auditAt(at: number): Promise<void> {
  world.clock.at = at;
  expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
}

async function found() {
  const { gaps, slots } = await world.stored();
  return { ok: slots.ok, gaps: gaps.map(({ from, verdict, count }) => [(from - T0) / SECOND, verdict, count]) };
}

/** An instant differs by whether the index was asked near it: it tells milliseconds, the listing does not. */
async function toTheSecond() {
  const { gaps, slots } = await world.stored();
  const second = (at: number) => Math.floor(at / SECOND);
  return { slots, gaps: gaps.map((gap) => ({ ...gap, from: second(gap.from), to: second(gap.to) })) };
}

const lateRows = () => world.database.db.selectFrom('late_evidence').selectAll().execute();

describe('what was told late', () => {
  const captures = [200, 210].map((at) => ({
    ...{ at: at * SECOND, bucket: 'b', object: `${at}.jpg`, stored: true, indexed: false, rejected: false },
    ...{ replaced: false, callback: { receivedAt: (at + 80) * SECOND, capturedAt: null, verified: true } },
  }));
  const untold = async () => ({
    gaps: [
      {
        ...{ from: 205 * SECOND, to: 220 * SECOND },
        ...{ verdict: 'callback_missing' as const, cause: 'delivery_lost' as const, mode: 'sequence' as const },
      },
    ],
    hours: [],
  });

  it('is found once, even where it changes nothing', async () => {
    const told = new ToldLate();
    expect(await told.find(captures, 300 * SECOND, 900 * SECOND, untold)).toBe(210 * SECOND);
    expect(await told.find(captures, 300 * SECOND, 900 * SECOND, untold)).toBeNull();
    const next = new ToldLate(told.after(0).toldLate);
    expect(await next.find(captures, 300 * SECOND, 900 * SECOND, untold)).toBeNull();
    expect(told.after(291 * SECOND)).toEqual({});
  });

  it('is neither what is not judged yet, nor what no judgement could take in', async () => {
    expect(await new ToldLate().find(captures, 210 * SECOND, 900 * SECOND, untold)).toBeNull();
    expect(await new ToldLate().find(captures, 300 * SECOND, 80 * SECOND, untold)).toBeNull();
  });
});

describe('a callback of a name that only counts, after its slot was judged', () => {
  /** Callbacks of 60 captures as they come, an audit after each; the 20th is 80 s late, the 40th never comes. */
  async function live(index: boolean): Promise<number> {
    await world.session('cam01', T0, null);
    let judgedAgain = 0;
    for (let number = 1; number <= 60; number++) {
      await world.capture('cam01', atOf(number), { name: nameOf(number), callback: false, index });
      if (number !== 20 && number !== 40) await tell(number, atOf(number) + 800);
      if (number === 28) {
        expect((await found()).gaps).toEqual([[200, 'callback_missing', 1]]);
        await tell(20, atOf(20) + 80 * SECOND + 900);
      }
      world.clock.at = atOf(number) + 1_000;
      const { captures, streams } = await world.audit({ domain: DOMAIN });
      if (streams > 1) judgedAgain++;
      expect(captures).toBeLessThan(1_000);
      expect(await lateRows()).toEqual([]);
    }
    await auditAt(T0 + 12 * MINUTE);
    return judgedAgain;
  }

  it.each([true, false])('is taken in, once, and what never came stays lost (in the index: %s)', async (index) => {
    const judgedAgain = await live(index);
    expect((await found()).gaps.slice(0, 2)).toEqual([
      [200, 'late', 1],
      [400, 'callback_missing', 1],
    ]);
    expect(judgedAgain).toBeLessThanOrEqual(2);
    const stands = await world.stored();
    await world.forgetJudgement();
    await auditAt(T0 + 12 * MINUTE);
    expect(await world.stored()).toEqual(stands);
  });

  it('is taken in though it waited with a receipt from before', async () => {
    await world.session('cam01', T0, T0 + 20 * MINUTE);
    for (let number = 1; number <= 30; number++) {
      await world.capture('cam01', atOf(number), { name: nameOf(number), callback: number !== 20 });
    }
    // Judged up to just between the capture and its receipt, where a state is kept.
    await auditAt(atOf(20) + 500 + MINUTE);
    await auditAt(atOf(20) + 4 * MINUTE);
    expect((await found()).gaps[0]).toEqual([200, 'callback_missing', 1]);
    await world.told('cam01', nameOf(20), atOf(20) + 800);
    await auditAt(atOf(20) + 5 * MINUTE);
    expect((await found()).gaps.filter(([from]) => from === 200)).toEqual([]);
  });

  it.each([1, 2, 4])('makes any number of audits say the same as one (seed %i)', async (seed) => {
    await world.session('cam01', T0, T0 + 50 * MINUTE);
    await world.session('cam01', T0 + 52 * MINUTE, T0 + 80 * MINUTE);
    const random = xoroshiro128plus(seed);
    const between = (low: number, high: number) => uniformInt(random, low, high);
    const told: { number: number; receivedAt: number }[] = [];
    for (let number = 1; number < 479; number++) {
      if (number >= 299 && number <= 312) continue;
      const drawn = between(0, 30);
      if (drawn === 0) continue;
      const delayMs = drawn < 4 ? between(20, 600) * SECOND : 700;
      const object = drawn !== 5;
      await world.capture('cam01', atOf(number), { name: nameOf(number), callback: false, object, index: drawn < 20 });
      if (drawn !== 6) told.push({ number, receivedAt: atOf(number) + delayMs });
    }
    told.sort((a, b) => a.receivedAt - b.receivedAt);
    const end = T0 + 100 * MINUTE;
    let next = 0;
    for (let at = T0; at < end; ) {
      at = Math.min(end, at + between(5, 400) * SECOND);
      for (; next < told.length && told[next]!.receivedAt <= at; next++) {
        await tell(told[next]!.number, told[next]!.receivedAt);
      }
      await auditAt(at);
    }
    const inPieces = await toTheSecond();
    expect(inPieces.gaps.filter(({ verdict }) => verdict === 'late').length).toBeGreaterThan(15);
    await world.forgetJudgement();
    await auditAt(end);
    expect(inPieces).toEqual(await toTheSecond());
  });
});
