import pg from 'pg';

/**
 * A compiled query with its parameters written into the text, for COPY, which takes none. The text must come from our own
 * templates with every value as a parameter, so that `$n` in it can be nothing else.
 */
export function inlineParameters({ sql, parameters }: { sql: string; parameters: readonly unknown[] }): string {
  return sql.replace(/\$(\d+)/g, (_, number: string) => literal(parameters[Number(number) - 1]));
}

function literal(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return pg.escapeLiteral(value);
  if (Array.isArray(value)) return `array[${value.map(literal).join(',')}]`;
  throw new Error('COPY cannot take a value of this type.');
}
