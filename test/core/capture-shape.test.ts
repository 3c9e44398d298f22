import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { extendAliases, VENDOR_ALIASES } from '../../src/core/callback-aliases.ts';
import { createBodyReader, type ReadCallback } from '../../src/core/callback-body.ts';
import { decodeCapture, encodeCapture, isPlausible, parseRest, reproduceBody } from '../../src/core/capture-shape.ts';
import { findStamp, renderName } from '../../src/core/object-stamp.ts';
import { compileTemplate } from '../../src/core/template.ts';
import { readToldInstant, writeToldInstant } from '../../src/core/told-instant.ts';

const reader = createBodyReader(VENDOR_ALIASES);
const RECEIVED = 1_765_800_003_210;
const TEMPLATE = 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg';

function read(body: unknown): ReadCallback {
  const reading = reader.read(typeof body === 'string' ? body : JSON.stringify(body));
  if (!reading.ok) throw new Error(reading.problem);
  return reading.callbacks[0]!;
}

/** Through the row and back, as text. */
function roundTrip(text: string, templates: string[] = [TEMPLATE]): string {
  const row = encodeCapture(read(text), RECEIVED, templates);
  return JSON.stringify(reproduceBody({ ...row, rest: parseRest(row.rest) }, row.shape, row.key));
}

const GOOD = {
  DomainName: 'play.example.com',
  AppName: 'live',
  StreamName: 'cam01',
  OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
  OssBucket: 'snap',
  OssObject: 'snapshot/live/cam01/1765800000.jpg',
};

