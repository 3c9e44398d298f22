import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Answer } from './answer.ts';
import type { DirectRoute } from './direct-route.ts';
import { createWholeRequestReader } from './whole-request.ts';

export interface DirectConnections {
  /** From now on every answer is the last of its connection. */
  announceEnd(): void;
  /** Ends the connections that wait for a next request; the others end with their answer, and a new one has a second to bring its first. */
  endIdle(): void;
  /** Ends them all, answered or not. */
  destroy(): void;
}

interface State {
  now: 'waiting' | 'answering' | 'ending';
  /** Has brought no request yet. */
  isNew: boolean;
}

/** A client that uses its connection in the last moment that it was told meets an open one, as with Node (`keepAliveTimeoutBuffer`). */
const KEEP_ALIVE_GRACE_MS = 1_000;
/** While stopping: whoever has just connected is about to send. */
const NEW_GRACE_MS = 1_000;

/**
 * Serves one route from the bytes of its connections as long as each request comes whole, in one chunk, in the vendor's plain form:
 * by way of Node's HTTP layer a callback takes the process half as long again. A connection that brings anything else
 * (another path, a body in pieces, two requests at once) is Node's from there to its end, with all its bytes.
 */
export function serveDirectly(
  server: Server,
  route: DirectRoute,
  options: {
    onFailure: (error: unknown) => Answer;
    onAnswer: () => void;
    firstRequestTimeoutMs: number;
    /** As it is told to clients. */
    keepAliveTimeoutMs: number;
  },
): DirectConnections {
  const toNode = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const read = createWholeRequestReader(route);
  const write = createAnswerWriter();
  const open = new Map<Socket, State>();
  const persistence = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(options.keepAliveTimeoutMs / 1000)}\r\n`;
  const silenceMs = options.keepAliveTimeoutMs + KEEP_ALIVE_GRACE_MS;
  let ending = false;

  server.on('connection', (socket: Socket) => {
    const state: State = { now: 'waiting', isNew: true };
    open.set(socket, state);
    const listeners = {
      data(chunk: Buffer) {
        if (state.now !== 'waiting') {
          // The next request before this one's answer waits for it.
          socket.pause();
          socket.unshift(chunk);
          return;
        }
        const request = read(chunk);
        if (request === null) {
          handOver(chunk);
          return;
        }
        state.now = 'answering';
        state.isNew = false;
        const { headers, body } = request;
        const begun = performance.now();
        const remoteAddress = socket.remoteAddress ?? null;
        route.handle({ body, header: (name) => headers.get(name), remoteAddress, begun }).then(
          (answer) => send(answer, request.isLast),
          (error: unknown) => send(options.onFailure(error), request.isLast),
        );
      },
      drain() {
        if (state.now === 'waiting') socket.resume();
      },
      end() {
        if (state.now === 'waiting') socket.end();
      },
      timeout() {
        if (state.now !== 'answering') socket.destroy();
      },
      close() {
        open.delete(socket);
      },
      error() {
        // 'close' follows.
      },
    };
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
    socket.setTimeout(options.firstRequestTimeoutMs);

    function send(answer: Answer, isLastRequest: boolean): void {
      state.now = 'waiting';
      if (socket.destroyed) return;
      options.onAnswer();
      const isLast = ending || isLastRequest || answer.isLast === true || socket.readableEnded;
      const text = write(answer, isLast ? 'Connection: close\r\n' : persistence);
      if (isLast) {
        state.now = 'ending';
        socket.write(text);
        socket.destroySoon();
        return;
      }
      const hasRoom = socket.write(text);
      if (socket.timeout !== silenceMs) socket.setTimeout(silenceMs);
      // A client that sends and does not read waits for itself.
      if (!hasRoom) socket.pause();
      else if (socket.isPaused()) socket.resume();
    }

    function handOver(chunk: Buffer): void {
      open.delete(socket);
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
      socket.setTimeout(0);
      socket.pause();
      socket.unshift(chunk);
      for (const listener of toNode) listener.call(server, socket);
      socket.resume();
    }
  });

  return {
    announceEnd() {
      ending = true;
    },
    endIdle() {
      for (const [socket, { now, isNew }] of open) {
        if (now !== 'waiting') continue;
        if (isNew) socket.setTimeout(NEW_GRACE_MS);
        else socket.destroy();
      }
    },
    destroy() {
      for (const socket of open.keys()) socket.destroy();
    },
  };
}

/** Writes answers as bytes go out. Nearly all of one second are the same one: it is kept. */
function createAnswerWriter(): (answer: Answer, connection: string) => string {
  let last: { answer: Answer; connection: string; second: number; text: string } | null = null;
  return (answer, connection) => {
    const second = Math.floor(Date.now() / 1000);
    if (last !== null && last.answer === answer && last.connection === connection && last.second === second) {
      return last.text;
    }
    let head = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n`;
    for (const [name, value] of Object.entries(answer.headers)) head += `${name}: ${value}\r\n`;
    // An IMF-fixdate (RFC 9110, 5.6.7), as toUTCString writes it.
    const text = `${head}Date: ${new Date(second * 1000).toUTCString()}\r\n${connection}\r\n${answer.body}`;
    last = { answer, connection, second, text };
    return text;
  };
}
