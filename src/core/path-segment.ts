/** What a browser, or a proxy, resolves away, percent-encoded too; `~` before it says that it is a name. */
const DOTS = /^~*\.{1,2}$/;
const MARKED_DOTS = /^~+\.{1,2}$/;

/** The name as one segment of a path, encoded. */
export function toPathSegment(name: string): string {
  return DOTS.test(name) ? `~${name}` : encodeURIComponent(name);
}

/** The name that such a segment stands for, once it is percent-decoded. */
export function fromPathSegment(decoded: string): string {
  return MARKED_DOTS.test(decoded) ? decoded.slice(1) : decoded;
}
