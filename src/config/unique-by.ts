import type { z } from 'zod';

/** No two entries of a list with the same name. */
export function uniqueBy<Name extends string>(
  name: Name,
  { spelling = (text: string) => text, remedy = 'keep one' } = {},
) {
  return {
    check(entries: readonly { [Key in Name]: string }[], context: z.RefinementCtx): void {
      const seen = new Set<string>();
      for (const [index, entry] of entries.entries()) {
        const given: unknown = entry?.[name];
        if (typeof given !== 'string') continue;
        if (seen.has(spelling(given))) {
          context.addIssue({ code: 'custom', path: [index, name], message: `"${given}" stands here twice; ${remedy}` });
        }
        seen.add(spelling(given));
      }
    },
    // Beside other mistakes too.
    params: { when: ({ value }: { value: unknown }) => Array.isArray(value) },
  };
}
