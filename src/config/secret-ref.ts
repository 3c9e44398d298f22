import { z } from 'zod';

/** Where a secret of the settings file comes from. The value itself stays out of the parsed settings where it can. */
export type SecretRef = { env: string } | { file: string } | { value: string };

/** Reads the outside world for `resolveSecret`. `config/env.ts` is the one that reads `process.env`. */
export interface SecretSource {
  variable(name: string): string | undefined;
  /** Throws where the file cannot be read. */
  file(path: string): string;
}

/**
 * A secret is written `{ env: NAME }`, `{ file: /run/secrets/name }`, `${NAME}` (short for the first) or, for a try-out,
 * as plain text.
 */
export function secretRef() {
  const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of an environment variable');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: people write it so
  const hint = 'a secret: write { env: NAME }, { file: PATH } or "${NAME}"';
  return z.union(
    [
      z.strictObject({ env: name }),
      z.strictObject({ file: z.string().min(1) }),
      z
        .string()
        .min(1)
        .transform((text): SecretRef => {
          const variable = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(text)?.[1];
          return variable ? { env: variable } : { value: text };
        }),
    ],
    { error: hint },
  );
}

/** The secret, trimmed. Throws an `Error` that names the source, never the value. */
export function resolveSecret(ref: SecretRef, source: SecretSource): string {
  if ('value' in ref) return ref.value;
  if ('env' in ref) {
    const value = source.variable(ref.env)?.trim();
    if (!value) throw new Error(`the environment variable ${ref.env} is not set`);
    return value;
  }
  let text: string;
  try {
    text = source.file(ref.file);
  } catch (error) {
    throw new Error(`${ref.file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
  }
  const value = text.trim();
  if (!value) throw new Error(`${ref.file} is empty`);
  return value;
}
