import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { compareKeys } from '../../src/core/object-key.ts';
import { findStamp } from '../../src/core/object-stamp.ts';
import { compileTemplate, isTemplateDeletion, validateTemplate } from '../../src/core/template.ts';

/** One stream's name inside another's, separators, digits like a time, suffixes, other scripts, pattern characters. */
const streams = fc.oneof(
  fc.constantFrom(
    'cam01',
    'cam01.jpg',
    'cam-1',
    'cam-1790000000',
    '1790000000',
    'front/door',
    '客厅',
    'жара-5',
    'a.b+c(d)[e]^$|\\',
  ),
  fc.constantFrom('{Sequence}', '$&', '😀', ' ', '7', '-', '1790000000123', 'x\ny'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed()),
);
const apps = fc.constantFrom('live', 'tv_1', '2024', 'event-2');
const templates = fc.constantFrom(
  'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
  '{AppName}/{StreamName}-{UnixTimestamp}.jpg',
  '{AppName}/{StreamName}{UnixTimestamp}.jpg',
  '{UnixTimestamp}/{AppName}/{StreamName}.jpg',
  '{UnixTimestamp}{StreamName}-{AppName}.jpg',
  '{StreamName}/{AppName}/{UnixTimestamp}-{Sequence}.jpg',
  '{StreamName}/{Sequence}_{UnixTimestamp}.jpg',
  '{StreamName}/{UnixTimestamp}/{StreamName}-{UnixTimestamp}.jpg',
  'seq/{StreamName}/{AppName}-{Sequence}.jpg',
);
const times = fc.oneof(
  fc
    .integer({ min: 1_000_000_000, max: 9_999_999_999 })
    .map((seconds) => ({ written: seconds, capturedAt: seconds * 1_000 })),
  fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }).map((ms) => ({ written: ms, capturedAt: ms })),
);

