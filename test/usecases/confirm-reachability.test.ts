import { describe, expect, it } from 'vitest';
import { createReachabilityCheck } from '../../src/usecases/confirm-reachability.ts';
import type { Reachability } from '../../src/usecases/watch-reachability.ts';

const UNREACHABLE: Reachability = { reachable: false, since: 0, detail: 'ECONNREFUSED' };

function checkOf(watch: () => Promise<Reachability>) {
  let now = 1_000;
  const problems: string[] = [];
  const isReachable = createReachabilityCheck({
    clock: { now: () => now },
    watch,
    onProblem: (what) => problems.push(what),
  });
  return { isReachable, problems, pass: (ms: number) => (now += ms) };
}

describe('whether callbacks can reach us', () => {
  it('is asked once for all who want to know within three seconds', async () => {
    let asked = 0;
    const { isReachable, pass } = checkOf(async () => (++asked === 1 ? UNREACHABLE : { reachable: true }));
    expect(await isReachable()).toBe(false);
    pass(2_999);
    expect(await isReachable()).toBe(false);
    expect(asked).toBe(1);
    pass(1);
    expect(await isReachable()).toBe(true);
    expect(asked).toBe(2);
  });

  it('is no while the answer is under way, and no second canary is sent meanwhile', async () => {
    let asked = 0;
    const { promise, resolve } = Promise.withResolvers<Reachability>();
    const { isReachable, pass } = checkOf(() => {
      asked++;
      return promise;
    });
    expect(await isReachable()).toBe(false);
    pass(10_000);
    const waiting = isReachable();
    resolve({ reachable: true });
    expect(await waiting).toBe(true);
    expect(asked).toBe(1);
  });

  it('is yes where it cannot be asked: doubt mutes nobody', async () => {
    const { isReachable, problems } = checkOf(() => Promise.reject(new Error('the database is away')));
    expect(await isReachable()).toBe(true);
    expect(problems).toHaveLength(1);
  });
});
