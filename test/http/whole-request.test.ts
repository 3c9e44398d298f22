import { createServer } from 'node:http';
import { duplexPair } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWholeRequestReader } from '../../src/http/whole-request.ts';

const ROUTE = { method: 'POST', path: '/callbacks/snapshot', maxBodyBytes: 64 };
const LINE = 'POST /callbacks/snapshot HTTP/1.1';
const BODY = '{"a":1}';
const HEAD = [LINE, 'Host: audit.example.com', 'ALI-LIVE-TIMESTAMP: 1', 'Content-Length: 7'];

const bytesOf = (lines: readonly string[], body = BODY) =>
  Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
const read = (bytes: Buffer) => createWholeRequestReader(ROUTE)(bytes);
/** The same head with one more line, or with others in place of those that begin alike. */
const withLine = (line: string) => bytesOf([...HEAD, line]);
const instead = (begin: string, ...lines: string[]) =>
  bytesOf(HEAD.flatMap((line) => (line.startsWith(begin) ? lines : [line])));

describe('a whole request', () => {
  it('is read with its headers by lower-case names and its body as it came', () => {
    const request = read(bytesOf([LINE, 'host:x', 'ALI-LIVE-Signature:  a b ', 'X-Empty:', 'content-length: 7']))!;
    expect([...request.headers]).toEqual([
      ['host', 'x'],
      ['ali-live-signature', 'a b'],
      ['x-empty', ''],
      ['content-length', '7'],
    ]);
    expect(request.body.toString()).toBe(BODY);
    expect(request.isLast).toBe(false);
    expect(read(withLine('Connection: Keep-Alive'))!.isLast).toBe(false);
    expect(read(withLine('Connection: close'))!.isLast).toBe(true);
    expect(read(bytesOf([LINE, 'Host: x', 'Content-Length: 0'], ''))!.body).toHaveLength(0);
  });

  it('has a body of at most the longest, and a head of at most 8 KB', () => {
    const withBody = (bytes: number) => bytesOf([LINE, 'Host: x', `Content-Length: ${bytes}`], 'x'.repeat(bytes));
    expect(read(withBody(64))!.body).toHaveLength(64);
    expect(read(withBody(65))).toBeNull();
    const withHead = (bytes: number) =>
      withLine(`X: ${'x'.repeat(bytes - HEAD.join('\r\n').length - '\r\nX: '.length)}`);
    expect(read(withHead(8_192))).not.toBeNull();
    expect(read(withHead(8_193))).toBeNull();
  });

  it.each([
    ['another method', instead('POST', 'PUT /callbacks/snapshot HTTP/1.1')],
    ['another path', instead('POST', 'POST /callbacks/snapshot?x HTTP/1.1')],
    ['another version', instead('POST', 'POST /callbacks/snapshot HTTP/1.0')],
    ['two spaces', instead('POST', 'POST  /callbacks/snapshot HTTP/1.1')],
    ['an empty line before', Buffer.concat([Buffer.from('\r\n'), bytesOf(HEAD)])],
    ['no host', instead('Host')],
    ['no length', instead('Content-Length')],
    ['a length with a sign', instead('Content-Length', 'Content-Length: +7')],
    ['an endless length', instead('Content-Length', `Content-Length: ${'0'.repeat(300)}7`)],
    ['two lengths in one', instead('Content-Length', 'Content-Length: 7, 7')],
    ['the same header twice', withLine('content-length: 7')],
    ['a header of ours twice', withLine('Ali-Live-Timestamp: 2')],
    ['chunks', withLine('Transfer-Encoding: chunked')],
    ['an expectation', withLine('Expect: 100-continue')],
    ['an upgrade', withLine('Upgrade: h2c')],
    ['a connection as proxies say it', withLine('Proxy-Connection: close')],
    ['an upgrade of the connection', withLine('Connection: Upgrade')],
    ['a space before the colon', withLine('X : 1')],
    ['a folded line', withLine(' folded')],
    ['no colon', withLine('X')],
    ['no name', withLine(': 1')],
    ['a lone line feed', withLine('X: a\nY: b')],
    ['a lone carriage return', withLine('X: a\rY: b')],
    ['a null byte', withLine('X: \u0000')],
    ['a tab', withLine('X: a\tb')],
    ['a byte beyond ASCII', withLine('X: \u00e9')],
    ['less body than told', bytesOf(HEAD, BODY.slice(1))],
    ['more body than told', bytesOf(HEAD, `${BODY}x`)],
    ['a second request behind', Buffer.concat([bytesOf(HEAD), bytesOf(HEAD)])],
    ['a head that is not complete', bytesOf(HEAD).subarray(0, 60)],
    ['nothing', Buffer.alloc(0)],
  ])('is not what has %s', (_what, bytes) => {
    expect(read(bytes)).toBeNull();
  });

  it('is read anew where only the head is known', () => {
    const reader = createWholeRequestReader(ROUTE);
    for (const body of ['{"a":1}', '{"b":2}']) expect(reader(bytesOf(HEAD, body))!.body.toString()).toBe(body);
    expect(reader(bytesOf(HEAD, `${BODY}x`))).toBeNull();
    for (let number = 0; number < 200; number++) {
      const lines = [...HEAD, `X: ${number}`];
      expect(reader(bytesOf(lines))!.headers.get('x')).toBe(String(number));
    }
    expect(reader(bytesOf(HEAD))!.body.toString()).toBe(BODY);
  });
});

