/** The five-character SQLSTATE of a server error or of `OutOfRangeError`; null for anything else, e.g. a broken connection. */
export function sqlStateOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** The data of the statement is at fault (classes 22, 23, 54): trying again with the same data cannot help. */
export function isDataError(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== null && /^(22|23|54)/.test(state);
}

/** Two transactions were in each other's way: trying again helps. */
export function isConflict(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === '40001' || state === '40P01';
}

/** A row with this key is there already. */
export function isUniqueViolation(error: unknown): boolean {
  return sqlStateOf(error) === '23505';
}
