/** Undefined for what is not JSON. A byte order mark is passed over. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    return undefined;
  }
}

/**
 * As `JSON.parse`, but a number that JavaScript would write differently keeps its digits, so that `JSON.stringify` gives back what
 * came. Not for values nested thousands deep (`isDeeperThan`).
 */
export function parseExactly(text: string): unknown {
  const reviver = (_key: string, parsed: unknown, context?: { source?: string }): unknown =>
    typeof parsed === 'number' && context?.source !== undefined && String(parsed) !== context.source
      ? rawJson(context.source)
      : parsed;
  return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text, reviver);
}

export function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((item) => isDeeperThan(item, depth - 1));
}

/** ES2026; TypeScript does not know it yet. */
function rawJson(source: string): unknown {
  return (JSON as unknown as { rawJSON(source: string): unknown }).rawJSON(source);
}
