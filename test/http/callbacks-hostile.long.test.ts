import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forkReceiver, type ReceiverProcess } from '../support/callback-load.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createHostileRequests, type HostileRequest } from '../support/hostile-requests.ts';

/** The full number takes its time: SNAPAUDIT_HOSTILE_REQUESTS=200000. */
const REQUESTS = Number(process.env.SNAPAUDIT_HOSTILE_REQUESTS ?? 1_500);
const CLIENTS = 16;
const CHUNKED = { 'transfer-encoding': 'chunked' };

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-hostile-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** In one piece with its length, or in chunks: the two ways that a request takes through the receiver. */
function send(agent: Agent, url: string, hostile: HostileRequest, inChunks: boolean): Promise<number | string> {
  return new Promise((resolve) => {
    const outgoing = request(
      new URL(url),
      {
        method: hostile.method,
        path: hostile.path,
        agent,
        headers: {
          ...hostile.headers,
          ...(hostile.method === 'POST' && (inChunks ? CHUNKED : { 'content-length': hostile.body.length })),
        },
      },
      (response) => {
        response.resume();
        response.once('close', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    outgoing.end(hostile.body);
  });
}

function memoryOf(receiver: ReceiverProcess): Promise<NodeJS.MemoryUsage> {
  return new Promise((resolve) => {
    receiver.child.once('message', (message) => resolve(message as NodeJS.MemoryUsage));
    receiver.child.send('memory');
  });
}

for (const keyless of [false, true]) {
  describe(`a receiver ${keyless ? 'without' : 'with'} a key`, () => {
    let database: TestDatabase;
    let receiver: ReceiverProcess;
    beforeAll(async () => {
      database = await createTestDatabase();
      receiver = await forkReceiver({
        url: database.url,
        spoolDirectory: path.join(directory, String(keyless)),
        keyless,
      });
    });
    afterAll(async () => {
      receiver.child.kill('SIGTERM');
      await receiver.exited;
      await database.drop();
    });

    it(`answers ${REQUESTS} hostile requests without a 5xx, a crash or growing memory`, async () => {
      const next = createHostileRequests(keyless ? 2 : 1, Date.now);
      const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
      const answers = new Map<number | string, number>();
      const bad: string[] = [];
      const run = (count: number) =>
        Promise.all(
          Array.from({ length: CLIENTS }, async () => {
            while (count-- > 0) {
              const hostile = next();
              const answer = await send(agent, receiver.url, hostile, count % 2 === 0);
              answers.set(answer, (answers.get(answer) ?? 0) + 1);
              // A server may close the connection on a body that it does not want to read to its end.
              const isFine = typeof answer === 'number' ? answer < 500 : hostile.body.length > 64 * 1024;
              if (!isFine) bad.push(`${hostile.kind}: ${answer}`);
            }
          }),
        );
      await run(REQUESTS * 0.3);
      const before = await memoryOf(receiver);
      await run(REQUESTS * 0.7);
      const after = await memoryOf(receiver);
      agent.destroy();
      expect(bad).toEqual([]);
      expect(receiver.child.exitCode).toBeNull();
      // Bodies lie outside the heap (`external`, which has `arrayBuffers` in it); what the process keeps in all is its `rss`.
      for (const part of ['heapUsed', 'external', 'arrayBuffers'] as const) {
        expect(after[part], part).toBeLessThan(before[part] + 30 * 1024 ** 2);
      }
      expect(after.rss, 'rss').toBeLessThan(before.rss + 150 * 1024 ** 2);
      expect(answers.get(200)).toBeGreaterThan(REQUESTS * 0.2);
      expect(answers.get(413)).toBeGreaterThan(0);

      const { rows } = await database.pool.query<{ shapes: number; days: number; garbage: number }>(
        `select (select count(*) from capture_shapes) as shapes,
           (select count(*) from pg_inherits where inhparent = 'captures'::regclass) as days,
           (select count(*) from streams where stream ~ '[[:cntrl:]]') as garbage`,
      );
      expect(rows[0]!.garbage).toBe(0);
      // Who holds no key cannot make us create tables and shapes without end.
      if (keyless) {
        expect(rows[0]!.shapes).toBeLessThanOrEqual(1_000);
        expect(rows[0]!.days).toBeLessThanOrEqual(31 + 5);
      }
    }, 1_800_000);

    it('still stores a good callback afterwards', async () => {
      const response = await fetch(`${receiver.url}/readyz`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ status: 'ready', database: 'ok' });
    });
  });
}

describe('clients that take their time', () => {
  it('are cut off when their request does not come to its end', async () => {
    const database = await createTestDatabase();
    const receiver = await forkReceiver({ url: database.url, spoolDirectory: path.join(directory, 'slow') });
    const { port } = new URL(receiver.url);
    const begun = Date.now();
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write('POST /callbacks/snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
      });
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
    });
    expect(answer).toContain('408');
    expect(Date.now() - begun).toBeLessThan(15_000);
    receiver.child.kill('SIGTERM');
    await receiver.exited;
    await database.drop();
  }, 40_000);
});
