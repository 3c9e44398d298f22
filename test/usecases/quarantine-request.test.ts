import { expect, it } from 'vitest';
import type { QuarantineEntry } from '../../src/ports.ts';
import { OverloadedError } from '../../src/usecases/group-commit.ts';
import { createQuarantine } from '../../src/usecases/quarantine-request.ts';

it('a name that could not be kept is kept when the vendor tries again, and then once', async () => {
  const kept: QuarantineEntry[] = [];
  let isAway = true;
  const nothing = { rowsPerHour: 0, bytesPerHour: 0 };
  const quarantine = createQuarantine({
    sink: {
      async accept(entry: QuarantineEntry) {
        if (isAway) throw new OverloadedError('Nothing can be committed now.');
        kept.push(entry);
      },
    },
    now: () => 0,
    stranger: nothing,
    verified: nothing,
    named: { rowsPerHour: 10, bytesPerHour: 10_000 },
    onNotKept: () => {},
  });
  const rejected: QuarantineEntry = {
    receivedAt: 0,
    kind: 'rejected',
    reason: 'signature-mismatch',
    remoteAddress: null,
    headers: { host: 'audit.example.com' },
    body: Buffer.from('{}'),
    domain: 'play.example.com',
    app: 'live',
    stream: 'cam01',
    object: 'snapshot/live/cam01/1790000000.jpg',
  };
  await expect(quarantine.accept(rejected, false)).rejects.toThrow(OverloadedError);
  isAway = false;
  expect([await quarantine.accept(rejected, false), await quarantine.accept(rejected, false)]).toEqual([true, true]);
  expect(kept).toEqual([{ ...rejected, headers: {}, body: new Uint8Array() }]);
});
