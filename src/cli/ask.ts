import { createInterface } from 'node:readline/promises';
import type { CommandContext } from './command-context.ts';

/** A question with yes or no; only a typed `y` or `yes` is a yes. Where nobody can answer, it throws and says which flag answers. */
export async function confirmed(context: CommandContext, question: string): Promise<boolean> {
  if (!(context.stdin as { isTTY?: boolean }).isTTY) {
    throw new Error('Nobody is there to answer. Run it with --yes to agree to what is shown.');
  }
  const reader = createInterface({ input: context.stdin, output: context.stderr });
  try {
    return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `)).trim());
  } finally {
    reader.close();
  }
}
