import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../src/http/answer.ts';
import { type DirectConnections, serveDirectly } from '../../src/http/direct-connections.ts';
import { handleDirectly } from '../../src/http/direct-route.ts';

/** A route whose answers the test gives, on a server that counts what came by Node's way. */
interface Running {
  server: Server;
  connections: DirectConnections;
  /** Bodies of the requests that wait for their answer, or had it. */
  handled: string[];
  answer: (answer?: Partial<Answer>) => void;
  fail: (error: Error) => void;
  byNode: () => number;
  answers: () => number;
  connect: () => Promise<Client>;
}

interface Client {
  socket: Socket;
  text: () => string;
  /** Resolves when the server has read it, and what is written next comes apart. */
  writeAlone: (piece: string) => Promise<void>;
  /** Resolves when so many answers have come. */
  answers: (count: number) => Promise<string[]>;
  closed: Promise<void>;
}

const sockets: Socket[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function start(timeouts: { firstRequestTimeoutMs?: number; keepAliveTimeoutMs?: number } = {}): Promise<Running> {
  const handled: string[] = [];
  const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  let nodes = 0;
  let answers = 0;
  const route = {
    method: 'POST',
    path: '/in',
    maxBodyBytes: 100,
    handle: ({ body }: { body: Buffer | null }) =>
      new Promise<Answer>((resolve, reject) => {
        handled.push(body?.toString() ?? 'too large');
        waiting.push({ resolve, reject });
      }),
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    nodes++;
    if (request.method === 'POST') void handleDirectly(route, request, response);
    else response.end('from Node');
  });
  servers.push(server);
  const connections = serveDirectly(server, route, {
    onFailure: (error) => ({ status: 500, headers: { 'Content-Length': '6' }, body: (error as Error).message }),
    onAnswer: () => answers++,
    firstRequestTimeoutMs: 60_000,
    keepAliveTimeoutMs: 60_000,
    ...timeouts,
  });
  const accepted: Socket[] = [];
  server.on('connection', (socket: Socket) => accepted.push(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    server,
    connections,
    handled,
    answer: (answer) => waiting.shift()!.resolve(answer ? good(answer) : EMPTY),
    fail: (error) => waiting.shift()!.reject(error),
    byNode: () => nodes,
    answers: () => answers,
    async connect() {
      const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
      sockets.push(socket);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('error', () => {});
      const closed = once(socket, 'close').then(() => {});
      await once(socket, 'connect');
      const complete = () => text.split(/(?=HTTP\/1\.1 )/).filter((each) => each.endsWith('}'));
      return {
        socket,
        text: () => text,
        async writeAlone(piece) {
          socket.write(piece);
          const far = accepted.find(({ remotePort }) => remotePort === socket.localPort)!;
          await vi.waitFor(() => expect(far.bytesRead).toBe(socket.bytesWritten), { interval: 1 });
        },
        async answers(count) {
          await vi.waitFor(() => expect(complete()).toHaveLength(count));
          return complete();
        },
        closed,
      };
    },
  };
}

/** The same one each time, as most answers of the receiver are. */
const EMPTY = good({});

function good({ body = '{}', ...more }: Partial<Answer>): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json', 'Content-Length': String(body.length) },
    body,
    ...more,
  };
}

const request = (body: string, ...lines: string[]) =>
  ['POST /in HTTP/1.1', 'Host: x', `Content-Length: ${body.length}`, ...lines, '', body].join('\r\n');
const handledBy = (running: Running, count: number) => vi.waitFor(() => expect(running.handled).toHaveLength(count));
const withoutDate = (answer: string) => answer.replace(/^Date: .*\r\n/m, '');
/** Header names and values, whatever their order. */
const partsOf = (answer: string) => {
  const [head, body] = withoutDate(answer).split('\r\n\r\n');
  const [status, ...lines] = head!.split('\r\n');
  return { status, headers: lines.sort(), body };
};

