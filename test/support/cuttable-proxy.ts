import { createConnection, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback that can lose its upstream in the two ways that matter: refused at once, or silent. */
export interface CuttableProxy {
  port: number;
  /** Where new connections go. */
  setTarget(port: number): void;
  /** Ends all connections and refuses new ones. */
  refuse(): void;
  /** Keeps connections open, accepts new ones, and moves no byte. */
  freeze(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function startCuttableProxy(targetPort: number): Promise<CuttableProxy> {
  let target = targetPort;
  let mode: 'open' | 'refuse' | 'freeze' = 'open';
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((client) => {
    if (mode === 'refuse') {
      client.destroy();
      return;
    }
    const upstream = createConnection({ port: target, host: '127.0.0.1' });
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    client.pipe(upstream);
    upstream.pipe(client);
    if (mode === 'freeze') for (const socket of pair) socket.pause();
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) {
      socket.on('error', end);
      socket.on('close', end);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const refuse = () => {
    mode = 'refuse';
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    setTarget(port) {
      target = port;
    },
    refuse,
    freeze() {
      mode = 'freeze';
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        upstream.unpipe(client);
        client.pause();
        upstream.pause();
      }
    },
    restore() {
      if (mode === 'freeze') {
        for (const [client, upstream] of pairs) {
          client.pipe(upstream);
          upstream.pipe(client);
        }
      }
      mode = 'open';
    },
    async close() {
      refuse();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Such a proxy before a database, and the URL that leads through it. */
export async function startDatabaseProxy(databaseUrl: string): Promise<{ proxy: CuttableProxy; url: string }> {
  const url = new URL(databaseUrl);
  const proxy = await startCuttableProxy(Number(url.port || 5432));
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return { proxy, url: url.href };
}
