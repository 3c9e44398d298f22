import type { BroadcastPlan, PlannedSession, PlannedSlot, Span } from '../../../src/sandbox/broadcast/plan.ts';

/** What `snapaudit judge --format json` prints. */
export interface Judged {
  slots: Record<string, number>;
  coverage: number | null;
  gaps: ReportedGap[];
  foreign: { bucket: string; prefix: string; count: number }[];
}

export interface ReportedGap {
  domain: string;
  app: string;
  stream: string;
  from: number;
  to: number;
  count: number;
  verdict: string;
  cause: string | null;
  /** Given where both modes were on. */
  mode?: 'sequence' | 'overwrite';
}

/** Cells of the confusion matrix: what was injected (`nothing` for an undisturbed slot) × what was reported. */
export interface Cell {
  injected: string;
  expected: string;
  reported: string;
  slots: number;
}

export interface Comparison {
  cells: Cell[];
  /** One sentence for each difference that the tolerances do not cover. */
  misses: string[];
}

/** How many slots a run at an edge of a session may be off: a late first image; the vendor's 10 s and a cut-off last slot. */
const EDGE_TOLERANCE = { head: 1, tail: 3, whole: 4 };

interface TruthRun {
  key: string;
  label: string;
  slots: PlannedSlot[];
  least: number;
  most: number;
  /** Judged in more than one window: several gaps add up. */
  cut: boolean;
}

/** Holds what was reported against the ground truth, run by run. `windows` are the windows that were judged one by one. */
export function compare(plan: BroadcastPlan, windows: Span[], judged: Judged[]): Comparison {
  const comparison: Comparison = { cells: [], misses: [] };
  const reported = judged.flatMap(({ gaps }) => gaps);
  const left = new Set(reported);
  for (const session of plan.sessions) {
    const own = reported.filter((gap) => sessionOf(plan, gap) === session);
    if (session.beatSeconds !== session.config.intervalSeconds)
      compareDrift(plan, windows, session, own, left, comparison);
    compareRuns(session, truthRuns(plan, session, windows), own, left, comparison);
    forgiveUncertain(session, own, left);
  }
  for (const stray of plan.strays) {
    const gap = [...left].find(
      (candidate) =>
        isOf(candidate, stray.stream) &&
        candidate.from <= stray.capturedAt &&
        stray.capturedAt - candidate.from < 1_000,
    );
    const expected = classOf(stray.expected);
    if (gap) left.delete(gap);
    addCell(comparison, 'capture_outside_session', expected, gap ? classOf(gap) : 'ok', 1);
    if (!gap || classOf(gap) !== expected) {
      comparison.misses.push(
        `${nameOf(stray.stream)}: a capture outside any session, found as ${gap ? classOf(gap) : 'nothing'}`,
      );
    }
  }
  for (const gap of left) {
    addCell(comparison, 'nothing', 'ok', classOf(gap), gap.count);
    comparison.misses.push(`false alarm: ${describe(gap)}`);
  }
  compareForeign(plan, judged, comparison);
  compareGood(plan, judged, comparison);
  return comparison;
}

function truthRuns(plan: BroadcastPlan, session: PlannedSession, windows: Span[]): TruthRun[] {
  const runs: TruthRun[] = [];
  let open = null as TruthRun | null;
  let uncertainJustBefore = 0;
  for (const slot of session.slots) {
    const key = classOf(slot.expected);
    const outside = slot.visibleAt < plan.from || slot.visibleAt >= plan.to;
    // One finding for the session, beside the runs of the others: it parts none of them.
    if (isDrift(slot)) continue;
    if (!slot.uncertain && (outside || key === 'ok' || key === 'pending')) {
      open = null;
      uncertainJustBefore = 0;
      continue;
    }
    if (slot.uncertain) {
      uncertainJustBefore += 1;
      // It may belong to the run before it and to the one after it, or to none.
      if (open) open.most += 1;
      if (key !== 'ok' && key !== 'pending' && open?.key !== key) {
        open = { key, label: labelOf(session, slot), slots: [slot], least: 0, most: 1, cut: false };
        runs.push(open);
      } else if (!open) {
        open = { key: 'any', label: '', slots: [slot], least: 0, most: 1, cut: false };
        runs.push(open);
      }
      continue;
    }
    if (open === null || (open.key !== key && open.key !== 'any')) {
      open = { key, label: labelOf(session, slot), slots: [], least: 0, most: uncertainJustBefore, cut: false };
      runs.push(open);
    } else if (open.key === 'any') {
      open.key = key;
      open.label = labelOf(session, slot);
    }
    uncertainJustBefore = 0;
    open.slots.push(slot);
    open.least += 1;
    open.most += 1;
  }
  for (const run of runs) {
    const first = run.slots[0]!.visibleAt;
    const last = run.slots.at(-1)!.visibleAt;
    const interval = session.config.intervalSeconds * 1_000;
    run.cut = windows.some(({ from }) => first - interval < from && from <= last + interval);
    // Of captures twice as dense as they should be, every second one is too many: which of the two, nobody can say.
    if (session.beatSeconds < session.config.intervalSeconds) {
      run.least = Math.max(0, run.least - 1);
      run.most += 1;
    }
    const edge = run.slots.map((slot) => slot.edge).find((side) => side !== null);
    if (edge) {
      run.least = Math.max(0, run.least - EDGE_TOLERANCE[edge]);
      run.most += EDGE_TOLERANCE[edge];
    }
  }
  return runs;
}

