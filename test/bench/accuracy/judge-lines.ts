import { judgeEvidence } from '../../../src/usecases/judge-evidence.ts';
import type { Judged } from './compare.ts';

/** Has the evidence judged as `snapaudit judge` does, in this process. */
export async function judgeLines(lines: readonly string[]): Promise<Judged> {
  const { slots, coverage, gaps, excused, foreign } = await judgeEvidence(lines);
  return { slots, coverage, gaps: [...gaps, ...excused], foreign };
}
