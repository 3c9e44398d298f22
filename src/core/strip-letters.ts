import type { Verdict } from './verdict.ts';

/** One character a verdict, for strips of hours: `.` stands for an hour in which nothing was due. */
export const STRIP_LETTERS: Record<Verdict, string> = {
  not_captured: 'n',
  object_missing: 'o',
  callback_missing: 'c',
  misnamed: 'm',
  late: 'l',
  unknown: 'u',
  excused: 'e',
  unexpected: 'x',
  pending: 'p',
  ok: 'k',
};

const VERDICT_OF = new Map(Object.entries(STRIP_LETTERS).map(([verdict, letter]) => [letter, verdict as Verdict]));

/** null for `.` and for anything that is no letter of ours. */
export function verdictOfLetter(letter: string): Verdict | null {
  return VERDICT_OF.get(letter) ?? null;
}