function compareRuns(
  session: PlannedSession,
  runs: TruthRun[],
  own: ReportedGap[],
  left: Set<ReportedGap>,
  comparison: Comparison,
): void {
  const interval = session.config.intervalSeconds * 1_000;
  for (const run of runs) {
    const slack = (run.slots.some(({ edge }) => edge !== null) ? 5 : 1.5) * interval;
    const first = run.slots[0]!.visibleAt - slack;
    const last = run.slots.at(-1)!.visibleAt + slack;
    const matching = own.filter(
      (gap) =>
        left.has(gap) && (run.key === 'any' || classOf(gap) === run.key) && gap.from >= first && gap.from <= last,
    );
    const taken = run.cut ? matching : matching.slice(0, 1);
    for (const gap of taken) left.delete(gap);
    const found = taken.reduce((sum, { count }) => sum + count, 0);
    const right = found >= run.least && found <= run.most;
    if (run.key !== 'any') {
      addCell(comparison, run.label, run.key, run.key, Math.min(run.slots.length, right ? run.slots.length : found));
    }
    if (right) continue;
    const instead = own.find(
      (gap) =>
        left.has(gap) &&
        gap.from <= run.slots.at(-1)!.visibleAt + interval / 2 &&
        gap.to > run.slots[0]!.visibleAt - interval / 2,
    );
    if (found < run.least)
      addCell(comparison, run.label, run.key, instead ? classOf(instead) : 'ok', run.slots.length - found);
    comparison.misses.push(
      `${nameOf(session.stream)} ${instant(run.slots[0]!.visibleAt)}: ${run.label} of ${run.slots.length} slots as ${run.key}, found ${found} of ${run.least}..${run.most}${instead ? `, but ${describe(instead)}` : ''}`,
    );
  }
}

/** A slot at the very edge of a span is right on either side of it: alone, it may be told as what it would be without the span. */
function forgiveUncertain(session: PlannedSession, own: ReportedGap[], left: Set<ReportedGap>): void {
  for (const { uncertain, visibleAt } of session.slots) {
    if (!uncertain) continue;
    const gap = own.find((each) => left.has(each) && each.count === 1 && Math.abs(each.from - visibleAt) <= 1_500);
    if (gap) left.delete(gap);
  }
}

