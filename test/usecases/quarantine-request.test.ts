import { expect, it } from 'vitest';
import { NAMES_NOT_KEPT } from '../../src/core/quarantine-reason.ts';
import type { QuarantineEntry } from '../../src/ports.ts';
import { OverloadedError } from '../../src/usecases/group-commit.ts';
import { createQuarantine } from '../../src/usecases/quarantine-request.ts';

const NOTHING = { rowsPerHour: 0, bytesPerHour: 0 };
const MINUTE = 60_000;

/** A quarantine that keeps no whole request, and so many names; its sink may be away. */
function createFull(names: number) {
  const sink = {
    kept: [] as QuarantineEntry[],
    isAway: false,
    async accept(entry: QuarantineEntry) {
      if (sink.isAway) throw new OverloadedError('Nothing can be committed now.');
      sink.kept.push(entry);
    },
  };
  const quarantine = createQuarantine({
    sink,
    now: () => 0,
    stranger: NOTHING,
    verified: NOTHING,
    named: { rowsPerHour: names, bytesPerHour: 10_000 },
    onNotKept: () => {},
  });
  return { sink, quarantine };
}

function rejected(object: string | null, receivedAt = 0): QuarantineEntry {
  return {
    receivedAt,
    kind: 'rejected',
    reason: 'signature-mismatch',
    remoteAddress: null,
    headers: { host: 'audit.example.com' },
    body: Buffer.from('{}'),
    domain: 'play.example.com',
    app: 'live',
    stream: 'cam01',
    object,
  };
}

it('a name that could not be kept is kept when the vendor tries again, and then once', async () => {
  const { sink, quarantine } = createFull(10);
  const entry = rejected('snapshot/live/cam01/1790000000.jpg');
  sink.isAway = true;
  await expect(quarantine.accept(entry, false)).rejects.toThrow(OverloadedError);
  sink.isAway = false;
  expect([await quarantine.accept(entry, false), await quarantine.accept(entry, false)]).toEqual([true, true]);
  expect(sink.kept).toEqual([{ ...entry, headers: {}, body: new Uint8Array() }]);
});

it('of names beyond the bound one entry a minute says that there were some', async () => {
  const { sink, quarantine } = createFull(0);
  const marks = () => sink.kept.map(({ reason, receivedAt, object }) => [reason, receivedAt, object]);
  await quarantine.accept(rejected(null), false);
  await quarantine.accept({ ...rejected('a.jpg'), kind: 'unclassified' }, false);
  expect(marks()).toEqual([]);
  for (const at of [0, 1, MINUTE - 1, MINUTE]) {
    expect(await quarantine.accept(rejected(`${at}.jpg`, at), false)).toBe(false);
  }
  expect(marks()).toEqual([
    [NAMES_NOT_KEPT, 0, null],
    [NAMES_NOT_KEPT, MINUTE, null],
  ]);
});

it('a minute that could not be marked is marked with the next request', async () => {
  const { sink, quarantine } = createFull(0);
  sink.isAway = true;
  await expect(quarantine.accept(rejected('a.jpg'), false)).rejects.toThrow(OverloadedError);
  sink.isAway = false;
  await quarantine.accept(rejected('b.jpg', 1), false);
  expect(sink.kept).toHaveLength(1);
});
