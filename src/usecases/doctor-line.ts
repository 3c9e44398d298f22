import { CouldNotLookError, LiveApiError } from '../ports.ts';

/** One check and how it ended; `remedy` says what to do about a warning or a failure. */
export interface DoctorLine {
  check: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  remedy: string | null;
}

export const ok = (check: string, detail: string): DoctorLine => ({ check, status: 'ok', detail, remedy: null });
export const warn = (check: string, detail: string, remedy: string): DoctorLine => ({
  check,
  status: 'warn',
  detail,
  remedy,
});
export const fail = (check: string, detail: string, remedy: string): DoctorLine => ({
  check,
  status: 'fail',
  detail,
  remedy,
});

/** A failure's sentence; ours already say what to do. */
export function failure(check: string, error: unknown, remedy = 'See the sentence before.'): DoctorLine {
  if (error instanceof CouldNotLookError || error instanceof LiveApiError) return fail(check, error.message, remedy);
  return fail(check, error instanceof Error ? reasonOf(error) : String(error), remedy);
}

/** `fetch` says only "fetch failed"; the reason is in its cause. */
function reasonOf(error: Error): string {
  const cause = error.cause as { code?: unknown; message?: unknown } | undefined;
  return String(cause?.code ?? cause?.message ?? error.message);
}
