import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeSessions, type SessionSignal, streamOfPush } from '../../src/core/merge-sessions.ts';

const START = 1_790_000_000_000;
const s = (seconds: number) => START + seconds * 1_000;

/** Signals in seconds. */
const publish = (at: number): SessionSignal => ({ kind: 'publish', at: s(at) });
const done = (at: number): SessionSignal => ({ kind: 'publish_done', at: s(at) });
const online = (published: number, seen: number, absent: number | null = null): SessionSignal => ({
  kind: 'online',
  publishedAt: s(published),
  seenAt: s(seen),
  absentAt: absent === null ? null : s(absent),
});
const listed = (published: number, stopped: number | null): SessionSignal => ({
  kind: 'listed',
  publishedAt: s(published),
  stoppedAt: stopped === null ? null : s(stopped),
});
const captures = (...at: number[]): SessionSignal[] => at.map((each) => ({ kind: 'capture', at: s(each) }));

/** Signals, and the same ones twice over in another order. */
const shuffled = (arbitrary: fc.Arbitrary<SessionSignal[]>) =>
  arbitrary.chain((signals) => {
    const twice = [...signals, ...signals];
    return fc.shuffledSubarray(twice, { minLength: twice.length }).map((shuffledTwice) => ({ signals, shuffledTwice }));
  });

function merge(signals: SessionSignal[], now = 100_000): string[] {
  return mergeSessions(signals, { now: s(now), intervalMs: 10_000 }).map(
    ({ startedAt, endedAt, certainty, endCertain }) => {
      const end = endedAt === null ? '' : `${(endedAt - START) / 1_000}${endCertain ? '' : '?'}`;
      return `${(startedAt - START) / 1_000}..${end} ${certainty}`;
    },
  );
}

