import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/core/capture.ts';
import { judgeCapture, judgeEmptySlot } from '../../src/core/judge-capture.ts';
import { compileTemplate } from '../../src/core/template.ts';
import { asAudited, type Finding } from '../../src/dashboard/client/stream/as-audited.ts';

const AT = Date.UTC(2026, 10, 24);
const SPAN = [{ from: AT - 1_000, to: AT + 1_000 }];
const SEQUENCE = 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg';

const facts = fc.record({
  callback: fc.constantFrom<Capture['callback'][]>(
    null,
    { receivedAt: AT + 1, capturedAt: null, verified: true },
    { receivedAt: AT + 90_000, capturedAt: null, verified: false },
  ),
  stored: fc.boolean(),
  indexed: fc.boolean(),
  rejected: fc.boolean(),
  isListed: fc.boolean(),
  isIndexed: fc.boolean(),
  isBlind: fc.boolean(),
  isUnkept: fc.boolean(),
  isOurs: fc.boolean(),
  lifecycleDays: fc.constantFrom(1, 90),
  object: fc.constantFrom(`snapshot/live/cam01/${AT / 1_000}.jpg`, 'elsewhere.jpg'),
});
type Facts = typeof facts extends fc.Arbitrary<infer Value> ? Value : never;

function judged({ callback, stored, indexed, rejected, object, ...world }: Facts) {
  const looked = {
    listed: world.isListed ? SPAN : [],
    indexed: world.isIndexed ? SPAN : [],
    blind: world.isBlind ? SPAN : [],
    unkept: world.isUnkept ? SPAN : [],
    excused: [],
  };
  if (!callback && !stored && !indexed) return judgeEmptySlot(AT, looked, 'sequence');
  return judgeCapture({ at: AT, bucket: 'b', object, callback, stored, indexed, rejected, replaced: false }, looked, {
    stream: { domain: 'play.example.com', app: 'live', stream: 'cam01' },
    config: {
      domain: 'play.example.com',
      app: 'live',
      validFrom: 0,
      intervalSeconds: 10,
      bucket: 'b',
      endpoint: 'oss-cn-shanghai.aliyuncs.com',
      sequenceObject: SEQUENCE,
      overwriteObject: null,
      callback: world.isOurs ? 'https://a.example.com/' : 'https://b.example.com/',
    },
    mode: 'sequence',
    template: compileTemplate(SEQUENCE, 'sequence'),
    lateAfterSeconds: 30,
    callbackUrl: 'https://a.example.com/',
    lifecycle: [{ prefix: '', days: world.lifecycleDays }],
    now: AT + 10 * 86_400_000,
  });
}

describe('what the audit found', () => {
  it('never says of a witness what the judgement did not rest on', () => {
    const seen = new Set<Finding | null>();
    fc.assert(
      fc.property(facts, (world) => {
        const { object, index } = asAudited(judged(world), 'sequence', null);
        for (const [finding, yes, looked] of [
          [object, world.stored, world.isListed],
          [index, world.indexed, world.isIndexed],
        ] as const) {
          seen.add(finding);
          if (finding === 'yes') expect(yes).toBe(true);
          if (finding === 'no') expect([yes, looked]).toEqual([false, true]);
          if (finding === 'could_not_look') expect([yes, looked]).toEqual([false, false]);
        }
      }),
      { numRuns: 3_000 },
    );
    expect([...seen].sort()).toEqual(['could_not_look', 'no', 'not_asked', null, 'yes']);
  });

  it('says of a replaced picture only what the evidence of this very slot says', () => {
    const slot = { verdict: 'callback_missing', cause: 'delivery_lost' } as const;
    expect(asAudited(slot, 'overwrite', null)).toEqual({ object: null, index: null });
    expect(asAudited(slot, 'overwrite', { stored: false, indexed: true })).toEqual({ object: null, index: 'yes' });
    expect(asAudited({ verdict: 'excused', cause: null }, 'sequence', { stored: true, indexed: false })).toEqual({
      object: 'yes',
      index: null,
    });
  });
});
