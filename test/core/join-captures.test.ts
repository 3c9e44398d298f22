import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/core/capture.ts';
import { type JoinTerms, joinCaptures, type WitnessesOfStream } from '../../src/core/join-captures.ts';
import { compileTemplate } from '../../src/core/template.ts';

const START = 1_790_000_000_000;
const STREAM = { domain: 'play.example.com', app: 'live', stream: 'cam01' };
const TIMED = '{StreamName}/{UnixTimestamp}.jpg';
const COUNTED = '{StreamName}/{Sequence}.jpg';
const COVER = 'cover/{StreamName}.jpg';

function join(template: string, witnesses: Partial<WitnessesOfStream>, terms: Partial<JoinTerms> = {}): Capture[] {
  return joinCaptures(
    { callbacks: [], objects: [], index: [], rejected: [], ...witnesses },
    'b',
    STREAM,
    [compileTemplate(template, terms.mode ?? 'sequence')],
    { mode: 'sequence', intervalMs: 10_000, ...terms },
  );
}

/** e.g. `12 CO` for a capture 12 s after the start that callback and object know; `r` replaced, `!` rejected. */
const words = (captures: Capture[]) =>
  captures.map(({ at, callback, stored, indexed, replaced, rejected }) => {
    const witnesses = `${callback ? 'C' : ''}${stored ? 'O' : ''}${indexed ? 'X' : ''}${replaced ? 'r' : ''}${rejected ? '!' : ''}`;
    return `${(at - START) / 1_000} ${witnesses}`;
  });

const callback = (object: string, received: number, captured: number | null = null, verified = true) => ({
  bucket: 'b',
  object,
  capturedAt: captured === null ? null : START + captured * 1_000,
  receivedAt: START + received * 1_000,
  verified,
});
const object = (key: string, modified: number) => ({
  bucket: 'b',
  key,
  lastModified: START + modified * 1_000,
  sizeBytes: 1,
});
const row = (name: string, created: number) => ({ object: name, createdAt: START + created * 1_000, overlay: null });

describe('joining the witnesses of a capture', () => {
  it('takes the time in the name before any other', () => {
    const name = 'cam01/1790000010.jpg';
    expect(
      words(
        join(TIMED, { callbacks: [callback(name, 12, 11)], objects: [object(name, 7_200)], index: [row(name, 10.5)] }),
      ),
    ).toEqual(['10 COX']);
  });

  it('puts captures in order of time, whatever the order of the evidence', () => {
    const objects = [30, 10, 20].map((at) => object(`cam01/${1_790_000_000 + at}.jpg`, at));
    expect(words(join(TIMED, { objects }))).toEqual(['10 O', '20 O', '30 O']);
  });

  it('keeps the first of repeated callbacks, a verified one before an unverified one', () => {
    const name = 'cam01/1790000010.jpg';
    const first = (...callbacks: ReturnType<typeof callback>[]) =>
      join(TIMED, { callbacks }).map((each) => each.callback);
    expect(first(callback(name, 17), callback(name, 11))).toMatchObject([{ receivedAt: START + 11_000 }]);
    expect(first(callback(name, 11, null, false), callback(name, 55))).toMatchObject([
      { receivedAt: START + 55_000, verified: true },
    ]);
  });

  it('marks what a rejected request named, and makes no capture of it', () => {
    const name = 'cam01/1790000010.jpg';
    const rejected = [
      { object: name, receivedAt: START + 11_000 },
      { object: 'cam01/1.jpg', receivedAt: START },
    ];
    expect(words(join(TIMED, { objects: [object(name, 11)], rejected }))).toEqual(['10 O!']);
    expect(
      words(
        join(COUNTED, {
          objects: [object('cam01/7.jpg', 11)],
          rejected: [{ object: 'cam01/7.jpg', receivedAt: START + 11_500 }],
        }),
      ),
    ).toEqual(['11 O!']);
  });
});

