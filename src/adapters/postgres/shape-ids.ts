import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { CaptureShape } from '../../core/capture-shape.ts';

const MAX_CACHED = 10_000;
const MAX_RECENT = 8;

export interface ShapeIds {
  /** Ids of these shapes, in their order; null where strangers have used up their allowance of new ones. */
  resolve(
    client: pg.ClientBase,
    shapes: readonly CaptureShape[],
    mayAdd: (index: number) => boolean,
  ): Promise<(number | null)[]>;
  /** The shapes of these ids. */
  read(client: Pick<pg.ClientBase, 'query'>, ids: Iterable<number>): Promise<Map<number, CaptureShape>>;
}

/** `strangersInAll`: how many new shapes unsigned callbacks may add in the life of this process. */
export function createShapeIds(options: { strangersInAll: number }): ShapeIds {
  const idsByText = new Map<string, number>();
  const shapesById = new Map<number, CaptureShape>();
  /** Those of the last kinds of body, whose shapes need not be put into words. */
  const recent: { shape: CaptureShape; id: number }[] = [];
  let strangers = 0;

  function remember(text: string, id: number): void {
    if (idsByText.size >= MAX_CACHED) idsByText.delete(idsByText.keys().next().value as string);
    idsByText.set(text, id);
  }

  function recentId(shape: CaptureShape): number | null {
    for (const each of recent) if (areSame(each.shape, shape)) return each.id;
    return null;
  }

  return {
    async resolve(client, shapes, mayAdd) {
      const ids: (number | null)[] = [];
      for (let index = 0; index < shapes.length; index++) {
        const shape = shapes[index]!;
        const recently = recentId(shape);
        if (recently !== null) {
          ids.push(recently);
          continue;
        }
        const text = textOf(shape);
        let id = idsByText.get(text) ?? null;
        if (id === null) {
          const fingerprint = createHash('sha256').update(text).digest('base64');
          id = await find(client, fingerprint);
          if (id === null && (mayAdd(index) || strangers++ < options.strangersInAll)) {
            await client.query(
              'insert into capture_shapes (fingerprint, shape) values ($1, $2) on conflict (fingerprint) do nothing',
              [fingerprint, JSON.stringify(shape)],
            );
            id = await find(client, fingerprint);
          }
          if (id !== null) remember(text, id);
        }
        if (id !== null && recent.unshift({ shape, id }) > MAX_RECENT) recent.pop();
        ids.push(id);
      }
      return ids;
    },
    async read(client, ids) {
      const wanted = [...new Set(ids)];
      const missing = wanted.filter((id) => !shapesById.has(id));
      if (missing.length > 0) {
        const { rows } = await client.query('select id, shape from capture_shapes where id = any($1::int[])', [
          missing,
        ]);
        for (const row of rows as { id: number; shape: CaptureShape }[]) shapesById.set(row.id, row.shape);
      }
      const found = new Map(wanted.map((id) => [id, shapesById.get(id)!]));
      if (shapesById.size > MAX_CACHED) shapesById.clear();
      return found;
    },
  };
}

async function find(client: pg.ClientBase, fingerprint: string): Promise<number | null> {
  const { rows } = await client.query('select id from capture_shapes where fingerprint = $1', [fingerprint]);
  return (rows[0] as { id: number } | undefined)?.id ?? null;
}

/** Bodies of one kind share their `keys`. */
function areSame(some: CaptureShape, other: CaptureShape): boolean {
  return (
    some.keys === other.keys &&
    some.bucket === other.bucket &&
    some.endpoint === other.endpoint &&
    some.template === other.template &&
    some.stamp === other.stamp &&
    some.toldForm === other.toldForm &&
    some.overlay === other.overlay &&
    some.instantFrom === other.instantFrom
  );
}

/** One text per shape; JSON.stringify of the whole would be the slowest step of a capture's way. */
function textOf(shape: CaptureShape): string {
  const { keys } = shape;
  return (
    `${keys.domain}\n${keys.app}\n${keys.stream}\n${keys.bucket}\n${keys.endpoint}\n${keys.object}\n${keys.capturedAt}\n${keys.overlay}\n` +
    `${shape.bucket}\n${shape.endpoint}\n${shape.template}\n${shape.stamp}\n${shape.toldForm}\n${shape.overlay}\n${shape.instantFrom}`
  );
}