describe('a connection that brings whole requests', () => {
  it('is answered without Node’s HTTP layer, request for request', async () => {
    const running = await start();
    const client = await running.connect();
    for (const number of [1, 2, 3]) {
      client.socket.write(request(`{"n":${number}}`));
      await handledBy(running, number);
      running.answer({ body: `{"answer":${number}}` });
      const answers = await client.answers(number);
      expect(withoutDate(answers[number - 1]!)).toBe(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n` +
          `Connection: keep-alive\r\nKeep-Alive: timeout=60\r\n\r\n{"answer":${number}}`,
      );
    }
    expect(running.handled).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    expect(running.byNode()).toBe(0);
    expect(running.answers()).toBe(3);
  });

  it('tells the time of each answer', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 27, 4, 5, 6) });
    try {
      const running = await start();
      const client = await running.connect();
      const dateOf = (answer: string) => /^Date: (.*)\r$/m.exec(answer)![1];
      client.socket.write(request('1'));
      await handledBy(running, 1);
      running.answer();
      expect(dateOf((await client.answers(1))[0]!)).toBe('Fri, 27 Nov 2026 04:05:06 GMT');
      client.socket.write(request('2'));
      await handledBy(running, 2);
      vi.setSystemTime(Date.UTC(2026, 10, 27, 4, 5, 7));
      running.answer();
      expect(dateOf((await client.answers(2))[1]!)).toBe('Fri, 27 Nov 2026 04:05:07 GMT');
    } finally {
      vi.useRealTimers();
    }
  });

  it('gets the answer to a failure, and goes on', async () => {
    const running = await start();
    const client = await running.connect();
    client.socket.write(request('1'));
    await handledBy(running, 1);
    running.fail(new Error('{"no"}'));
    expect((await client.answers(1))[0]).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n.*\{"no"\}$/s);
    client.socket.write(request('2'));
    await handledBy(running, 2);
    running.answer();
    expect(await client.answers(2)).toHaveLength(2);
  });

  it('has its next request wait for the answer before it', async () => {
    const running = await start();
    const client = await running.connect();
    client.socket.write(request('1'));
    await handledBy(running, 1);
    client.socket.write(request('2'));
    // Another connection's way there and back: the second request has long arrived.
    const other = await running.connect();
    other.socket.write(request('other'));
    await handledBy(running, 2);
    expect(running.handled).toEqual(['1', 'other']);
    running.answer({ body: '{"to":1}' });
    await handledBy(running, 3);
    expect(running.handled).toEqual(['1', 'other', '2']);
    running.answer({ body: '{"to":"other"}' });
    running.answer({ body: '{"to":2}' });
    expect((await client.answers(2)).map((answer) => answer.slice(-8))).toEqual(['{"to":1}', '{"to":2}']);
    expect(running.byNode()).toBe(0);
  });

  it('ends with the answer that the client, the route or the end of the service makes the last', async () => {
    const running = await start();
    for (const [lines, last] of [
      [['Connection: close'], {}],
      [[], { isLast: true }],
    ] as const) {
      const client = await running.connect();
      client.socket.write(request('1', ...lines));
      await vi.waitFor(() => running.answer(last));
      await client.closed;
      expect(client.text()).toMatch(/\r\nConnection: close\r\n\r\n\{\}$/);
    }
    const [busy, idle] = [await running.connect(), await running.connect()];
    idle.socket.write(request('2'));
    await handledBy(running, 3);
    running.answer();
    await idle.answers(1);
    busy.socket.write(request('3'));
    await handledBy(running, 4);
    running.connections.announceEnd();
    running.server.close();
    running.connections.endIdle();
    await idle.closed;
    expect(idle.text()).toMatch(/\r\nConnection: keep-alive\r\n/);
    running.answer();
    await busy.closed;
    expect(busy.text()).toMatch(/\r\nConnection: close\r\n\r\n\{\}$/);
    await vi.waitFor(() => expect(running.server.listening).toBe(false));
    expect(running.byNode()).toBe(0);
  });

  it('is answered its first request also when the service ends, and is ended where it brings none', async () => {
    const running = await start();
    const [client, silent] = [await running.connect(), await running.connect()];
    await vi.waitFor(async () => {
      const count = await new Promise((resolve) => running.server.getConnections((_error, open) => resolve(open)));
      expect(count).toBe(2);
    });
    running.connections.announceEnd();
    running.server.close();
    running.connections.endIdle();
    client.socket.write(request('1'));
    await handledBy(running, 1);
    running.answer();
    await Promise.all([client.closed, silent.closed]);
    expect(client.text()).toMatch(/\r\nConnection: close\r\n\r\n\{\}$/);
    expect(silent.text()).toBe('');
  });

  it('is answered though the client has said that nothing more comes', async () => {
    const running = await start();
    const client = await running.connect();
    client.socket.end(request('1'));
    await handledBy(running, 1);
    running.answer();
    await client.closed;
    expect(client.text()).toMatch(/\r\nConnection: close\r\n\r\n\{\}$/);
  });

  it('may go away before its answer', async () => {
    const running = await start();
    const client = await running.connect();
    client.socket.write(request('1'));
    await handledBy(running, 1);
    client.socket.resetAndDestroy();
    await vi.waitFor(async () => {
      const count = await new Promise((resolve) => running.server.getConnections((_error, open) => resolve(open)));
      expect(count).toBe(0);
    });
    running.answer();
    const next = await running.connect();
    next.socket.write(request('2'));
    await handledBy(running, 2);
    running.answer();
    await next.answers(1);
    expect(running.answers()).toBe(1);
  });

  it('is not listened to while it does not read its answers', async () => {
    const running = await start();
    const client = await running.connect();
    client.socket.pause();
    client.socket.write(request('1'));
    await handledBy(running, 1);
    const long = `{"x":"${'x'.repeat(20_000_000)}"}`;
    running.answer({ body: long });
    client.socket.write(request('2'));
    const other = await running.connect();
    other.socket.write(request('other'));
    await handledBy(running, 2);
    expect(running.handled).toEqual(['1', 'other']);
    client.socket.resume();
    await handledBy(running, 3);
    expect(running.handled[2]).toBe('2');
  });
});

describe('a connection that brings anything else', () => {
  const whole = request('{"whole":true}');
  it.each([
    ['a body after its head', [whole.slice(0, -14), whole.slice(-14)]],
    ['a head in two pieces', [whole.slice(0, 20), whole.slice(20)]],
    ['a byte at a time', [...whole]],
    [
      'chunks',
      [`${request('').replace('Content-Length: 0', 'Transfer-Encoding: chunked')}e\r\n{"whole":true}\r\n0\r\n\r\n`],
    ],
    ['a header twice', [whole.replace('Host: x', 'Host: x\r\nX: 1\r\nX: 2')]],
  ])('is answered alike by Node: %s', async (_what, pieces) => {
    const running = await start();
    const [direct, other] = [await running.connect(), await running.connect()];
    direct.socket.write(whole);
    await handledBy(running, 1);
    running.answer();
    for (const piece of pieces) await other.writeAlone(piece);
    await handledBy(running, 2);
    running.answer();
    expect(running.handled).toEqual(['{"whole":true}', '{"whole":true}']);
    expect(running.byNode()).toBe(1);
    const [ours, nodes] = [await direct.answers(1), await other.answers(1)];
    expect(partsOf(nodes[0]!)).toEqual(partsOf(ours[0]!));
  });

  it('is Node’s to its end, with every byte', async () => {
    const running = await start();
    const client = await running.connect();
    client.socket.write(request('1'));
    await handledBy(running, 1);
    running.answer();
    await client.answers(1);
    client.socket.write(`${request('2')}${request('3')}`);
    await handledBy(running, 3);
    running.answer();
    running.answer();
    await client.answers(3);
    client.socket.write(request('4'));
    await handledBy(running, 4);
    running.answer();
    await client.answers(4);
    expect(running.handled).toEqual(['1', '2', '3', '4']);
    expect([running.byNode(), running.answers()]).toEqual([3, 1]);
    client.socket.write('GET /other HTTP/1.1\r\nHost: x\r\n\r\n');
    await vi.waitFor(() => expect(client.text()).toMatch(/from Node$/));
    client.socket.write('nonsense\r\n\r\n');
    await client.closed;
    expect(client.text()).toMatch(/HTTP\/1\.1 400 Bad Request/);
  });

  it('is told where its body is too long', async () => {
    const running = await start();
    const client = await running.connect();
    client.socket.write(request('x'.repeat(101)));
    await handledBy(running, 1);
    expect(running.handled).toEqual(['too large']);
    expect(running.byNode()).toBe(1);
  });
});

describe('a silent connection', () => {
  it('is ended where no first request comes, or no next one', async () => {
    const running = await start({ firstRequestTimeoutMs: 50, keepAliveTimeoutMs: 50 });
    const client = await running.connect();
    await client.closed;
    expect(client.text()).toBe('');
    const second = await start({ keepAliveTimeoutMs: 50 });
    const served = await second.connect();
    served.socket.write(request('1'));
    await handledBy(second, 1);
    second.answer();
    await served.closed;
    expect(served.text()).toMatch(/\{\}$/);
  });

  it('is not ended while it waits for its answer', async () => {
    const running = await start({ firstRequestTimeoutMs: 50 });
    const silent = await running.connect();
    const client = await running.connect();
    client.socket.write(request('1'));
    await handledBy(running, 1);
    const later = await running.connect();
    await Promise.all([silent.closed, later.closed]);
    running.answer();
    expect(await client.answers(1)).toHaveLength(1);
  });
});