describe('names that do not tell the time', () => {
  it('take it from the callback, else the index, else the last write, else the receipt', () => {
    const name = 'cam01/7.jpg';
    expect(
      words(
        join(COUNTED, { callbacks: [callback(name, 15, 10)], objects: [object(name, 11)], index: [row(name, 10.2)] }),
      ),
    ).toEqual(['10 COX']);
    expect(
      words(join(COUNTED, { callbacks: [callback(name, 15)], objects: [object(name, 11)], index: [row(name, 10.2)] })),
    ).toEqual(['10.2 COX']);
    expect(words(join(COUNTED, { callbacks: [callback(name, 15)], objects: [object(name, 11)] }))).toEqual(['11 CO']);
    expect(words(join(COUNTED, { callbacks: [callback(name, 15)] }))).toEqual(['15 C']);
  });

  it('join a callback however late it comes, and an object however late it is written anew', () => {
    const name = 'cam01/7.jpg';
    const [told, late] = [callback(name, 12, 11), callback(name, 90_000)];
    expect(words(join(COUNTED, { callbacks: [late], objects: [object(name, 11)] }))).toEqual(['11 CO']);
    expect(words(join(COUNTED, { callbacks: [late], index: [row(name, 11)] }))).toEqual(['11 CX']);
    expect(words(join(COUNTED, { callbacks: [told], objects: [object(name, 90_000)] }))).toEqual(['11 CO']);
    expect(words(join(COUNTED, { callbacks: [callback(name, 12), late], objects: [object(name, 11)] }))).toEqual([
      '11 CO',
    ]);
    expect(words(join(COUNTED, { callbacks: [callback(name, 12)], objects: [object(name, 90_000)] }))).toEqual([
      '12 CO',
    ]);
    const rejected = [{ object: name, receivedAt: START + 90_000_000 }];
    expect(words(join(COUNTED, { objects: [object(name, 11)], rejected }))).toEqual(['11 O!']);
  });

  it('do not take an object for one that was captured after its last writing', () => {
    const name = 'cam01/7.jpg';
    expect(words(join(COUNTED, { callbacks: [callback(name, 91, 90)], objects: [object(name, 11)] }))).toEqual([
      '11 O',
      '90 C',
    ]);
  });

  it('come again after a new push that only its callback and the writing tell of', () => {
    const name = 'cam01/1.jpg';
    const callbacks = [callback(name, 11), callback(name, 16), callback(name, 131), callback(name, 250)];
    expect(words(join(COUNTED, { callbacks, objects: [object(name, 130)] }))).toEqual(['11 Cr', '130 CO']);
    const index = [row(name, 10)];
    expect(words(join(COUNTED, { callbacks: [callbacks[2]!], index, objects: [object(name, 130)] }))).toEqual([
      '10 Xr',
      '130 CO',
    ]);
  });

  it('come again after a new push less than a minute later, by two rows of the index', () => {
    const name = 'cam01/1.jpg';
    const rows = { index: [row(name, 10), row(name, 55)], objects: [object(name, 55.5)] };
    expect(words(join(COUNTED, rows))).toEqual(['10 Xr', '55 OX']);
    const stamped = [callback(name, 11, 10), callback(name, 56, 55)];
    expect(words(join(COUNTED, { ...rows, callbacks: stamped }))).toEqual(['10 CXr', '55 COX']);
    const unstamped = [callback(name, 11), callback(name, 16), callback(name, 54.5)];
    expect(words(join(COUNTED, { ...rows, callbacks: unstamped }))).toEqual(['10 CXr', '55 COX']);
    expect(words(join(COUNTED, { ...rows, callbacks: unstamped.slice(2) }))).toEqual(['10 Xr', '55 COX']);
  });

  it('come again after a new push: the object testifies to the newest only', () => {
    const name = 'cam01/1.jpg';
    const captures = join(COUNTED, {
      callbacks: [callback(name, 11), callback(name, 16), callback(name, 5_001)],
      index: [row(name, 10), row(name, 5_000)],
      objects: [object(name, 5_001)],
    });
    expect(words(captures)).toEqual(['10 CXr', '5000 COX']);
  });
});

describe('overwrite mode', () => {
  const name = 'cover/cam01.jpg';
  const overwrite = { mode: 'overwrite' } as const;

  it('lets callbacks and index testify to each capture, the object to the newest', () => {
    const captures = join(
      COVER,
      {
        callbacks: [callback(name, 1, 0), callback(name, 21, 20), callback(name, 31, 30)],
        index: [row(name, 0.4), row(name, 10), row(name, 30)],
        objects: [object(name, 31)],
      },
      overwrite,
    );
    expect(words(captures)).toEqual(['0 CXr', '10 Xr', '20 Cr', '30 COX']);
  });

  it('joins callback and index up to half an interval apart', () => {
    const joined = (apart: number) =>
      join(COVER, { callbacks: [callback(name, apart)], index: [row(name, 0)] }, overwrite).length;
    expect(joined(5)).toBe(1);
    expect(joined(5.001)).toBe(2);
  });

  it('takes a write that nobody announced for a capture of its own', () => {
    const captures = join(COVER, { callbacks: [callback(name, 1, 0)], objects: [object(name, 100)] }, overwrite);
    expect(words(captures)).toEqual(['0 Cr', '100 O']);
  });

  it('does not let an old object speak for captures after it', () => {
    const captures = join(
      COVER,
      { callbacks: [callback(name, 1, 0), callback(name, 11, 10), callback(name, 21, 20)], objects: [object(name, 1)] },
      overwrite,
    );
    expect(words(captures)).toEqual(['0 CO', '10 C', '20 C']);
  });

  it('collapses a repeated callback where its own word says that it is one', () => {
    expect(words(join(COVER, { callbacks: [callback(name, 1, 0), callback(name, 4, 0)] }, overwrite))).toEqual(['0 C']);
  });
});
