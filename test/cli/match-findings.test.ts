import { describe, expect, it } from 'vitest';
import type { Observed, TroubledCallback } from '../../src/cli/demo-handle.ts';
import { isClean, matchFindings } from '../../src/cli/match-findings.ts';
import type { InjectedFault } from '../../src/cli/sandbox-handle.ts';
import type { GapView } from '../../src/usecases/query-gaps.ts';

const AT = Date.UTC(2026, 10, 24, 10, 0, 0);
const SECOND = 1_000;

function gap(given: Partial<GapView>): GapView {
  return {
    id: '1',
    streamId: 1,
    domain: 'play.example.com',
    app: 'live',
    stream: 'cam01',
    from: AT,
    to: AT + 5 * SECOND,
    sessionStartedAt: AT - 60 * SECOND,
    slots: 1,
    verdict: 'callback_missing',
    cause: 'delivery_lost',
    mode: 'sequence',
    open: false,
    reason: null,
    evidence: null,
    ...given,
  };
}

const dropped: InjectedFault = {
  fault: 'callback_dropped',
  app: 'live',
  stream: 'cam01',
  from: AT,
  to: AT,
  captures: 1,
  expectedVerdict: 'callback_missing',
  expectedCause: 'delivery_lost',
};

function observed(given: Partial<Observed>): Observed {
  return {
    now: AT + 120 * SECOND,
    gaps: [],
    audits: [],
    drifts: [],
    unknownConfigsAt: [],
    told: [],
    repeated: [],
    slots: {},
    coverage: 1,
    auditedUntil: AT + 60 * SECOND,
    ...given,
  };
}

function match(injected: InjectedFault[], seen: Partial<Observed>, troubled: TroubledCallback[] = []) {
  return matchFindings(injected, [], troubled, observed(seen), { intervalSeconds: 5, lateAfterSeconds: 12 });
}

const outage: InjectedFault = {
  ...dropped,
  fault: 'receiver_down',
  app: null,
  stream: null,
  to: AT + 14 * SECOND,
  captures: 0,
  expectedCause: 'receiver_down',
};
const audit = (startedAt: number, error: string | null): Observed['audits'][number] => ({
  id: 1,
  domain: 'play.example.com',
  app: null,
  kind: 'audit',
  from: startedAt - 5_000,
  to: startedAt,
  startedAt,
  finishedAt: startedAt + 500,
  status: error === null ? 'done' : 'failed',
  error,
  streams: 1,
  listCalls: 1,
  headCalls: 0,
  indexCalls: 0,
  keys: 1,
  captures: 1,
  restored: 0,
  seconds: 0.5,
});

