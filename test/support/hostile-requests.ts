import { gzipSync } from 'node:zlib';
import { signCallback } from '../../src/core/callback-signature.ts';
import { Random } from '../../src/sandbox/broadcast/random.ts';
import { HOST, KEY } from './receiver.ts';

export interface HostileRequest {
  /** For the message of a failed test. */
  kind: string;
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** An endless, seeded stream of requests as an attacker (or a broken vendor) might send them. */
export function createHostileRequests(seed: number, clock: () => number): () => HostileRequest {
  const random = new Random(seed);
  // Signatures are good for minutes only, and a long run takes longer.
  let now = clock();
  const letters = (length: number) =>
    Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'[random.int(0, 35)]).join('');

  function wellFormed(): Record<string, unknown> {
    const stream = random.chance(0.5) ? `cam${random.int(0, 20)}` : letters(12);
    const stamp = Math.floor(now / 1000) - random.int(0, 3_000);
    return {
      DomainName: 'play.example.com',
      AppName: 'live',
      StreamName: stream,
      OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
      OssBucket: 'snap',
      OssObject: `snapshot/live/${stream}/${stamp}.jpg`,
    };
  }

  const strange: (() => unknown)[] = [
    () => null,
    () => true,
    () => random.int(-5, 5),
    () => 1e308,
    () => '',
    () => 'x'.repeat(10_240),
    () => 'ä€𝄞'.repeat(random.int(1, 400)),
    () => 'a\u0000b',
    () => '\u0007\u001b[31m',
    () => '\ud800',
    () => '../../etc/passwd',
    () => "'; drop table captures; --",
    () => '{"$ne":1}',
    () => [],
    () => [['a']],
    () => ({ a: { b: {} } }),
    () => letters(300),
    () => `${1e9 + random.int(0, 1e9)}`,
  ];
  const bodies: Record<string, () => string | Buffer> = {
    'plain good': () => JSON.stringify(wellFormed()),
    'a new stream name': () => JSON.stringify({ ...wellFormed(), StreamName: letters(20) }),
    'a new bucket': () => JSON.stringify({ ...wellFormed(), OssBucket: letters(20) }),
    'a new day': () => {
      const object = `snapshot/live/cam1/${random.int(1_400_000_000, 2_000_000_000)}.jpg`;
      return JSON.stringify({ ...wellFormed(), StreamName: 'cam1', OssObject: object });
    },
    'a strange field': () => {
      const body = wellFormed();
      body[random.pick(Object.keys(body))] = random.pick(strange)();
      return JSON.stringify(body);
    },
    'strange extras': () =>
      JSON.stringify({
        ...wellFormed(),
        [random.pick([letters(5), '__proto__', 'constructor', ''])]: random.pick(strange)(),
      }),
    'own __proto__': () => `{"__proto__":{"x":1},${JSON.stringify(wellFormed()).slice(1)}`,
    'a strange time': () =>
      JSON.stringify({
        ...wellFormed(),
        CreateTimestamp: random.pick([
          0,
          -1,
          1e15,
          '1e9',
          1_451_606_399_999,
          '2026-02-31T00:00:00Z',
          ...strange.map((make) => make()),
        ]),
      }),
    'a strange overlay': () => JSON.stringify({ ...wellFormed(), IsOverlay: random.pick(strange)() }),
    'huge numbers': () =>
      JSON.stringify(wellFormed()).replace(
        /}$/,
        `,"n":${'9'.repeat(random.int(1, 5_000))},"m":1e${random.int(1, 99_999)},"k":-1e-${random.int(1, 99_999)}}`,
      ),
    'deep nesting': () => `${'['.repeat(random.int(1, 30_000))}`,
    'deep nesting, closed': () => {
      const depth = random.int(1, 30_000);
      return `{"DomainName":"d","AppName":"a","StreamName":"s","OssObject":"o","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    },
    'many keys': () =>
      JSON.stringify({
        ...wellFormed(),
        ...Object.fromEntries(Array.from({ length: random.int(1, 2_000) }, () => [letters(8), 1])),
      }),
    'keys that read like those of another body': () =>
      JSON.stringify({ [Object.keys(wellFormed()).join(random.pick(['\n', ',', '","', '\u0000']))]: 1 }),
    'the same key twice': () => `{"StreamName":"one",${JSON.stringify(wellFormed()).slice(1)}`,
    'an array': () => JSON.stringify(Array.from({ length: random.int(0, 100) }, wellFormed)),
    'an array with extras': () =>
      JSON.stringify(
        Array.from({ length: random.int(1, 500) }, () => ({ domain: 'd', app: 'a', stream: 's', object: 'o', x: [1] })),
      ),
    'a mixed array': () => JSON.stringify([wellFormed(), random.pick(strange)()]),
    'no object': () => JSON.stringify(random.pick(strange)()),
    'not JSON': () =>
      random.pick(['', '{', '}', 'null', 'undefined', 'NaN', '{"a":01}', "{'a':1}", '<xml/>', 'a=b&c=d', '\ufeff{}']),
    'cut off': () => JSON.stringify(wellFormed()).slice(0, random.int(0, 200)),
    'broken UTF-8': () =>
      Buffer.concat([
        Buffer.from(JSON.stringify(wellFormed()).slice(0, -2)),
        Buffer.from([0xff, 0xc3, 0x28, 0x22, 0x7d]),
      ]),
    'random bytes': () => Buffer.from(Array.from({ length: random.int(0, 2_000) }, () => random.int(0, 255))),
    'null bytes': () => Buffer.alloc(random.int(1, 5_000)),
    'an escaped null': () => JSON.stringify({ ...wellFormed(), StreamName: 'a\u0000b', note: 'c\u0000d' }),
    'over 64 KB': () => Buffer.alloc(64 * 1024 + random.int(1, 10_000), 0x20),
    'a false canary': () =>
      random.pick(['{"snapauditCanary":1}', '{"snapauditCanary":"<script>"}', '{"snapauditCanary":"a"}']),
  };

  return () => {
    now = clock();
    const timestamp = random.chance(0.1)
      ? random.pick(['', '0', 'abc', '-1', '9'.repeat(30), '1e9', ' 1 '])
      : String(Math.floor(now / 1000));
    const signature = random.chance(0.7)
      ? signCallback(HOST, timestamp, KEY)
      : random.pick(['', 'zz', '0'.repeat(32), 'f'.repeat(5_000), signCallback(HOST, timestamp, 'otherkey')]);
    const headers: Record<string, string> = { 'ali-live-timestamp': timestamp, 'ali-live-signature': signature };

    if (random.chance(0.1)) {
      const value = () =>
        encodeURIComponent(
          random.pick([
            'publish',
            'publish_done',
            'cam1',
            'live',
            'push.example.com',
            String(Math.floor(now / 1000)),
            '\u0000',
            'x'.repeat(3_000),
            '%',
            'ä',
          ]),
        );
      const query = ['action', 'app', 'appname', 'id', 'time'].map((name) => `${name}=${value()}`).join('&');
      const tail = random.pick(['', '&time=%', '&id=%ff%fe', '&app=%00', '&a[]=1&a[b]=2', '?x']);
      return {
        kind: 'a stream callback',
        method: 'GET',
        path: `/callbacks/stream?${query}${tail}`,
        headers,
        body: Buffer.alloc(0),
      };
    }
    const kind = random.pick(Object.keys(bodies));
    let body = Buffer.from(bodies[kind]!());
    headers['content-type'] = random.pick([
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'x',
      'application/json; charset=utf-16',
    ]);
    if (random.chance(0.05)) {
      headers['content-encoding'] = random.pick(['gzip', 'deflate', 'br', 'x', 'identity']);
      if (headers['content-encoding'] === 'gzip') body = gzipSync(random.chance(0.5) ? Buffer.alloc(10_000_000) : body);
    }
    const path = random.chance(0.03)
      ? random.pick([
          '/callbacks/snapshot/',
          '/callbacks/%',
          '/callbacks/snapshot?x=%ff',
          '/CALLBACKS/SNAPSHOT',
          '//callbacks/snapshot',
        ])
      : '/callbacks/snapshot';
    return { kind, method: 'POST', path, headers, body };
  };
}
