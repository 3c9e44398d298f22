import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EvidenceLine } from '../../src/core/evidence.ts';
import { judgeEvidence } from '../../src/usecases/judge-evidence.ts';
import { broadcast, line, nameAt, textOf } from '../support/evidence.ts';
import { START } from '../support/judging.ts';

const SECOND = 1_000;
const judge = (lines: readonly EvidenceLine[]) => judgeEvidence(textOf(lines));

/** e.g. `cam01 40..60 2 not_captured`. */
async function gapsOf(lines: readonly EvidenceLine[]): Promise<string[]> {
  const { gaps } = await judge(lines);
  return gaps.map(
    ({ stream, from, to, count, cause, mode }) =>
      `${stream} ${(from - START) / SECOND}..${(to - START) / SECOND} ${count} ${cause}${mode ? ` ${mode}` : ''}`,
  );
}

describe('judging an evidence file', () => {
  it('finds nothing wrong with a broadcast that everybody saw', async () => {
    expect(await judge(broadcast(600))).toMatchObject({
      slots: { ok: 60 },
      coverage: 1,
      gaps: [],
      excused: [],
      foreign: [],
    });
  });

  it('gives gaps in the words of the design', async () => {
    expect(await judge(broadcast(600, [100, 110]))).toMatchObject({
      slots: { ok: 58, not_captured: 2 },
      coverage: 58 / 60,
      gaps: [
        {
          domain: 'play.example.com',
          app: 'live',
          stream: 'cam01',
          from: START + 100 * SECOND,
          to: START + 120 * SECOND,
          count: 2,
          verdict: 'not_captured',
          cause: 'not_captured',
        },
      ],
    });
  });

  it('has looked at nothing that no line says was looked at', async () => {
    const blindfold = (type: 'listed' | 'indexed') => broadcast(600, [100]).filter((each) => each.type !== type);
    expect((await judge(blindfold('indexed'))).slots).toMatchObject({ ok: 59, unknown: 1, not_captured: 0 });
    expect((await judge(blindfold('listed'))).slots).toMatchObject({ ok: 59, unknown: 1, not_captured: 0 });
    expect(
      await gapsOf(
        broadcast(600, [100]).map((each) => (each.type === 'listed' ? { ...each, prefix: 'covers/' } : each)),
      ),
    ).toEqual(['cam01 100..110 1 listing_failed']);
  });

  it('gives the same answer for any order of the lines, any number of times', async () => {
    const lines = [
      ...broadcast(400, [50, 60, 200]),
      line.callback(203, { verified: false }),
      line.index(200),
      line.object(205),
      line.session(500, 600, { stream: 'cam02' }),
      line.object(390, { key: 'cam01-backup/old.txt' }),
      line.object(390, { key: nameAt(390, 'ghost') }),
      line.config({ validFrom: START + 100 * SECOND, intervalSeconds: 20 }),
    ];
    const expected = await judge(lines);
    const orders = fc.shuffledSubarray([...lines, ...lines], { minLength: lines.length * 2 });
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        expect(await judge(order)).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('gives the same answer for any order of the lines where configs, buckets and reasons differ', async () => {
    const lines = [
      ...broadcast(400, [50, 60, 200]),
      line.config({ validFrom: 1, bucket: 'old', sequenceObject: 'old/{StreamName}/{UnixTimestamp}.jpg' }),
      line.config({ validFrom: 2, sequenceObject: 'snapshot/{AppName}/{StreamName}/{Sequence}.jpg' }),
      line.config({ validFrom: 3 }),
      line.callback(50, { receivedAt: START + 95 * SECOND }),
      line.object(50, { lastModified: START + 94 * SECOND }),
      line.index(60),
      ...(['x', 'y'] as const).map((reason): EvidenceLine => {
        const scope = { domain: null, app: null, stream: null };
        return { type: 'excused', from: START + 200 * SECOND, to: START + 210 * SECOND, ...scope, reason };
      }),
    ];
    const expected = await judge(lines);
    expect(expected.slots).toMatchObject({ ok: 37, late: 1, object_missing: 1, excused: 1 });
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(lines, { minLength: lines.length }), async (order) => {
        expect(await judge(order)).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('reads the time in a name, though a template that only counts was in force before', async () => {
    const lines = broadcast(600, [100]).filter(({ type }) => type !== 'config');
    const counting = line.config({ app: '*', sequenceObject: 'snapshot/{AppName}/{StreamName}/{Sequence}.jpg' });
    const late = [
      line.callback(100, { receivedAt: START + 145 * SECOND }),
      line.object(100, { lastModified: START + 144 * SECOND }),
    ];
    expect(await gapsOf([counting, line.config({ app: '*', validFrom: 1 }), ...lines, ...late])).toEqual([
      'cam01 100..110 1 late_delivery',
    ]);
  });

  it('takes a row of the index for one of the bucket in force', async () => {
    const old = line.config({ validFrom: -1, bucket: 'old', sequenceObject: 'old/{StreamName}/{UnixTimestamp}.jpg' });
    expect(await gapsOf([old, ...broadcast(600, [100]), line.index(100)])).toEqual(['cam01 100..110 1 object_deleted']);
  });

  it('calls nothing missing in a bucket that nobody listed', async () => {
    const old = line.config({ validFrom: -1, bucket: 'old' });
    const told = line.callback(100, { bucket: 'old' });
    expect(await gapsOf([old, ...broadcast(600, [100]), told])).toEqual(['cam01 100..110 1 listing_failed']);
  });

  it('calls nothing missing under an older name that nobody listed', async () => {
    const old = line.config({ validFrom: -1, sequenceObject: 'old/{AppName}/{StreamName}/{UnixTimestamp}.jpg' });
    const told = line.callback(100, { object: nameAt(100).replace('snapshot', 'old') });
    const lines = [old, ...broadcast(600, [100]), told];
    expect(await gapsOf(lines)).toEqual(['cam01 100..110 1 listing_failed']);
    expect(await gapsOf([...lines, line.listed(0, 600, { prefix: 'old/' })])).toEqual([
      'cam01 100..110 1 never_stored',
    ]);
  });

  it('asks the listing of its own bucket for a claim outside of every session', async () => {
    const later = line.config({ validFrom: START + 50 * SECOND, bucket: 'later' });
    const lines = [...broadcast(100).map((each) => (each.type === 'window' ? line.window(1_000) : each)), later];
    const claim = [line.callback(800), line.indexed(0, 1_000)];
    const listed = (bucket: string) => gapsOf([...lines, ...claim, line.listed(0, 1_000, { bucket })]);
    expect(await listed('later')).toEqual(['cam01 800..800.001 1 listing_failed']);
    expect(await listed('b')).toEqual(['cam01 800..800.001 1 never_stored']);
  });

  it('finds whose object it is by the streams that are known, where the name does not tell the app', async () => {
    const object = (at: number) => `snapshot/live/cam01/${START / SECOND + at}.jpg`;
    const lines = broadcast(600, [100]).filter(({ type }) => type !== 'config');
    const config = line.config({ app: '*', sequenceObject: 'snapshot/live/{StreamName}/{UnixTimestamp}.jpg' });
    const judged = await judge([config, ...lines, line.object(100, { key: object(100) })]);
    expect(judged).toMatchObject({ slots: { ok: 59, callback_missing: 1, not_captured: 0 }, foreign: [] });
  });

  it('tells overwrite captures apart by the interval in force, whatever other configs there are', async () => {
    const object = 'c/cam01.jpg';
    const lines = [line.window(600), line.session(0, 600), line.listed(0, 600, { prefix: 'c/' }), line.indexed(0, 600)];
    const config = { sequenceObject: null, overwriteObject: 'c/{StreamName}.jpg', intervalSeconds: 60 };
    for (let at = 0; at < 600; at += 60) {
      lines.push(line.callback(at, { object, receivedAt: START + (at + 6) * SECOND }));
      lines.push(line.index(at, { object, overlay: true }));
    }
    lines.push(line.config(config), line.object(540, { key: object }));
    const others = [line.config({ ...config, validFrom: -1, intervalSeconds: 10 }), line.config({ app: '*' })];
    expect(await judge([...lines, ...others])).toMatchObject({ slots: { ok: 10 }, coverage: 1, gaps: [] });
  });

  it('does not count slots up to a time in a name that is yet to come', async () => {
    const lines = broadcast(100).map((each) => (each.type === 'session' ? line.session(0, null) : each));
    const object = line.object(0, { key: 'snapshot/live/cam01/9999999999999.jpg' });
    expect((await judge([...lines, object])).slots).toMatchObject({ ok: 10 });
  });

  it('judges several streams of several domains and buckets apart', async () => {
    const other = { domain: 'play2.example.org', app: 'tv', stream: 'cam01' };
    const lines = [
      ...broadcast(100, [50]),
      line.config({
        ...other,
        app: '*',
        bucket: 'b2',
        intervalSeconds: 20,
        sequenceObject: '{StreamName}/{UnixTimestamp}.jpg',
      }),
      line.session(0, 100, other),
      line.listed(0, 100, { bucket: 'b2', prefix: '' }),
      ...[0, 20, 40, 60, 80].map((at) =>
        line.callback(at, { ...other, bucket: 'b2', object: `cam01/${START / SECOND + at}.jpg` }),
      ),
      ...[0, 20, 60, 80].map((at) => line.object(at, { bucket: 'b2', key: `cam01/${START / SECOND + at}.jpg` })),
    ];
    const { gaps } = await judge(lines);
    expect(gaps.map(({ domain, app, verdict, cause }) => `${domain}/${app} ${verdict}/${cause}`)).toEqual([
      'play.example.com/live not_captured/not_captured',
      'play2.example.org/tv object_missing/undetermined',
    ]);
  });

  it('judges a session by the config that stood when it began', async () => {
    const lines = broadcast(600).filter((each) => each.type !== 'session');
    const faster = line.config({ validFrom: START + 300 * SECOND, intervalSeconds: 5 });
    expect((await judge([...lines, faster, line.session(0, 600)])).coverage).toBe(1);
    const restarted = await judge([...lines, faster, line.session(0, 300), line.session(300, 600)]);
    expect(restarted.gaps.map(({ cause, from }) => [cause, from >= START + 300 * SECOND])).toEqual([
      ['interval_drift', true],
    ]);
  });

  it('expects nothing where no config stood', async () => {
    const lines = broadcast(100).filter((each) => each.type !== 'config');
    expect((await judge([...lines, line.config({ validFrom: START + 50 * SECOND })])).slots).toMatchObject({
      ok: 0,
      not_captured: 0,
      unexpected: 10,
    });
  });

  it('takes a capture at the end of a session, or before the second of its start, for one outside of it', async () => {
    const lines = [...broadcast(100).filter((each) => each.type !== 'session'), line.session(0, 90)];
    expect(await judge(lines)).toMatchObject({ slots: { ok: 9, unexpected: 1, not_captured: 0 } });
    const startedLate = [...broadcast(100).filter((each) => each.type !== 'session'), line.session(1, 101)];
    expect(await judge(startedLate)).toMatchObject({ slots: { ok: 9, unexpected: 1, not_captured: 0 } });
  });

  it('calls captures outside every session unexpected, and a claim there what it is', async () => {
    const stray = [line.callback(500), line.object(500), line.object(502), line.callback(800, { verified: false })];
    const lines = broadcast(100).map((each) => (each.type === 'window' ? line.window(1_000) : each));
    const looked = [line.listed(0, 1_000), line.indexed(0, 1_000)];
    expect(await gapsOf([...lines, ...looked, ...stray])).toEqual([
      'cam01 500..502.001 2 no_session',
      'cam01 800..800.001 1 unconfirmed',
    ]);
  });

  it('counts foreign objects by prefix, and takes a wrong name that was announced for misnamed', async () => {
    const lines = [
      ...broadcast(100, [50]),
      line.callback(50, { object: 'snapshot/live/wrong-50.jpg', capturedAt: START + 50 * SECOND }),
      line.object(50, { key: 'snapshot/live/wrong-50.jpg' }),
      ...[1, 2, 3].map((at) => line.object(at, { key: `backup/2026/${at}.sql` })),
      line.object(1, { bucket: 'elsewhere', key: 'x' }),
    ];
    const judged = await judge(lines);
    expect(judged.gaps.map(({ verdict, cause, count }) => `${verdict}/${cause} ${count}`)).toEqual([
      'misnamed/wrong_name 1',
    ]);
    expect(judged.foreign).toEqual([
      { bucket: 'b', prefix: 'backup/2026/', count: 3 },
      { bucket: 'elsewhere', prefix: '', count: 1 },
    ]);
  });

  it('does not let a forged callback take an object away from its stream', async () => {
    const forged = line.callback(50, { stream: 'cam02', verified: false });
    const lines = [
      ...broadcast(100),
      line.session(0, 100, { stream: 'cam02' }),
      line.indexed(0, 100, { stream: 'cam02' }),
      forged,
    ];
    const judged = await judge(lines);
    expect(judged.slots.ok).toBe(10);
    expect(judged.gaps.filter(({ stream }) => stream === 'cam01')).toEqual([]);
    expect(judged.gaps.filter(({ stream, cause }) => stream === 'cam02' && cause === 'unconfirmed')).toHaveLength(1);
  });

  it('keeps excused runs apart, with the reason', async () => {
    const excused: EvidenceLine = {
      type: 'excused',
      from: START + 40 * SECOND,
      to: START + 60 * SECOND,
      domain: null,
      app: 'live',
      stream: null,
      reason: 'maintenance',
    };
    const lines = [...broadcast(100, [40, 50]), excused];
    const judged = await judge(lines);
    expect(judged).toMatchObject({ slots: { ok: 8, excused: 2 }, coverage: 1, gaps: [] });
    expect(judged.excused).toMatchObject([{ count: 2, verdict: 'excused', cause: null, reason: 'maintenance' }]);
    expect((await judge([...broadcast(100, [40]), { ...excused, app: 'other' }])).slots.excused).toBe(0);
  });

  it('judges each mode by itself where both are on, and says which', async () => {
    const overwriteObject = 'cover/{StreamName}.jpg';
    const lines: EvidenceLine[] = broadcast(100, [50]).map((each) =>
      each.type === 'config' ? { ...each, overwriteObject } : each,
    );
    const cover = 'cover/cam01.jpg';
    for (let at = 0; at < 100; at += 10) {
      lines.push(line.index(at, { object: cover, overlay: true }));
      if (at !== 20) lines.push(line.callback(at, { object: cover, capturedAt: START + at * SECOND }));
    }
    lines.push(line.object(91, { key: cover }), line.listed(0, 100, { prefix: cover }));
    expect(await gapsOf(lines)).toEqual([
      'cam01 20..30 1 delivery_lost overwrite',
      'cam01 50..60 1 not_captured sequence',
    ]);
    expect((await judge(lines)).slots).toMatchObject({ ok: 18, callback_missing: 1, not_captured: 1 });
  });

  it.each([
    ['{"type":"window"', 'line 3: is not JSON'],
    ['[1]', 'line 3: is not a JSON object'],
    ['{"from":"x"}', 'line 3: field "type" is missing'],
    ['{"type":"sesion"}', 'line 3: field "type" is "sesion"; known types are window, config'],
    ['{"type":"toString"}', 'line 3: field "type" is "toString"'],
    [
      '{"type":"blind","from":"2026-11-24","to":"2026-11-24T00:00:00Z"}',
      'line 3: blind: field "from": is not an RFC 3339 instant',
    ],
    ['{"type":"blind","from":"2026-11-24T00:00:00Z"}', 'line 3: blind: field "to"'],
    ['{"type":"lifecycle","bucket":"b","prefix":"","days":"30"}', 'line 3: lifecycle: field "days"'],
    [
      '{"type":"blind","from":"2026-02-31T00:00:00Z","to":"2026-11-24T00:00:00Z"}',
      'line 3: blind: field "from": is not an RFC 3339 instant',
    ],
    [
      '{"type":"blind","from":"2026-11-24T24:00:00Z","to":"2026-11-24T00:00:00Z"}',
      'line 3: blind: field "from": is not an RFC 3339 instant',
    ],
    ...['blind', 'excused', 'window', 'listed', 'indexed'].map((type) => [
      JSON.stringify({
        ...line.window(5),
        ...{ domain: 'd', app: 'a', stream: 's', bucket: 'b', prefix: '' },
        type,
        now: '2026-11-24T12:00:00+00:00',
        from: '2026-11-24T12:00:00+01:00',
        to: '2026-11-24T10:59:59.999Z',
      }),
      `line 3: ${type}: field "to": is before "from"`,
    ]),
    [
      '{"type":"session","domain":"d","app":"a","stream":"s","startedAt":"2026-11-24T00:00:00Z","endedAt":"2026-11-23T00:00:00Z"}',
      'line 3: session: field "endedAt": is before "startedAt"',
    ],
  ])('names line and field of a line that it cannot understand: %s', async (text, message) => {
    const [first] = textOf(broadcast(10));
    await expect(judgeEvidence([first!, '', text])).rejects.toThrow(message);
  });

  it('says so of an empty file, and of one without a window', async () => {
    await expect(judgeEvidence([])).rejects.toThrow(/^the evidence is empty$/);
    await expect(judgeEvidence(['', ' '])).rejects.toThrow(/^the evidence is empty$/);
    await expect(judge([line.config()])).rejects.toThrow(/^the evidence has no line of type "window"$/);
  });

  it('reads a file that begins with a byte order mark', async () => {
    const [first, ...others] = textOf(broadcast(100));
    expect((await judgeEvidence([`\uFEFF${first}`, ...others])).coverage).toBe(1);
  });

  it.each(['-', ''])('takes the object name "%s" for a mode that is off', async (off) => {
    const lines = broadcast(100).map((each) => (each.type === 'config' ? { ...each, overwriteObject: off } : each));
    expect(await judge(lines)).toMatchObject({ slots: { ok: 10, unknown: 0, not_captured: 0 }, gaps: [] });
  });

  it('believes the line that knows the end of a session, whatever the order', async () => {
    const lines = broadcast(100);
    for (const both of [
      [...lines, line.session(0, null)],
      [line.session(0, null), ...lines],
    ]) {
      expect(await judge(both.map((each) => (each.type === 'window' ? line.window(400) : each)))).toMatchObject({
        slots: { ok: 10, not_captured: 0 },
      });
    }
  });

  it('ignores fields that it does not know, and blank lines', async () => {
    const lines = textOf(broadcast(100)).map((text) => text.replace('{', '{"comment":{"by":"someone"},'));
    expect((await judgeEvidence(['', ...lines, '  '])).coverage).toBe(1);
  });

  it('refuses two windows that differ', async () => {
    await expect(judge([line.window(100), line.window(200)])).rejects.toThrow('line 2: window: there is another');
  });
});
