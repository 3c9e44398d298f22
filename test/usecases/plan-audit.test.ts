import { describe, expect, it } from 'vitest';
import { planAudit, type StreamToList } from '../../src/usecases/plan-audit.ts';

function stream(number: number, given: Partial<StreamToList> = {}): StreamToList {
  const prefix = `snapshot/live/cam${String(number).padStart(2, '0')}/`;
  return {
    streamId: number,
    bucket: 'snap',
    endpoint: 'oss-cn-shanghai.aliyuncs.com',
    prefix,
    sharedPrefix: 'snapshot/live/',
    startAfter: `${prefix}1790000000~`,
    keysLieTogether: true,
    newKeys: 6,
    allKeys: 100_000,
    ...given,
  };
}

describe('the plan of an audit', () => {
  it('lists each stream by itself where the old keys between the new ones are many', () => {
    const plan = planAudit([stream(1), stream(2), stream(3)]);
    expect(plan.map(({ kind, prefix, expectedCalls }) => [kind, prefix, expectedCalls])).toEqual([
      ['stream', 'snapshot/live/cam01/', 1],
      ['stream', 'snapshot/live/cam02/', 1],
      ['stream', 'snapshot/live/cam03/', 1],
    ]);
  });

  it('lists the shared prefix where all keys of many small streams fit into fewer pages', () => {
    const plan = planAudit([3, 1, 2].map((number) => stream(number, { allKeys: 300 })));
    expect(plan).toHaveLength(1);
    expect(plan[0]).toMatchObject({ kind: 'shared', prefix: 'snapshot/live/', expectedCalls: 1 });
    expect(plan[0]?.startAfter).toBe('snapshot/live/cam01/1790000000~');
    expect(plan[0]?.streams.map(({ streamId }) => streamId)).toEqual([1, 2, 3]);
  });

  it('prefers streams by themselves at the same number of calls, for that reads no key twice', () => {
    const kinds = (allKeys: number) => planAudit([stream(1), stream(2, { allKeys })]).map(({ kind }) => kind);
    // 6 + 994 keys are one page, 6 + 1,994 are two.
    expect(kinds(994)).toEqual(['shared']);
    expect(kinds(995)).toEqual(['stream', 'stream']);
    expect(kinds(1_994)).toEqual(['stream', 'stream']);
  });

  it('lists names that put the time first in one go, however many old keys there are', () => {
    const timeFirst = {
      prefix: 'snapshot/',
      sharedPrefix: 'snapshot/',
      startAfter: 'snapshot/1790000000',
      keysLieTogether: false,
    };
    const plan = planAudit(Array.from({ length: 50 }, (_, number) => stream(number, timeFirst)));
    expect(plan).toHaveLength(1);
    expect(plan[0]).toMatchObject({ kind: 'shared', expectedCalls: 1 });
  });

  it('lists a stream whose names do not sort by time whole and by itself', () => {
    const plan = planAudit([stream(1, { startAfter: null, allKeys: 2_500 }), stream(2)]);
    expect(plan.map(({ kind, startAfter, expectedCalls }) => [kind, startAfter, expectedCalls])).toEqual([
      ['stream', null, 3],
      ['stream', 'snapshot/live/cam02/1790000000~', 1],
    ]);
  });

  it('never mixes buckets or prefixes', () => {
    const plan = planAudit([
      stream(1, { allKeys: 10 }),
      stream(2, { allKeys: 10, bucket: 'other' }),
      stream(3, { allKeys: 10, sharedPrefix: 'archive/' }),
    ]);
    expect(plan.map(({ streams }) => streams.length)).toEqual([1, 1, 1]);
  });

  it('plans at most new keys / 1,000 + one call a stream', () => {
    const streams = Array.from({ length: 20 }, (_, number) => stream(number, { newKeys: number * 700 }));
    const newKeys = streams.reduce((sum, { newKeys }) => sum + newKeys, 0);
    const calls = planAudit(streams).reduce((sum, { expectedCalls }) => sum + expectedCalls, 0);
    expect(calls).toBeLessThanOrEqual(newKeys / 1_000 + streams.length);
  });
});
