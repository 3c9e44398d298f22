import { registerHooks } from 'node:module';

/**
 * `node --import` this: the judgement then no longer knows that a callback was turned away, as if nobody had written that rule, and the
 * demo waits less long for what it will never find.
 */
const CHANGES: Record<string, [was: string, is: string]> = {
  '/src/core/judge-capture.ts': ["if (capture.rejected) return 'callback_rejected';", ''],
  '/src/cli/demo.ts': ['const PATIENCE_MS = 75_000;', 'const PATIENCE_MS = 45_000;'],
};

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const change = Object.entries(CHANGES).find(([file]) => url.endsWith(file))?.[1];
    if (!change) return loaded;
    const source = String(loaded.source);
    if (!source.includes(change[0])) throw new Error(`${url} has no line: ${change[0]}`);
    return { ...loaded, source: source.replace(...change) };
  },
});