describe('reading a body', () => {
  it('understands the two synthetic fixtures of the reference alike', () => {
    const snake = {
      domain: 'play.example.com',
      app: 'live',
      stream: 'cam01',
      oss_endpoint: 'oss-cn-shanghai.aliyuncs.com',
      oss_bucket: 'snap',
      oss_object: 'snapshot/live/cam01/1765800000.jpg',
    };
    const { keys: _, ...fromPascal } = read(GOOD);
    const { keys: __, ...fromSnake } = read(snake);
    expect(fromSnake).toEqual(fromPascal);
    expect(fromPascal).toMatchObject({ domain: 'play.example.com', stream: 'cam01', told: null, extra: null });
  });

  it('reads names that the settings file adds, after the built-in ones', () => {
    const own = createBodyReader(extendAliases({ object: ['picture'], stream: ['camera'] }));
    const reading = own.read('{"domain":"d","app":"a","camera":"c","picture":"p.jpg","stream":"s"}');
    expect(reading).toMatchObject({ ok: true, callbacks: [{ stream: 's', object: 'p.jpg' }] });
    expect(() => extendAliases({ nonsense: ['x'] })).toThrow('there is no "nonsense"');
  });

  it('takes a number for a name and an array for several captures', () => {
    expect(read({ ...GOOD, StreamName: 42 }).stream).toBe('42');
    const reading = reader.read(JSON.stringify([GOOD, { ...GOOD, StreamName: 'cam02' }]));
    expect(reading.ok && reading.callbacks.map(({ stream }) => stream)).toEqual(['cam01', 'cam02']);
  });

  it('keeps bodies apart whose keys read alike when put in a row', () => {
    const fresh = createBodyReader(VENDOR_ALIASES);
    expect(fresh.read(JSON.stringify({ [Object.keys(GOOD).join('\n')]: 1 }))).toMatchObject({
      ok: false,
      problem: 'missing-domain',
    });
    expect(fresh.read(JSON.stringify({ [Object.keys(GOOD).join('","')]: 1 })).ok).toBe(false);
    expect(fresh.read(JSON.stringify(GOOD))).toMatchObject({ ok: true, callbacks: [{ stream: 'cam01', extra: null }] });
  });

  it('reads a body alike whatever it has read before', () => {
    const value = fc.constantFrom<unknown>('live', 'cam01', '', 7, null, true, 'true', 1_765_800_000, { a: 1 });
    const body = fc
      .record(
        {
          DomainName: value,
          domain: value,
          AppName: value,
          StreamName: value,
          id: value,
          OssBucket: value,
          OssObject: value,
          uri: value,
          CreateTimestamp: value,
          time: value,
          IsOverlay: value,
          is_overlay: value,
          own: value,
        },
        { requiredKeys: [] },
      )
      .map((fields) => JSON.stringify({ ...GOOD, ...fields }));
    fc.assert(
      fc.property(fc.array(body, { minLength: 2, maxLength: 10 }), (bodies) => {
        const one = createBodyReader(VENDOR_ALIASES);
        const readings = bodies.map((text) => one.read(text));
        expect(readings).toEqual(bodies.map((text) => createBodyReader(VENDOR_ALIASES).read(text)));
      }),
    );
  });

  it('does not take two halves of a character at the ends of two names for a whole one', () => {
    const halves = { ...GOOD, StreamName: 'x\ud83d', OssObject: '\ude00.jpg' };
    expect(reader.read(JSON.stringify(halves))).toMatchObject({ ok: false, problem: 'name-with-control-characters' });
  });

  it('parses a body twice at most, however many of its captures have fields of their own', () => {
    const items = Array.from({ length: 400 }, (_, index) => ({ ...GOOD, StreamName: `cam${index}`, nested: [{}] }));
    const text = JSON.stringify(items).replace('{}', '12345678901234567890');
    const parse = vi.spyOn(JSON, 'parse');
    const values = vi.spyOn(Object, 'values');
    const reading = reader.read(text);
    const [parsed, walked] = [parse.mock.calls.length, values.mock.calls.length];
    vi.restoreAllMocks();
    expect(reading.ok && JSON.stringify(reading.callbacks[0]!.extra)).toBe('{"nested":[12345678901234567890]}');
    expect(reading.ok && reading.callbacks.at(-1)!.extra).toEqual({ nested: [{}] });
    expect(parsed).toBe(2);
    // The array, its items, and of each its list and what is in it.
    expect(walked).toBeLessThanOrEqual(1 + 3 * items.length);
  });

  it('says what is wrong, and what could be read all the same', () => {
    const problem = (body: unknown) => {
      const reading = reader.read(typeof body === 'string' ? body : JSON.stringify(body));
      return reading.ok ? null : reading.problem;
    };
    expect(problem('{')).toBe('not-json');
    expect(problem([])).toBe('not-an-object');
    expect(problem('"x"')).toBe('not-an-object');
    expect(problem({ ...GOOD, OssObject: undefined })).toBe('missing-object');
    expect(problem({ ...GOOD, StreamName: { a: 1 } })).toBe('missing-stream');
    expect(problem({ ...GOOD, AppName: '' })).toBe('missing-app');
    expect(problem({ ...GOOD, StreamName: 'a\u0000' })).toBe('name-with-control-characters');
    expect(problem({ ...GOOD, StreamName: '\ud800' })).toBe('name-with-control-characters');
    expect(problem({ ...GOOD, OssObject: 'x'.repeat(1023) })).toBeNull();
    expect(problem({ ...GOOD, OssObject: 'x'.repeat(1024) })).toBe('name-too-long');
    expect(problem({ ...GOOD, StreamName: 'ä'.repeat(257) })).toBe('name-too-long');
    expect(
      problem(
        `{"DomainName":"d","AppName":"a","StreamName":"s","OssObject":"o","x":${'['.repeat(40)}${']'.repeat(40)}}`,
      ),
    ).toBe('nested-too-deep');
    const reading = reader.read(JSON.stringify({ ...GOOD, DomainName: undefined }));
    expect(reading).toMatchObject({ ok: false, names: { object: GOOD.OssObject, stream: 'cam01', domain: null } });
  });
});

