/** A request that lies whole in one chunk of bytes. */
export interface WholeRequest {
  /** By names in lower case; each came once. */
  headers: ReadonlyMap<string, string>;
  body: Buffer;
  /** The client asks that the connection ends with the answer. */
  isLast: boolean;
}

/** What the bytes before a body say. */
interface Head {
  headers: ReadonlyMap<string, string>;
  bodyBytes: number;
  isLast: boolean;
}

const MAX_HEAD_BYTES = 8 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Printable ASCII: neither tabs nor what a sender's encoding might mean. */
const VALUE = /^[\x20-\x7e]*$/;
const LENGTH = /^\d{1,7}$/;
/** They change how the body is read or what becomes of the connection (Node takes `Proxy-Connection` for `Connection`). */
const NODES_OWN = ['transfer-encoding', 'expect', 'upgrade', 'te', 'trailer', 'proxy-connection'];
const MAX_REMEMBERED = 64;

/**
 * Reads the one plain form of a request that the vendor and the usual proxies send: this method and path in HTTP/1.1, each header once
 * and of printable ASCII, a body of the told length, and nothing after it. Null for everything else, valid or not: that is for Node's
 * own parser to say. Whatever is read here, that parser reads the same.
 *
 * The callbacks of one second have nearly all the same head: the last ones are remembered by their bytes.
 */
export function createWholeRequestReader(route: {
  method: string;
  path: string;
  maxBodyBytes: number;
}): (chunk: Buffer) => WholeRequest | null {
  const remembered = new Map<string, Head>();
  const requestLine = `${route.method} ${route.path} HTTP/1.1`;

  return (chunk) => {
    const end = chunk.indexOf(HEAD_END);
    if (end < 0 || end > MAX_HEAD_BYTES) return null;
    const text = chunk.toString('latin1', 0, end);
    let head = remembered.get(text) ?? null;
    if (head === null) {
      head = readHead(text, requestLine);
      if (head === null || head.bodyBytes > route.maxBodyBytes) return null;
      if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string);
      remembered.set(text, head);
    }
    const bodyAt = end + HEAD_END.length;
    if (chunk.length !== bodyAt + head.bodyBytes) return null;
    return { headers: head.headers, body: chunk.subarray(bodyAt), isLast: head.isLast };
  };
}

function readHead(text: string, requestLine: string): Head | null {
  const [first, ...lines] = text.split('\r\n');
  if (first !== requestLine) return null;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1);
    if (colon < 1 || !NAME.test(name) || !VALUE.test(value)) return null;
    headers.set(name.toLowerCase(), value.trim());
  }
  const cameTwice = headers.size !== lines.length;
  if (cameTwice || !headers.has('host') || NODES_OWN.some((name) => headers.has(name))) return null;
  const length = headers.get('content-length') ?? '';
  const connection = headers.get('connection')?.toLowerCase() ?? 'keep-alive';
  if (!LENGTH.test(length) || (connection !== 'keep-alive' && connection !== 'close')) return null;
  return { headers, bodyBytes: Number(length), isLast: connection === 'close' };
}
