import type { GapView } from '../usecases/query-gaps.ts';
import type { Observed, TroubledCallback } from './demo-handle.ts';
import type { InjectedFault, OrderedFault } from './sandbox-handle.ts';

export interface Finding {
  injected: string;
  /** False: it was ordered and never happened, so that nothing can be said about finding it. */
  happened: boolean;
  /** What the service said; null where it has not found it (yet). */
  foundAs: string | null;
  cause: string;
  where: string;
}

export interface Matched {
  findings: Finding[];
  /** One sentence for each thing that was reported and never injected. */
  falseAlarms: string[];
  /** Slots that were reported, not injected, and yet true: a slow machine delivered their callbacks late or not at all. */
  explained: number;
}

/** How long after an outage of an endpoint a call that had begun in it may still fail. */
const ECHO_MS = 8_000;

/** Everything ordered has happened and was found as what it is, and nothing else was reported. */
export function isClean({ findings, falseAlarms }: Pick<Matched, 'findings' | 'falseAlarms'>): boolean {
  return falseAlarms.length === 0 && findings.length > 0 && findings.every(({ foundAs }) => foundAs !== null);
}

/** Holds what the service found against what was injected: each fault must be found as what it is, and nothing else be reported. */
export function matchFindings(
  injected: readonly InjectedFault[],
  notInjected: readonly OrderedFault[],
  troubled: readonly TroubledCallback[],
  observed: Observed,
  terms: { intervalSeconds: number; lateAfterSeconds: number },
): Matched {
  const bench: Bench = {
    observed,
    lost: troubled.filter((each) => each.delayMs === null && !wasTold(each, observed)),
    slackMs: 1.5 * terms.intervalSeconds * 1_000,
    tooFast: new Set(
      injected.filter(({ fault }) => fault === 'beat_faster').map(({ app, stream }) => `${app}/${stream}`),
    ),
    gapsLeft: new Set(observed.gaps),
    driftsLeft: new Set(observed.drifts),
  };
  const findings = [
    ...injected.map((fault) => ({ injected: nameOf(fault), happened: true, ...find(fault, bench) })),
    ...notInjected.map((order) => ({
      injected: wordsOf(order),
      happened: false,
      foundAs: null,
      cause: '-',
      where: order.stream === null ? (order.app ?? '-') : `${order.app}/${order.stream}`,
    })),
  ];
  const explained = takeExplained(bench, troubled, terms.lateAfterSeconds);
  const falseAlarms = [
    ...[...bench.gapsLeft].map(
      (gap) => `${gap.app}/${gap.stream} ${clock(gap.from)} ${gap.slots} × ${gap.verdict} (${gap.cause ?? '-'})`,
    ),
    ...[...bench.driftsLeft].map(({ app, field }) => `config of ${app ?? 'the domain'}: ${field} differs`),
  ];
  return { findings, falseAlarms, explained };
}

/** We have its callback, though the vendor never saw our answer: we went down in between, or were too slow. */
function wasTold({ app, stream, capturedAt }: TroubledCallback, { told }: Observed): boolean {
  return told.some(
    (each) => each.app === app && each.stream === stream && Math.abs(each.capturedAt - capturedAt) < 1_000,
  );
}

/** What is left is true all the same where each slot had a callback that really was late, or lost. */
function takeExplained(bench: Bench, troubled: readonly TroubledCallback[], lateAfterSeconds: number): number {
  const isTrue = (gap: GapView) => {
    const own = troubled.filter(
      ({ app, stream, capturedAt }) =>
        app === gap.app && stream === gap.stream && capturedAt >= gap.from - 1_000 && capturedAt < gap.to,
    );
    // What the vendor measures includes the answer's way back; one that it gave up we may have all the same, and late.
    const late = own.filter(({ delayMs }) => delayMs === null || delayMs > (lateAfterSeconds - 1) * 1_000);
    const lost = own.filter(({ delayMs }) => delayMs === null);
    if (gap.verdict === 'late') return late.length >= gap.slots;
    return gap.verdict === 'callback_missing' && lost.length >= gap.slots;
  };
  return count(take(bench, isTrue));
}

