import { planBroadcast } from '../../../src/sandbox/broadcast/broadcast-plan.ts';
import type { BroadcastPlan, Span } from '../../../src/sandbox/broadcast/plan.ts';
import { Random } from '../../../src/sandbox/broadcast/random.ts';
import { type Cell, compare, type Judged } from './compare.ts';
import { judgeLines } from './judge-lines.ts';
import { renderEvidence } from './render-evidence.ts';

export interface Outcome {
  scenarios: number;
  faultFree: number;
  windows: number;
  slots: number;
  lines: number;
  cells: Cell[];
  /** Wrong answers, each with the seed that repeats it. */
  misses: { seed: number; what: string }[];
  injected: Record<string, number>;
}

/** Every n-th scenario is free of faults, every m-th is judged in several windows. */
export interface Mix {
  faultFreeEvery: number;
  windowedEvery: number;
}

export async function runScenarios(seeds: readonly number[], mix: Mix): Promise<Outcome> {
  const outcome: Outcome = {
    scenarios: 0,
    faultFree: 0,
    windows: 0,
    slots: 0,
    lines: 0,
    cells: [],
    misses: [],
    injected: {},
  };
  const cells = new Map<string, Cell>();
  for (const seed of seeds) {
    const plan = planBroadcast({ seed, faultFree: seed % mix.faultFreeEvery === 0 });
    const windows = seed % mix.windowedEvery === 1 ? cutWindow(plan) : [{ from: plan.from, to: plan.to }];
    const judged: Judged[] = [];
    for (const window of windows) {
      const lines = renderEvidence(plan, window);
      outcome.lines += lines.length;
      judged.push(await judgeLines(lines));
    }
    const comparison = compare(plan, windows, judged);
    outcome.scenarios += 1;
    outcome.faultFree += plan.faultFree ? 1 : 0;
    outcome.windows += windows.length;
    outcome.slots += plan.sessions.reduce((sum, { slots }) => sum + slots.length, 0);
    for (const { kind } of plan.faults) outcome.injected[kind] = (outcome.injected[kind] ?? 0) + 1;
    for (const what of comparison.misses) outcome.misses.push({ seed, what });
    mergeCells(cells, comparison.cells);
  }
  outcome.cells = [...cells.values()];
  return outcome;
}

export function mergeOutcomes(outcomes: readonly Outcome[]): Outcome {
  const [first, ...others] = outcomes;
  if (!first) throw new RangeError('nothing was run');
  const cells = new Map<string, Cell>();
  mergeCells(cells, first.cells);
  const merged: Outcome = { ...first, misses: [...first.misses], injected: { ...first.injected } };
  for (const other of others) {
    for (const count of ['scenarios', 'faultFree', 'windows', 'slots', 'lines'] as const) merged[count] += other[count];
    merged.misses.push(...other.misses);
    for (const [kind, count] of Object.entries(other.injected))
      merged.injected[kind] = (merged.injected[kind] ?? 0) + count;
    mergeCells(cells, other.cells);
  }
  merged.misses.sort((one, other) => one.seed - other.seed);
  merged.cells = [...cells.values()];
  return merged;
}

function mergeCells(into: Map<string, Cell>, cells: readonly Cell[]): void {
  for (const cell of cells) {
    const id = `${cell.injected} ${cell.expected} ${cell.reported}`;
    const known = into.get(id);
    if (known) known.slots += cell.slots;
    else into.set(id, { ...cell });
  }
}

/** Neighbouring windows of uneven length, which cut runs wherever it happens. */
function cutWindow(plan: BroadcastPlan): Span[] {
  const random = new Random(plan.seed ^ 0xc07);
  const edges = new Set([plan.from, plan.to]);
  for (let cuts = random.int(1, 5); cuts > 0; cuts -= 1)
    edges.add(random.int(plan.from / 1_000 + 60, plan.to / 1_000 - 60) * 1_000);
  const sorted = [...edges].sort((one, other) => one - other);
  return sorted.slice(1).map((to, index) => ({ from: sorted[index]!, to }));
}