/** A drift is one finding for its session; its slots are counted as a whole. */
function compareDrift(
  plan: BroadcastPlan,
  windows: Span[],
  session: PlannedSession,
  own: ReportedGap[],
  left: Set<ReportedGap>,
  comparison: Comparison,
): void {
  const inWindow = session.slots.filter(({ visibleAt }) => visibleAt >= plan.from && visibleAt < plan.to);
  const multiple = session.beatSeconds / session.config.intervalSeconds;
  const faster = multiple < 1;
  // At a beat of 1.5 intervals a slot is lost every now and then, and no slot of the plan stands for it.
  const betweenSlots = !faster && !Number.isInteger(multiple);
  const slots = betweenSlots ? Math.round(inWindow.length * (multiple - 1)) : inWindow.filter(isDrift).length;
  const tolerance = EDGE_TOLERANCE.head + EDGE_TOLERANCE.tail;
  const found = own.filter((gap) => gap.cause === 'interval_drift');
  for (const gap of found) left.delete(gap);
  const count = found.reduce((sum, gap) => sum + gap.count, 0);
  const label = faster ? 'beat_faster' : 'beat_slower';
  const expected = faster ? 'unexpected/interval_drift' : 'not_captured/interval_drift';
  for (const { from, to } of windows) {
    const findings = found.filter((gap) => gap.from >= from && gap.from < to);
    if (findings.length > 1)
      comparison.misses.push(`${label} told as ${findings.length} findings: ${findings.map(describe).join(', ')}`);
  }
  if (Math.abs(count - slots) <= tolerance) {
    addCell(comparison, label, expected, expected, slots);
    return;
  }
  addCell(comparison, label, expected, expected, Math.min(count, slots));
  const other = own.find((gap) => gap.cause !== 'interval_drift');
  addCell(comparison, label, expected, other ? classOf(other) : 'ok', Math.abs(slots - count));
  comparison.misses.push(
    `${nameOf(session.stream)} ${instant(session.startedAt)}: ${label} over ${slots} slots, found ${count}${other ? `, also ${describe(other)}` : ''}`,
  );
}

function compareForeign(plan: BroadcastPlan, judged: Judged[], comparison: Comparison): void {
  for (const [order, { foreign }] of judged.entries()) {
    const count = foreign.reduce((sum, each) => sum + each.count, 0);
    if (count !== plan.foreign.length) {
      comparison.misses.push(
        `window ${order}: ${plan.foreign.length} foreign objects, found ${JSON.stringify(foreign)}`,
      );
    }
  }
}

/** The good slots are counted too: a judge that saw nothing would raise no false alarm either. */
function compareGood(plan: BroadcastPlan, judged: Judged[], comparison: Comparison): void {
  let good = 0;
  let doubt = 0;
  for (const slot of plan.sessions.flatMap(({ slots }) => slots)) {
    if (slot.uncertain) doubt += 1;
    else if (slot.expected.verdict === 'ok' && slot.visibleAt >= plan.from && slot.visibleAt < plan.to) good += 1;
  }
  // Which of the captures of a beat that is twice too fast are its slots, nobody can say.
  const fast = plan.sessions.filter(({ beatSeconds, config }) => beatSeconds < config.intervalSeconds).length;
  const found = judged.reduce((sum, { slots }) => sum + (slots.ok ?? 0), 0);
  if (found < good - fast || found > good + doubt + fast) comparison.misses.push(`${good} good slots, found ${found}`);
  addCell(comparison, 'nothing', 'ok', 'ok', Math.min(found, good));
}

function labelOf(session: PlannedSession, slot: PlannedSlot): string {
  switch (slot.expected.cause) {
    case 'receiver_down':
    case 'listing_failed':
    case 'index_failed':
      return slot.expected.cause;
    case 'callback_not_ours':
      return 'callback_url_changed';
    case 'object_expired':
      return 'object_expired';
    default:
      return slot.faults.join('+') || (session.ours ? 'nothing' : 'callback_url_changed');
  }
}

function sessionOf(plan: BroadcastPlan, gap: ReportedGap): PlannedSession | undefined {
  return plan.sessions.findLast(
    ({ stream, mode, startedAt, endedAt }) =>
      isOf(gap, stream) &&
      (gap.mode ?? mode) === mode &&
      gap.from >= startedAt &&
      gap.from <= (endedAt ?? plan.now) + 1_000,
  );
}

function isDrift(slot: PlannedSlot): boolean {
  return slot.expected.cause === 'interval_drift';
}

function isOf(gap: ReportedGap, stream: { domain: string; app: string; stream: string }): boolean {
  return gap.domain === stream.domain && gap.app === stream.app && gap.stream === stream.stream;
}

function addCell(comparison: Comparison, injected: string, expected: string, reported: string, slots: number): void {
  if (slots > 0) comparison.cells.push({ injected, expected, reported, slots });
}

const instant = (at: number) => new Date(at).toISOString();
const classOf = ({ verdict, cause }: { verdict: string; cause: string | null }) =>
  cause === null || verdict === 'excused' ? verdict : `${verdict}/${cause}`;
const nameOf = (stream: { domain: string; app: string; stream: string }) =>
  `${stream.domain}/${stream.app}/${stream.stream}`;
const describe = (gap: ReportedGap) =>
  `${nameOf(gap)} ${instant(gap.from)}..${instant(gap.to)} ${gap.count} × ${classOf(gap)}`;