interface Bench {
  observed: Observed;
  lost: readonly TroubledCallback[];
  slackMs: number;
  /** Streams, as `app/stream`, that are captured more often than configured. */
  tooFast: ReadonlySet<string>;
  gapsLeft: Set<GapView>;
  driftsLeft: Set<Observed['drifts'][number]>;
}

type Found = Omit<Finding, 'injected' | 'happened'>;

function find(fault: InjectedFault, bench: Bench): Found {
  switch (fault.fault) {
    case 'receiver_down':
      return findOutage(fault, bench);
    case 'callback_url_changed':
      return findMoved(fault, bench);
    case 'interval_changed':
      return findDrift(fault, 'intervalSeconds', bench);
    case 'callback_twice':
      return findRepeated(fault, bench);
    case 'oss_unavailable':
    case 'oss_throttled':
    case 'oss_timeout':
      return findFailedAudit(fault, OSS_REASONS[fault.fault], bench);
    case 'live_unavailable':
    case 'live_throttled':
    case 'live_timeout':
      return findUnknown(fault, bench);
    default:
      return findSlots(fault, bench);
  }
}

/** A run of slots of one stream. A beat that drifted is one finding; how many slots it makes is told only roughly. */
function findSlots(fault: InjectedFault, bench: Bench): Found {
  const rough = fault.fault === 'beat_slower' || fault.fault === 'beat_faster';
  const where = placeOf(fault);
  const gaps = take(bench, (gap) => isExpected(gap, fault) && overlaps(gap, fault, bench.slackMs));
  const slots = count(gaps);
  const right = rough ? slots >= fault.captures / 3 : slots === fault.captures;
  return { ...said(gaps, right), where };
}

function findRepeated(fault: InjectedFault, { observed, slackMs }: Bench): Found {
  const capture = observed.repeated.find(
    (each) => isOf(each, fault) && Math.abs(each.capturedAt - fault.from) < slackMs,
  );
  const right = capture?.verdict === 'ok';
  return {
    foundAs: right ? `ok, kept once of ${capture.deliveries}` : null,
    cause: '-',
    where: placeOf(fault),
  };
}

/** Each stream that was on air must have lost exactly the callbacks that nobody took. */
function findOutage(fault: InjectedFault, bench: Bench): Found {
  const untaken = bench.lost.filter(({ capturedAt }) => capturedAt < fault.to && capturedAt >= fault.from - 35_000);
  const gaps = take(bench, (gap) => gap.cause === 'receiver_down' && overlaps(gap, fault, 35_000));
  const nameOfStream = ({ app, stream }: { app: string; stream: string }) => `${app}/${stream}`;
  const names = new Set([...untaken, ...gaps].map(nameOfStream));
  const right = [...names].every((name) => {
    const slots = count(gaps.filter((gap) => nameOfStream(gap) === name));
    const captures = untaken.filter((each) => nameOfStream(each) === name).length;
    // Where there are more captures than slots, those that are too many are told as such.
    return bench.tooFast.has(name) ? slots > 0 && slots <= captures : slots === captures;
  });
  const where = `${names.size} streams ${clock(fault.from)}`;
  return { ...said(gaps, right), where };
}

/** Two things to be seen: the config differs from the settings, and the next session's callbacks went elsewhere. */
function findMoved(fault: InjectedFault, bench: Bench): Found {
  const drift = findDrift(fault, 'callback', bench);
  const elsewhere = bench.lost.filter(({ app, capturedAt }) => app === fault.app && capturedAt > fault.from);
  const gaps = take(bench, (gap) => gap.cause === 'callback_not_ours' && gap.app === fault.app && gap.to > fault.from);
  const right = drift.foundAs !== null && elsewhere.length > 0 && count(gaps) === elsewhere.length;
  return { ...said(gaps, right), where: `app ${fault.app}, and its config` };
}