describe('sessions from all that was said', () => {
  it('run from publish to publish_done, and on while nothing says that they ended', () => {
    expect(merge([publish(0), done(100)])).toEqual(['0..100.999 announced']);
    expect(merge([publish(0)])).toEqual(['0.. announced']);
    expect(merge([publish(0), online(0, 500)])).toEqual(['0.. announced']);
  });

  it('are one where callback, online list and publish list speak of the same publish', () => {
    expect(merge([publish(0), online(-2, 90, 120), listed(1, 99), done(100)])).toEqual(['0..100.999 announced']);
    expect(merge([online(0, 90, 120), listed(4, 99)])).toEqual(['0..99.999 listed']);
  });

  it('end by the publish list where publish_done was lost', () => {
    expect(merge([publish(0), listed(0, 100)])).toEqual(['0..100.999 announced']);
  });

  it('end with the second that the vendor tells, for it tells whole seconds; a moment that it tells exactly is the end', () => {
    const ended = (at: number) =>
      mergeSessions([publish(0), { kind: 'publish_done', at }], { now: s(1_000), intervalMs: 10_000 })[0]!.endedAt;
    expect(ended(s(100) - 1)).toBe(s(100) - 1);
    expect(ended(s(100))).toBe(s(100) + 999);
    expect(ended(s(100) + 1)).toBe(s(100) + 1);
  });

  it('end by the last sign of life where only an empty poll says so', () => {
    expect(merge([publish(0), online(0, 90, 120)])).toEqual(['0..90? announced']);
    expect(merge([publish(0), online(0, 90, 120), ...captures(80, 90, 100)])).toEqual(['0..110? announced']);
  });

  it('end at the next start at the latest', () => {
    expect(merge([publish(0), publish(200), done(300)])).toEqual(['0..200? announced', '200..300.999 announced']);
    expect(merge([publish(0), ...captures(10, 20, 30), publish(200)])).toEqual(['0..40? announced', '200.. announced']);
    expect(merge([publish(0), done(205), publish(200)])).toEqual(['0..200? announced', '200..205.999 announced']);
  });

  it('take a publish_done right after a restart for that of the push before, where the new one has another end', () => {
    const both = ['0..200 announced', '200..300.999 announced'];
    expect(merge([publish(0), publish(200), done(205), done(300)])).toEqual(both);
    expect(merge([publish(0), publish(200), done(205), listed(200, 300)])).toEqual(both);
    expect(merge([publish(0), done(100), publish(200), done(205), done(300)])).toEqual([
      '0..100.999 announced',
      '200..205.999 announced',
    ]);
  });

  it('stay apart at a restart within the same second, in whatever order the callbacks came', () => {
    expect(merge([publish(0), done(100), publish(100), done(200)])).toEqual([
      '0..100 announced',
      '100..200.999 announced',
    ]);
    expect(merge([publish(100), publish(0), done(200), done(100)])).toEqual([
      '0..100 announced',
      '100..200.999 announced',
    ]);
    expect(merge([publish(0), done(1), publish(1), done(100)])).toEqual(['0..1 announced', '1..100.999 announced']);
    expect(merge([listed(0, 1), listed(1, 100)])).toEqual(['0..1 listed', '1..100.999 listed']);
  });

  it('do not believe a publish_done that the online list contradicts', () => {
    expect(merge([publish(0), done(100), online(0, 500)])).toEqual(['0.. announced']);
    expect(merge([publish(0), done(100), online(0, 130)])).toEqual(['0..100.999 announced']);
  });

  it('are inferred from captures that nobody announced, and marked so', () => {
    expect(merge(captures(0, 10, 20, 31))).toEqual(['0..41? inferred']);
    expect(merge(captures(0, 10, 20), 45)).toEqual(['0.. inferred']);
    expect(merge(captures(0, 10))).toEqual([]);
    expect(merge(captures(0, 10, 15, 20))).toEqual([]);
    expect(merge(captures(0, 10, 20, 500, 510, 520))).toEqual(['0..30? inferred', '500..530? inferred']);
  });

  it('are not inferred from what belongs to an announced one', () => {
    expect(merge([publish(5), ...captures(3, 10, 20, 101), done(100)])).toEqual(['5..100.999 announced']);
    expect(merge([publish(100), ...captures(50, 60, 70, 110, 120)])).toEqual(['50..80? inferred', '100.. announced']);
  });

  it('do not overlap and do not depend on the order or the number of times that something is said', () => {
    const signal = fc.oneof(
      fc.nat(50).map((at) => publish(at * 7)),
      fc.nat(50).map((at) => done(at * 7)),
      fc
        .tuple(fc.nat(50), fc.nat(100), fc.option(fc.nat(100)))
        .map(([at, length, gone]) => online(at * 7, at * 7 + length, gone === null ? null : at * 7 + length + gone)),
      fc
        .tuple(fc.nat(50), fc.option(fc.nat(100)))
        .map(([at, length]) => listed(at * 7, length === null ? null : at * 7 + length)),
      fc.nat(400).map((at) => captures(at)[0]!),
    );
    fc.assert(
      fc.property(shuffled(fc.array(signal, { maxLength: 12 })), ({ signals, shuffledTwice }) => {
        const sessions = mergeSessions(signals, { now: s(10_000), intervalMs: 10_000 });
        for (const [index, session] of sessions.entries()) {
          expect(session.endedAt ?? session.startedAt).toBeGreaterThanOrEqual(session.startedAt);
          const next = sessions[index + 1];
          if (next) expect(session.endedAt).toBeLessThanOrEqual(next.startedAt);
        }
        expect(merge(shuffledTwice)).toEqual(merge(signals));
      }),
    );
  });
});

describe('the stream that a push callback means', () => {
  const names = {
    streamingDomains: new Map([['push.example.com', 'play.example.com']]),
    known: [
      { domain: 'play.example.com', app: 'live', stream: 'Cam01' },
      { domain: 'play.example.com', app: 'live', stream: 'Door' },
      { domain: 'play.example.com', app: 'live', stream: 'DOOR' },
    ],
  };
  const of = (domain: string, stream: string, app = 'live') => streamOfPush({ domain, app, stream }, names);

  it('lives on the streaming domain of the ingest domain', () => {
    expect(of('push.example.com', 'Cam01')).toEqual({ domain: 'play.example.com', app: 'live', stream: 'Cam01' });
    expect(of('play.example.com', 'Cam01').domain).toBe('play.example.com');
  });

  it('is the known one where the callback tells its name in lower case', () => {
    expect(of('push.example.com', 'cam01').stream).toBe('Cam01');
  });

  it('is as told where no known name or more than one fits', () => {
    expect(of('push.example.com', 'door').stream).toBe('door');
    expect(of('push.example.com', 'DOOR').stream).toBe('DOOR');
    expect(of('push.example.com', 'new').stream).toBe('new');
    expect(of('push.example.com', 'cam01', 'other').stream).toBe('cam01');
  });
});
