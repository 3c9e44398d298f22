import Table from 'cli-table3';
import type { Outcome } from './run-scenarios.ts';

interface ClassScore {
  class: string;
  expected: number;
  reported: number;
  right: number;
  precision: number;
  recall: number;
}

export interface Summary {
  scenarios: number;
  faultFree: number;
  windows: number;
  slots: number;
  evidenceLines: number;
  seconds: number;
  injected: Record<string, number>;
  matrix: Outcome['cells'];
  classes: ClassScore[];
  misses: number;
  /** The first hundred. */
  missed: Outcome['misses'];
}

export function summarise(outcome: Outcome, seconds: number): Summary {
  return {
    scenarios: outcome.scenarios,
    faultFree: outcome.faultFree,
    windows: outcome.windows,
    slots: outcome.slots,
    evidenceLines: outcome.lines,
    seconds: Math.round(seconds * 10) / 10,
    injected: outcome.injected,
    matrix: outcome.cells,
    classes: scoreClasses(outcome),
    misses: outcome.misses.length,
    missed: outcome.misses.slice(0, 100),
  };
}

function scoreClasses({ cells }: Outcome): ClassScore[] {
  const classes = new Set(cells.flatMap(({ expected, reported }) => [expected, reported]));
  const sum = (test: (cell: Outcome['cells'][number]) => boolean) =>
    cells.filter(test).reduce((total, { slots }) => total + slots, 0);
  return [...classes].sort().map((name) => {
    const expected = sum((cell) => cell.expected === name);
    const reported = sum((cell) => cell.reported === name);
    const right = sum((cell) => cell.expected === name && cell.reported === name);
    return {
      class: name,
      expected,
      reported,
      right,
      precision: reported === 0 ? 1 : right / reported,
      recall: expected === 0 ? 1 : right / expected,
    };
  });
}

export function printOutcome(outcome: Outcome, seconds: number): string {
  const bare = { style: { head: [], border: [], compact: true } };
  const matrix = new Table({ head: ['injected', 'is', 'reported as', 'slots'], ...bare });
  const order = [...outcome.cells].sort((one, other) => (key(one) < key(other) ? -1 : 1));
  for (const { injected, expected, reported, slots } of order) matrix.push([injected, expected, reported, slots]);
  const classes = new Table({ head: ['verdict/cause', 'slots', 'precision', 'recall'], ...bare });
  for (const { class: name, expected, precision, recall } of scoreClasses(outcome)) {
    classes.push([name, expected, precision.toFixed(3), recall.toFixed(3)]);
  }
  const injected = Object.entries(outcome.injected)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
  const misses = outcome.misses.slice(0, 40).map(({ seed, what }) => `  seed ${seed}: ${what}`);
  if (outcome.misses.length > misses.length) misses.push(`  … and ${outcome.misses.length - misses.length} more`);
  return [
    matrix.toString(),
    classes.toString(),
    `injected: ${injected}`,
    `${outcome.scenarios} scenarios (${outcome.faultFree} without faults) in ${outcome.windows} windows, ${outcome.slots} slots, ${outcome.lines} lines of evidence, ${seconds.toFixed(1)} s`,
    ...(misses.length > 0 ? [`${outcome.misses.length} differences:`, ...misses] : []),
    outcome.misses.length === 0 ? 'every verdict right' : `${outcome.misses.length} wrong`,
    '',
  ].join('\n');
}

const key = (cell: Outcome['cells'][number]) => `${cell.injected} ${cell.expected} ${cell.reported}`;