describe('object-name templates', () => {
  it('read back what they render, for any stream', () => {
    fc.assert(
      fc.property(templates, apps, streams, times, fc.nat(99_999), (text, app, stream, time, sequence) => {
        const template = compileTemplate(text, 'sequence');
        const key = template.render({ app, stream, unixTimestamp: time.written, sequence });
        expect(template.match(key, app, stream)).toEqual({
          capturedAt: text.includes('{UnixTimestamp}') ? time.capturedAt : null,
          timestampUnit: text.includes('{UnixTimestamp}') ? (time.written > 9_999_999_999 ? 'ms' : 's') : null,
          sequence: text.includes('{Sequence}') ? sequence : null,
        });
        expect(key.startsWith(template.streamPrefix(app, stream))).toBe(true);
        expect(key.startsWith(template.staticPrefix(app))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('find the stream of an unknown name among their candidates', () => {
    fc.assert(
      fc.property(templates, apps, streams, times, fc.nat(99_999), (text, app, stream, time, sequence) => {
        const template = compileTemplate(text, 'sequence');
        const key = template.render({ app, stream, unixTimestamp: time.written, sequence });
        const found = template.candidates(key);
        expect(
          found.some((each) => each.stream === stream && (each.app ?? app) === app) ||
            // Only so many ways of cutting a name are tried.
            found.length === 64,
        ).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['{AppName}-{StreamName}-{UnixTimestamp}-{Sequence}.jpg', 'a-'],
    ['{StreamName}{AppName}{UnixTimestamp}{Sequence}.jpg', '1'],
    ['{AppName}{StreamName}{UnixTimestamp}.jpg', '1-'],
  ])('try few cuts of a key that is made to be cut in ever so many ways: %s', (text, piece) => {
    const key = `${piece.repeat(1019).slice(0, 1019)}.jpg`;
    const template = compileTemplate(text, 'sequence');
    const tried = vi.spyOn(RegExp.prototype, 'test');
    const candidates = template.candidates(key);
    const cuts = tried.mock.calls.length;
    tried.mockRestore();
    expect(candidates).toEqual([]);
    expect(cuts).toBeLessThan(200_000);
  });

  it('do not take one stream for another whose name begins alike', () => {
    const template = compileTemplate('{AppName}/{StreamName}-{UnixTimestamp}.jpg', 'sequence');
    expect(template.match('live/cam-1790000000-1790000001.jpg', 'live', 'cam')).toBeNull();
    expect(template.match('live/cam-1790000000-1790000001.jpg', 'live', 'cam-1790000000')?.capturedAt).toBe(
      1_790_000_001_000,
    );
    expect(template.match('Live/cam-1790000000.jpg', 'live', 'cam')).toBeNull();
    expect(template.match('live/cam-1790000000.jpg.jpg', 'live', 'cam')).toBeNull();
  });

  it.each([
    ['179000000', null],
    ['1790000000', 's'],
    ['17900000000', null],
    ['179000000012', null],
    ['1790000000123', 'ms'],
    ['17900000001234', null],
  ])('take 10 digits for seconds and 13 for milliseconds, and nothing else: %s', (digits, unit) => {
    const template = compileTemplate('{StreamName}/{UnixTimestamp}.jpg', 'sequence');
    expect(template.match(`cam/${digits}.jpg`, 'live', 'cam')?.timestampUnit ?? null).toBe(unit);
  });

  it('tell the longest stream name first where a name can be read in several ways', () => {
    const template = compileTemplate('{AppName}-{StreamName}-{Sequence}.jpg', 'sequence');
    expect(template.candidates('event-2-cam-5-7.jpg').map(({ app, stream }) => [app, stream])).toEqual([
      ['event', '2-cam-5'],
      ['event-2', 'cam-5'],
      ['event-2-cam', '5'],
    ]);
  });

  it('say whether a span of time is one stretch of the listing', () => {
    const sorts = (text: string) => {
      const { sortsByTime, timeBeforeStream } = compileTemplate(text, 'sequence');
      return { sortsByTime, timeBeforeStream };
    };
    expect(sorts('s/{AppName}/{StreamName}/{UnixTimestamp}.jpg')).toEqual({
      sortsByTime: true,
      timeBeforeStream: false,
    });
    expect(sorts('{UnixTimestamp}/{StreamName}.jpg')).toEqual({ sortsByTime: true, timeBeforeStream: true });
    expect(sorts('{StreamName}/{Sequence}_{UnixTimestamp}.jpg')).toEqual({
      sortsByTime: false,
      timeBeforeStream: false,
    });
    expect(sorts('{StreamName}/{Sequence}.jpg')).toEqual({ sortsByTime: false, timeBeforeStream: false });
  });

  it('give key ranges that hold every key of the span, in either unit, and stop after it', () => {
    const second = fc.integer({ min: 1_790_000_000, max: 1_790_001_000 });
    fc.assert(
      fc.property(streams, second, fc.nat(500), second, fc.boolean(), (stream, from, length, at, milliseconds) => {
        const template = compileTemplate('{AppName}/{StreamName}/{UnixTimestamp}.jpg', 'sequence');
        const range = template.keyRange('live', stream, from * 1_000, (from + length) * 1_000)!;
        const written = milliseconds ? at * 1_000 + 999 : at;
        const key = template.render({ app: 'live', stream, unixTimestamp: written });
        const listed = compareKeys(key, range.startAfter) > 0 && compareKeys(key, range.endBefore) < 0;
        expect(key.startsWith(range.prefix)).toBe(true);
        expect(listed).toBe(at >= from && at < from + length);
      }),
    );
    expect(compileTemplate('{StreamName}/{Sequence}.jpg', 'sequence').keyRange('live', 'cam', 0, 1)).toBeNull();
  });

  it('give a prefix for all streams of an app, and for all apps', () => {
    const template = compileTemplate('s/{AppName}/x-{StreamName}/{UnixTimestamp}.jpg', 'sequence');
    expect(template.staticPrefix('live')).toBe('s/live/x-');
    expect(template.staticPrefix()).toBe('s/');
    expect(template.streamPrefix('live', 'cam')).toBe('s/live/x-cam/');
  });

  it('refuse to render without a value', () => {
    expect(() => compileTemplate('{Sequence}.jpg', 'sequence').render({ app: 'a', stream: 's' })).toThrow(RangeError);
  });
});

describe('the vendor’s rules for templates', () => {
  it.each([
    ['snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg', 'sequence'],
    ['{Sequence}.jpg', 'sequence'],
    ['{AppName}/{StreamName}.jpg', 'overwrite'],
    ['cover.jpg', 'overwrite'],
  ] as const)('accept %s as %s name', (text, mode) => {
    expect(validateTemplate(text, mode)).toEqual([]);
  });

  it.each([
    ['', 'sequence', /empty/],
    ['{UnixTimestamp}.png', 'sequence', /\.jpg/],
    ['{UnixTimestamp}.JPG', 'sequence', /\.jpg/],
    ['/{UnixTimestamp}.jpg', 'sequence', /begins with/],
    ['\\{UnixTimestamp}.jpg', 'sequence', /begins with/],
    ['{Unixtimestamp}{Sequence}.jpg', 'sequence', /unknown variable \{Unixtimestamp\}/],
    ['{Sequence.jpg', 'sequence', /brace/],
    ['{StreamName}.jpg', 'sequence', /neither/],
    ['{StreamName}-{UnixTimestamp}.jpg', 'overwrite', /may only use/],
    ['{Sequence}.jpg', 'overwrite', /may only use/],
  ] as const)('refuse %j as %s name', (text, mode, problem) => {
    expect(validateTemplate(text, mode).join('; ')).toMatch(problem);
  });

  it('count bytes, not characters: 255 pass, 256 do not', () => {
    const of = (bytes: number) => `${'é'.repeat((bytes - 15) / 2)}{Sequence}x.jpg`;
    expect(Buffer.byteLength(of(255))).toBe(255);
    expect(validateTemplate(of(255), 'sequence')).toEqual([]);
    expect(validateTemplate(of(257), 'sequence').join()).toMatch(/257 bytes/);
    expect(validateTemplate(`${'x'.repeat(242)}{Sequence}.jpg`, 'sequence').join()).toMatch(/256 bytes/);
  });

  it('let - stand for the removal of a name', () => {
    expect(isTemplateDeletion('-')).toBe(true);
    expect(validateTemplate('-', 'sequence')).toEqual([]);
  });
});

describe('a number and a time with nothing between them', () => {
  const TEXT = 'snapshot/{AppName}/{StreamName}/{Sequence}{UnixTimestamp}.jpg';
  const DAY = 86_400_000;
  const captures = fc.record({
    at: fc.integer({ min: Date.UTC(2020, 0, 1) / 1_000, max: Date.UTC(2040, 0, 1) / 1_000 }).map((at) => at * 1_000),
    ms: fc.nat(999),
    isMs: fc.boolean(),
    sequence: fc.oneof(fc.nat(3_000), fc.nat(99_999_999)),
    delayMs: fc.integer({ min: -2_000, max: DAY }),
  });

  it('are read apart by a moment near the capture, in both units', () => {
    const template = compileTemplate(TEXT, 'sequence');
    fc.assert(
      fc.property(captures, ({ at, ms, isMs, sequence, delayMs }) => {
        const capturedAt = isMs ? at + ms : at;
        const key = template.render({
          app: 'live',
          stream: 'cam01',
          unixTimestamp: isMs ? capturedAt : capturedAt / 1_000,
          sequence,
        });
        const digits = key.slice('snapshot/live/cam01/'.length, -'.jpg'.length);
        const other = isMs ? Number(digits.slice(-10)) * 1_000 : Number(digits.slice(-13));
        // Both mean the same few days once in 116 days, for one number of a thousand.
        fc.pre(Math.abs(other - capturedAt) > 3 * DAY);
        const read = { timestampUnit: isMs ? 'ms' : 's', sequence };
        expect(template.match(key, 'live', 'cam01', capturedAt + delayMs)).toEqual({ capturedAt, ...read });
        expect(findStamp(TEXT, 'live', 'cam01', key, capturedAt + delayMs)).toEqual({
          instant: capturedAt,
          unit: read.timestampUnit,
          sequence,
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('agree on the second where the time comes first, however many digits follow', () => {
    const text = '{StreamName}/{UnixTimestamp}{Sequence}.jpg';
    for (const unixTimestamp of [1_790_000_000, 1_790_000_000_123]) {
      for (const sequence of [0, 7, 42, 999, 1_000, 12_345]) {
        const key = compileTemplate(text, 'sequence').render({ app: 'live', stream: 'cam01', unixTimestamp, sequence });
        const second = (at: number | null | undefined) => Math.floor(at! / 1_000);
        expect(second(findStamp(text, 'live', 'cam01', key)?.instant)).toBe(1_790_000_000);
        expect(second(compileTemplate(text, 'sequence').match(key, 'live', 'cam01')?.capturedAt)).toBe(1_790_000_000);
      }
    }
  });
});