describe('holding what was found against what was injected', () => {
  it('takes a fault as found only with its verdict, its cause and all of its slots', () => {
    expect(match([dropped], { gaps: [gap({})] })).toMatchObject({
      findings: [{ injected: 'callback dropped', foundAs: 'callback_missing × 1', cause: 'delivery_lost' }],
      falseAlarms: [],
    });
    for (const wrong of [
      gap({ verdict: 'object_missing' }),
      gap({ cause: 'receiver_down' }),
      gap({ slots: 2 }),
      gap({ stream: 'cam02' }),
      gap({ from: AT + 60 * SECOND, to: AT + 65 * SECOND }),
    ]) {
      expect(match([dropped], { gaps: [wrong] }).findings[0]!.foundAs).toBeNull();
    }
  });

  it('is not clean where what was ordered never happened, nor where nothing did', () => {
    const terms = { intervalSeconds: 5, lateAfterSeconds: 12 };
    const played = match([dropped], { gaps: [gap({})] });
    expect(isClean(played)).toBe(true);
    const order = { fault: 'capture_skipped', app: 'live', stream: 'cam02' };
    const unplayed = matchFindings([dropped], [order], [], observed({ gaps: [gap({})] }), terms);
    expect(unplayed.findings.at(-1)).toEqual({
      injected: 'capture skipped',
      happened: false,
      foundAs: null,
      cause: '-',
      where: 'live/cam02',
    });
    expect(isClean(unplayed)).toBe(false);
    expect(isClean(match([], {}))).toBe(false);
  });

  it('calls a false alarm what nobody injected', () => {
    const { findings, falseAlarms } = match([dropped], { gaps: [gap({}), gap({ stream: 'cam02' })] });
    expect(findings[0]!.foundAs).not.toBeNull();
    expect(falseAlarms).toHaveLength(1);
    expect(match([], { drifts: [{ app: 'live', field: 'callback' }] }).falseAlarms).toHaveLength(1);
  });

  it('does not take one gap for two faults', () => {
    const again = { ...dropped, from: AT + 5 * SECOND, to: AT + 5 * SECOND };
    const { findings } = match([dropped, again], { gaps: [gap({})] });
    expect(findings.map(({ foundAs }) => foundAs === null)).toEqual([false, true]);
  });

  it('wants an outage of ours told for exactly the callbacks that nobody took', () => {
    const lost: TroubledCallback[] = [
      { app: 'live', stream: 'cam01', capturedAt: AT + SECOND, delayMs: null },
      { app: 'live', stream: 'cam02', capturedAt: AT + 2 * SECOND, delayMs: null },
    ];
    const told = ['cam01', 'cam02'].map((stream) => gap({ stream, cause: 'receiver_down', from: AT + SECOND }));
    expect(match([outage], { gaps: told }, lost).findings[0]!.foundAs).toBe('callback_missing × 2');
    expect(match([outage], { gaps: told.slice(1) }, lost).findings[0]!.foundAs).toBeNull();
    expect(match([outage], { gaps: told }, lost.slice(1)).findings[0]!.foundAs).toBeNull();
    // Taken, though the vendor never saw the answer.
    const taken = [{ app: 'live', stream: 'cam01', capturedAt: AT + SECOND }];
    expect(match([outage], { gaps: told.slice(1), told: taken }, lost).findings[0]!.foundAs).not.toBeNull();
  });

  it('wants a failed look at OSS told with its reason by an audit in it, and made good by a later one', () => {
    const fault: InjectedFault = { ...outage, fault: 'oss_timeout', expectedVerdict: null, expectedCause: null };
    const failed = audit(
      AT + SECOND,
      'List bucket "b" at http://localhost:1: no whole answer within 2000 ms; try later',
    );
    expect(match([fault], { audits: [failed, audit(AT + 30 * SECOND, null)] }).findings[0]!.foundAs).not.toBeNull();
    const another = audit(AT + SECOND, 'List bucket "b" at http://localhost:1: OSS answered SlowDown; try later');
    expect(match([fault], { audits: [another, audit(AT + 30 * SECOND, null)] }).findings[0]!.foundAs).toBeNull();
    const elsewhere = audit(AT + SECOND, 'Live API, DescribeLiveStreamSnapshotInfo: the service failed');
    expect(match([fault], { audits: [elsewhere, audit(AT + 30 * SECOND, null)] }).findings[0]!.foundAs).toBeNull();
    expect(match([fault], { audits: [failed] }).findings[0]!.foundAs).toBeNull();
    expect(match([fault], { audits: [audit(AT + SECOND, null)] }).findings[0]!.foundAs).toBeNull();
  });

  it('wants a callback that came twice to be kept once and to be good', () => {
    const fault: InjectedFault = { ...dropped, fault: 'callback_twice', expectedVerdict: 'ok', expectedCause: null };
    const capture = { app: 'live', stream: 'cam01', capturedAt: AT, deliveries: 2, verdict: 'ok' };
    expect(match([fault], { repeated: [capture] }).findings[0]!.foundAs).toBe('ok, kept once of 2');
    expect(match([fault], { repeated: [{ ...capture, verdict: 'late' }] }).findings[0]!.foundAs).toBeNull();
    expect(match([fault], {}).findings[0]!.foundAs).toBeNull();
  });

  it('does not call it a false alarm that a slow machine really delivered late', () => {
    const late = gap({ verdict: 'late', cause: 'late_delivery' });
    const slow = (delayMs: number | null) => [{ app: 'live', stream: 'cam01', capturedAt: AT, delayMs }];
    expect(match([], { gaps: [late] }, slow(13_000))).toMatchObject({ falseAlarms: [], explained: 1 });
    expect(match([], { gaps: [late] }, slow(null))).toMatchObject({ falseAlarms: [], explained: 1 });
    expect(match([], { gaps: [late] }, slow(5_000))).toMatchObject({ explained: 0 });
    expect(match([], { gaps: [late] }, slow(5_000)).falseAlarms).toHaveLength(1);
  });
});