function findDrift(fault: InjectedFault, field: string, { driftsLeft }: Bench): Found {
  const drift = [...driftsLeft].find((each) => each.app === fault.app && each.field === field);
  if (drift) driftsLeft.delete(drift);
  return { foundAs: drift ? 'config drifted' : null, cause: drift ? field : '-', where: `app ${fault.app}` };
}

/** What an audit says of a bucket that it could not look at. */
const OSS_REASONS = {
  oss_unavailable: /: OSS answered 5\d\d/,
  oss_throttled: /: OSS answered SlowDown/,
  oss_timeout: /: no whole answer within/,
};

/** An audit that could not look says so and why, and does not call anything missing; one after it has looked at the rest. */
function findFailedAudit(fault: InjectedFault, reason: RegExp, { observed }: Bench): Found {
  const during = observed.audits.filter(
    ({ startedAt, finishedAt, error }) =>
      error?.includes('bucket') && startedAt < fault.to && (finishedAt ?? observed.now) > fault.from,
  );
  const failed = during.find(({ error }) => reason.test(error ?? ''));
  const madeGood = observed.audits.some(
    ({ error, status, startedAt }) => failed && error === null && status === 'done' && startedAt > failed.startedAt,
  );
  const others = [...new Set(during.map(({ error }) => reasonIn(error ?? '')))];
  return {
    foundAs: failed && madeGood ? 'audit could not look, caught up' : null,
    cause: failed?.error ? reasonIn(failed.error) : others.length > 0 ? `only ${others.join(', ')}` : '-',
    where: `OSS ${clock(fault.from)}`,
  };
}

function findUnknown(fault: InjectedFault, { observed }: Bench): Found {
  const seen = observed.unknownConfigsAt.some((at) => at >= fault.from && at <= fault.to + ECHO_MS);
  const last = observed.unknownConfigsAt.at(-1) ?? 0;
  const over = observed.now - last > ECHO_MS;
  return {
    foundAs: seen && over ? 'configs unknown, then known again' : null,
    cause: '-',
    where: `Live OpenAPI ${clock(fault.from)}`,
  };
}

function take(bench: Bench, test: (gap: GapView) => boolean): GapView[] {
  const taken = [...bench.gapsLeft].filter(test);
  for (const gap of taken) bench.gapsLeft.delete(gap);
  return taken;
}

/** How the gaps are told in the table; not found where their slots do not add up. */
function said(gaps: readonly GapView[], right: boolean): Pick<Finding, 'foundAs' | 'cause'> {
  const [first] = gaps;
  if (!first) return { foundAs: null, cause: '-' };
  const told = `${first.verdict} × ${count(gaps)}`;
  return { foundAs: right ? told : null, cause: right ? (first.cause ?? '-') : `only ${told}` };
}

function isExpected(gap: GapView, fault: InjectedFault): boolean {
  return isOf(gap, fault) && gap.verdict === fault.expectedVerdict && gap.cause === fault.expectedCause;
}

function isOf(one: { app: string; stream: string }, fault: InjectedFault): boolean {
  return one.app === fault.app && one.stream === fault.stream;
}

function overlaps(gap: { from: number; to: number }, fault: { from: number; to: number }, slackMs: number): boolean {
  return gap.from <= fault.to + slackMs && gap.to >= fault.from - slackMs / 3;
}

const count = (gaps: readonly { slots: number }[]) => gaps.reduce((sum, { slots }) => sum + slots, 0);
const clock = (at: number) => new Date(at).toISOString().slice(11, 19);
const placeOf = (fault: InjectedFault) => `${fault.app}/${fault.stream} ${clock(fault.from)}`;
/** Of "List … at http://…: OSS answered 503; what to do" the part in the middle. */
const reasonIn = (sentence: string) => (sentence.split(': ').at(-1) ?? sentence).split(';')[0] ?? sentence;

const wordsOf = ({ fault }: OrderedFault) => fault.replaceAll('_', ' ');

function nameOf(fault: InjectedFault): string {
  const words = wordsOf(fault);
  return fault.captures > 1 && !fault.fault.startsWith('beat') ? `${words} × ${fault.captures}` : words;
}