describe("Node's own parser", () => {
  interface Heard {
    line: string;
    /** By names in lower case, as they came. */
    headers: [string, string][];
    body: string;
    isLast: boolean;
  }

  const pairsOf = (raw: string[]) =>
    Array.from({ length: raw.length / 2 }, (_, index): [string, string] => [
      raw[2 * index]!.toLowerCase(),
      raw[2 * index + 1]!,
    ]);

  /** What a server of Node's hears from these bytes. */
  function hear(bytes: Buffer): Promise<Heard[]> {
    const heard: Heard[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        heard.push({
          line: `${request.method} ${request.url} HTTP/${request.httpVersion}`,
          headers: pairsOf(request.rawHeaders),
          body: Buffer.concat(chunks).toString('latin1'),
          isLast: !response.shouldKeepAlive,
        });
        response.end();
      });
    });
    const [client, connection] = duplexPair();
    return new Promise((resolve) => {
      client.resume();
      client.on('error', () => {});
      connection.on('close', () => resolve(heard));
      server.emit('connection', connection);
      client.end(bytes);
    });
  }

  const lines = fc.constantFrom(
    ...[
      'Host: y',
      'Content-Length: 7',
      'Content-Length: 8',
      'content-length:7',
      'Content-Length: 007',
      'Connection: close',
    ],
    ...['Connection: keep-alive', 'Connection: close, x', 'Transfer-Encoding: chunked', 'Transfer-Encoding:\tchunked'],
    ...[
      'Expect: 100-continue',
      'Upgrade: x',
      'TE: trailers',
      ' folded',
      'X : 1',
      'X:1',
      'X: a\nContent-Length: 3',
      'X',
      '',
    ],
    ...[
      'X: a\r',
      ': 1',
      'X: \u0000',
      'X: \u00ff',
      'X:  two words  ',
      'Cookie: a=1',
      'Set-Cookie: b',
      'Range: 1',
      '__proto__: x',
    ],
    ...[
      'Authorization: x',
      'Proxy-Connection: close',
      'Keep-Alive: timeout=1',
      'Content-Encoding: gzip',
      'HTTP2-Settings: x',
    ],
  );
  const change = fc.oneof(
    fc.record({ kind: fc.constant('line' as const), at: fc.nat(5), text: lines }),
    fc.record({ kind: fc.constant('drop' as const), at: fc.nat(5) }),
    fc.record({ kind: fc.constant('byte' as const), at: fc.nat(150), value: fc.nat(255) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(150) }),
    fc.record({
      kind: fc.constant('more' as const),
      text: fc.constantFrom('x', '\r\n', bytesOf(HEAD).toString('latin1')),
    }),
  );

  const requests = fc.array(change, { maxLength: 3 }).map((changes) => {
    const head = [...HEAD];
    for (const each of changes) {
      if (each.kind === 'line') head.splice(each.at, 0, each.text);
      if (each.kind === 'drop') head.splice(each.at, 1);
    }
    let bytes = bytesOf(head);
    for (const each of changes) {
      if (each.kind === 'byte' && each.at < bytes.length) bytes[each.at] = each.value;
      if (each.kind === 'cut') bytes = bytes.subarray(0, each.at);
      if (each.kind === 'more') bytes = Buffer.concat([bytes, Buffer.from(each.text, 'latin1')]);
    }
    return bytes;
  });

  it('reads one request, and the same, in whatever is read as a whole one', async () => {
    const reader = createWholeRequestReader(ROUTE);
    let whole = 0;
    let others = 0;
    await fc.assert(
      fc.asyncProperty(requests, async (bytes) => {
        const request = reader(bytes);
        if (request === null) {
          others++;
          return;
        }
        whole++;
        const heard = await hear(bytes);
        expect(heard).toHaveLength(1);
        expect(heard[0]!.line).toBe(LINE);
        expect(heard[0]!.headers).toEqual([...request.headers]);
        expect(heard[0]!.body).toBe(request.body.toString('latin1'));
        expect(heard[0]!.isLast).toBe(request.isLast);
      }),
      { numRuns: 3_000 },
    );
    expect(whole).toBeGreaterThan(300);
    expect(others).toBeGreaterThan(300);
  }, 60_000);
});
