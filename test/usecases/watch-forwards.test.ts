import { expect, it } from 'vitest';
import type { Finding } from '../../src/ports.ts';
import { createForwardWatch } from '../../src/usecases/watch-forwards.ts';

const TARGET = 'https://old.example.com/hook?token=secret';
const MINUTE = 60_000;

it('tells a receiver that refuses what is passed on, once a minute, until none was refused for five minutes', async () => {
  const told: Finding[] = [];
  let now = 0;
  const note = createForwardWatch({
    sink: { report: async (finding) => void told.push(finding) },
    clock: { now: () => now },
  });
  const refused = { outcome: 'dropped', reason: 'old.example.com answered HTTP 401' } as const;
  const states = () => told.splice(0).map(({ active }) => active);
  // The first word of a process ends what its predecessor left behind.
  await note(TARGET, { outcome: 'delivered' });
  expect(states()).toEqual([false]);
  await note(TARGET, refused);
  expect(told[0]).toMatchObject({
    kind: 'forward_refused',
    key: 'old.example.com',
    active: true,
    found: { code: 'forward-refused', host: 'old.example.com', reason: refused.reason },
  });
  expect(JSON.stringify(told)).not.toContain('secret');
  expect(states()).toEqual([true]);
  now = MINUTE - 1;
  await note(TARGET, refused);
  expect(states()).toEqual([]);
  now = MINUTE;
  await note(TARGET, refused);
  expect(states()).toEqual([true]);
  now = 6 * MINUTE - 1;
  await note(TARGET, { outcome: 'delivered' });
  expect(states()).toEqual([]);
  now = 6 * MINUTE;
  await note(TARGET, { outcome: 'delivered' });
  expect(states()).toEqual([false]);
});

it('names a target that is no URL, which the settings take, without what gives access to it', async () => {
  const told: Finding[] = [];
  const note = createForwardWatch({
    sink: { report: async (finding) => void told.push(finding) },
    clock: { now: () => 0 },
  });
  await note('https://old.example.com:99999/hook?token=secret', { outcome: 'dropped', reason: 'it is no URL' });
  expect(told[0]).toMatchObject({ key: 'https://old.example.com:99999/hook?token=…' });
  expect(JSON.stringify(told)).not.toContain('secret');
});
