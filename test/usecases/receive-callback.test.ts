import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { extendAliases } from '../../src/core/callback-aliases.ts';
import { createBodyReader } from '../../src/core/callback-body.ts';
import { signedHostsOf } from '../../src/core/callback-signature.ts';
import type { QuarantineEntry } from '../../src/ports.ts';
import { OverloadedError, RefusedError } from '../../src/usecases/group-commit.ts';
import { createReceiveCallback } from '../../src/usecases/receive-callback.ts';
import { TEMPLATE } from '../support/captures.ts';
import { HOST } from '../support/receiver.ts';

const NOW = Date.UTC(2026, 10, 24);

it('a refused callback that cannot be passed on now is to come again, and is not set aside', async () => {
  const aside: QuarantineEntry[] = [];
  const receive = createReceiveCallback({
    clock: { now: () => NOW },
    hosts: signedHostsOf(`https://${HOST}`),
    keys: [],
    clockWindowSeconds: 300,
    reader: createBodyReader(extendAliases({})),
    templatesOf: () => [TEMPLATE],
    captures: {
      accept: async () => {
        throw new RefusedError('too-many-new-streams');
      },
    },
    quarantine: {
      accept: async (entry) => {
        aside.push(entry);
        return true;
      },
    },
    forward: {
      targetsOf: () => ['https://old.example.com/'],
      sink: {
        accept: async () => {
          // The refusal is known first.
          await turn();
          throw new OverloadedError('Nothing can be committed now.');
        },
      },
    },
  });
  const object = `snapshot/live/cam01/${NOW / 1000}.jpg`;
  const answer = receive({
    body: Buffer.from(JSON.stringify({ domain: 'play.example.com', app: 'live', stream: 'cam01', object })),
    timestamp: undefined,
    signature: undefined,
    headers: () => ({}),
    remoteAddress: null,
  });
  await expect(answer).rejects.toThrow(OverloadedError);
  expect(aside).toEqual([]);
});