describe('a told instant', () => {
  it('is seconds with ten digits, milliseconds with thirteen, or ISO in UTC', () => {
    const at = 1_765_800_000_000;
    for (const value of [
      1765800000,
      '1765800000',
      1765800000000,
      '1765800000000',
      '2025-12-15T12:00:00Z',
      '2025-12-15T12:00:00.000Z',
    ]) {
      const told = readToldInstant(value);
      expect(told?.instant).toBe(at);
      expect(writeToldInstant(told!)).toBe(value);
    }
    for (const value of [
      0,
      176580000,
      17658000000,
      1.5,
      '2025-02-31T00:00:00Z',
      '2025-12-15',
      '2025-12-15T12:00:00+08:00',
      null,
      {},
    ]) {
      expect(readToldInstant(value)).toBeNull();
    }
  });
});

describe('a capture in its row', () => {
  it('needs no text where the template in force reproduces the name', () => {
    const row = encodeCapture(read(GOOD), RECEIVED, ['other/{StreamName}.jpg', TEMPLATE]);
    expect(row).toMatchObject({
      capturedAt: 1_765_800_000_000,
      delayMs: 3_210,
      rest: '',
      shape: { template: TEMPLATE, stamp: 's', instantFrom: 'name' },
    });
  });

  it('takes the instant from the name, else from the body, else from digits in the name, else from the receipt', () => {
    const at = (object: string, time?: number, templates = [TEMPLATE]) => {
      const row = encodeCapture(
        read({ ...GOOD, OssObject: object, ...(time ? { CreateTimestamp: time } : {}) }),
        RECEIVED,
        templates,
      );
      return [row.capturedAt, row.shape.instantFrom];
    };
    expect(at('snapshot/live/cam01/1765800000123.jpg', 1765800001000)).toEqual([1765800000123, 'name']);
    expect(at('x/1765800000.jpg', 1765800001000)).toEqual([1765800001000, 'told']);
    expect(at('x/1765800000.jpg')).toEqual([1765800000000, 'name-digits']);
    expect(at('x/123456.jpg')).toEqual([RECEIVED, 'receipt']);
    // Digits that would be a time before 2016 or more than a day ahead are no time: the callback is a good one all the same.
    expect(at('x/1451606399.jpg')).toEqual([RECEIVED, 'receipt']);
    expect(at('x/9123456789/a.jpg')).toEqual([RECEIVED, 'receipt']);
    expect(at(`x/${RECEIVED + 86_400_000}.jpg`)).toEqual([RECEIVED + 86_400_000, 'name-digits']);
    expect(at(`x/${RECEIVED + 86_400_001}.jpg`)).toEqual([RECEIVED, 'receipt']);
    expect(at('live/cam01.jpg', undefined, ['{AppName}/{StreamName}.jpg'])).toEqual([RECEIVED, 'receipt']);
  });

  it('keeps the {Sequence} as what tells captures of one instant apart', () => {
    const template = '{StreamName}/{Sequence}.jpg';
    const body = JSON.stringify({ ...GOOD, OssObject: 'cam01/17.jpg', CreateTimestamp: 1765800000500 });
    const row = encodeCapture(read(body), RECEIVED, [template]);
    expect(row).toMatchObject({ discriminator: 17, rest: '' });
    expect(roundTrip(body, [template])).toBe(body);
    expect(encodeCapture(read({ ...GOOD, OssObject: 'cam01/017.jpg' }), RECEIVED, [template]).rest).not.toBe('');
  });

  it('gives back every field that came', () => {
    const samples = [
      GOOD,
      { ...GOOD, CreateTimestamp: 1765800000637 },
      { ...GOOD, CreateTime: '2025-12-15T12:00:00Z', IsOverlay: false },
      { ...GOOD, timestamp: '1765799000', IsOverlay: 'true', id: 'abc' },
      { ...GOOD, StreamName: 42, OssObject: 'elsewhere/x.jpg', OssEndpoint: null },
      { ...GOOD, OssBucket: undefined, Extra: { a: [1, 'ä', null, '\u0000', '\ud800'] } },
    ].map((sample) => JSON.stringify(sample));
    for (const sample of samples) expect(JSON.parse(roundTrip(sample))).toEqual(JSON.parse(sample));
  });

  it('keeps numbers by their digits', () => {
    const text = `${JSON.stringify(GOOD).slice(0, -1)},"n":123456789012345678901234567890,"m":1.10,"k":1e400}`;
    const [, tail] = roundTrip(text).split('.jpg",');
    expect(tail).toBe('"n":123456789012345678901234567890,"m":1.10,"k":1e400}');
  });

  it('gives back any body with the fields it needs (property)', () => {
    const extra = fc.dictionary(
      fc.string().filter((key) => !Object.values(VENDOR_ALIASES).flat().includes(key)),
      fc.jsonValue({ maxDepth: 4 }),
    );
    const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
    const body = fc.record({
      domain: name,
      app: name,
      stream: name,
      object: fc.stringMatching(/^[A-Za-z0-9/._-]{1,80}$/),
      time: fc.option(fc.integer({ min: 1_451_606_400, max: 1_900_000_000 })),
    });
    fc.assert(
      fc.property(body, extra, (known, unknown) => {
        const text = JSON.stringify({ ...unknown, ...known });
        expect(JSON.parse(roundTrip(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('decodes to what was told and when it was received, however far apart', () => {
    const told = 1_483_228_800_000;
    const row = encodeCapture(read({ ...GOOD, CreateTimestamp: told }), RECEIVED, [TEMPLATE]);
    const decoded = decodeCapture({ ...row, rest: parseRest(row.rest) }, row.shape, row.key);
    expect(decoded).toMatchObject({ told, receivedAt: RECEIVED, object: GOOD.OssObject, bucket: 'snap' });
    const old = encodeCapture(read({ ...GOOD, OssObject: 'snapshot/live/cam01/1483228800.jpg' }), RECEIVED, [TEMPLATE]);
    expect(decodeCapture({ ...old, rest: parseRest(old.rest) }, old.shape, old.key).receivedAt).toBe(RECEIVED);
  });
});

describe('an instant is plausible', () => {
  it('from 2016 until a day ahead', () => {
    const now = Date.UTC(2026, 10, 24);
    expect(isPlausible(Date.UTC(2016, 0, 1) - 1, now)).toBe(false);
    expect(isPlausible(Date.UTC(2016, 0, 1), now)).toBe(true);
    expect(isPlausible(now + 86_400_000, now)).toBe(true);
    expect(isPlausible(now + 86_400_001, now)).toBe(false);
  });
});

describe('findStamp', () => {
  it('agrees with the compiled template wherever it finds something', () => {
    const part = fc.constantFrom(
      '{AppName}',
      '{StreamName}',
      '{UnixTimestamp}',
      '{Sequence}',
      '/',
      '-',
      'x',
      '1',
      'snapshot',
    );
    const name = fc.constantFrom('live', 'cam1', 'a-b', '17', '1765800000', 'x');
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 7 }),
        name,
        name,
        fc.constantFrom(1_765_800_000, 1_765_800_000_123),
        fc.integer({ min: 0, max: 99_999 }),
        (parts, app, stream, stamp, sequence) => {
          const template = parts.join('');
          const object = renderName(template, { app, stream, stamp, sequence });
          expect(object).toBe(
            compileTemplate(template, 'sequence').render({ app, stream, unixTimestamp: stamp, sequence }),
          );
          const found = findStamp(template, app, stream, object);
          if (found === null) return;
          // Two variables in a row can be cut in several ways; what is found must at least give the same name again.
          const again = {
            app,
            stream,
            stamp: found.unit === 's' ? (found.instant ?? 0) / 1000 : (found.instant ?? 0),
            sequence: found.sequence ?? 0,
          };
          expect(renderName(template, again)).toBe(object);
          const isAmbiguous = /\}\{|\}1|1\{/.test(template) || /\d/.test(app + stream);
          if (!isAmbiguous) {
            expect(compileTemplate(template, 'sequence').match(object, app, stream)).toEqual({
              capturedAt: found.instant,
              timestampUnit: found.unit,
              sequence: found.sequence,
            });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
