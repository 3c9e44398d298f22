import { expect, it } from 'vitest';
import { ReleaseStack } from '../../src/compose/release-stack.ts';

it('what was opened is released in reverse, each once, also after one that fails', async () => {
  const released: string[] = [];
  const stack = new ReleaseStack();
  stack.add(async () => released.push('first'));
  stack.add(() => Promise.reject(new Error('cannot be released')));
  stack.add(async () => released.push('last'));
  await expect(stack.releaseAll()).rejects.toThrow('cannot be released');
  await stack.releaseAll();
  expect(released).toEqual(['last', 'first']);
});
