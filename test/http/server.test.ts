import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { jsonAnswer } from '../../src/http/answer.ts';
import { createHttpServer } from '../../src/http/server.ts';

const WAYS = { 'in its plain form': '', 'by way of Node': 'X: 1\r\nX: 2\r\n' };

describe('the server at its end', () => {
  it.each(Object.entries(WAYS))('answers what lies in its sockets already, %s', async (_way, lines) => {
    const answer = jsonAnswer({});
    const server = createHttpServer({
      direct: { method: 'POST', path: '/in', maxBodyBytes: 10, handle: async () => answer },
      routers: [],
      logger: pino({ level: 'silent' }),
    });
    const { port } = new URL(await server.listen({ port: 0, host: '127.0.0.1' }));
    const request = `POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n${lines}\r\n{}`;
    const clients = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const socket: Socket = connect(Number(port), '127.0.0.1');
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString();
        });
        const closed = once(socket, 'close');
        socket.write(request);
        await vi.waitFor(() => expect(text).toMatch(/Connection: keep-alive\r\n[\s\S]*\{\}$/));
        return { socket, closed, text: () => text };
      }),
    );
    // What follows runs where the loop has just read its sockets: the timers are next, and then the sockets again.
    await stat('.');
    const closed = server.close();
    for (const { socket } of clients) socket.write(request);
    // Busy until well after the farewell has run out.
    for (const begun = performance.now(); performance.now() - begun < 300; );
    await Promise.all([closed, ...clients.map((client) => client.closed)]);
    for (const { text } of clients) {
      expect(text().match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
      expect(text()).toMatch(/Connection: close\r\n/);
    }
  });
});
