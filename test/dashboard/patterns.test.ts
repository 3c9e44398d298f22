import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BAD_VERDICTS } from '../../src/core/verdict.ts';
import { VERDICT_DECALS } from '../../src/dashboard/client/stream/verdict-decals.ts';

const STYLES = readFileSync(new URL('../../src/dashboard/client/styles/tones.css', import.meta.url), 'utf8');
const TROUBLES = [...BAD_VERDICTS, 'unknown'] as const;

/** Without colours, distances and the angle of zero: lines that are only thicker are no other pattern. */
const shapeOf = (fill: string) => fill.replace(/var\([^)]*\)/g, '').replace(/[\d.]+(px|%)/g, '');

describe('trouble in strips and timelines', () => {
  it('has a pattern of its own for each bad verdict, for those who see no colours', () => {
    const fills = TROUBLES.map(
      (verdict) => new RegExp(`^\\.fill-${verdict} {\\s*background: (.*);`, 'm').exec(STYLES)?.[1],
    );
    expect(fills.filter((fill) => !fill?.includes('gradient('))).toEqual([]);
    expect(new Set(fills.map((fill) => shapeOf(fill ?? ''))).size).toBe(TROUBLES.length);
    const decals = TROUBLES.map((verdict) => {
      const { symbol, rotation = 0, dashArrayX } = VERDICT_DECALS[verdict] as Record<string, unknown>;
      return JSON.stringify([symbol, rotation, Array.isArray((dashArrayX as unknown[])[0])]);
    });
    expect(new Set(decals).size).toBe(TROUBLES.length);
  });
});
