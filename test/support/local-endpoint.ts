import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedCall {
  method: string;
  url: URL;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Takes the call and closes the connection without a word. */
  hangUp?: boolean;
}

export interface LocalEndpoint {
  url: string;
  calls: ReceivedCall[];
  answer: (call: ReceivedCall) => Answer | Promise<Answer>;
  close(): Promise<void>;
}

/** A web server on loopback that keeps what it was sent; it stands in for the other side of a channel. */
export async function startLocalEndpoint(answer: LocalEndpoint['answer'] = () => ({})): Promise<LocalEndpoint> {
  const endpoint: LocalEndpoint = { url: '', calls: [], answer, close: async () => {} };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', endpoint.url),
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    endpoint.calls.push(call);
    const { status = 200, headers = {}, body = {}, hangUp = false } = await endpoint.answer(call);
    if (hangUp) {
      request.socket.destroy();
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  endpoint.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return endpoint;
}
