/** What our own page token carries, so that every page can be checked against the one before it without any state here. */
export interface PageToken {
  vendorToken: string;
  /** The next page must begin after it; '' where nothing was listed yet. */
  lastKey: string;
  /** How many pages in a row came without a key. */
  emptyPages: number;
}

export function encodePageToken(token: PageToken): string {
  return Buffer.from(JSON.stringify([token.vendorToken, token.lastKey, token.emptyPages])).toString('base64url');
}

/** Throws a plain `Error` for a text that is no token of ours: a mistake of the caller, not of OSS. */
export function decodePageToken(text: string): PageToken {
  try {
    const [vendorToken, lastKey, emptyPages] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (typeof vendorToken === 'string' && typeof lastKey === 'string' && Number.isInteger(emptyPages)) {
      return { vendorToken, lastKey, emptyPages };
    }
  } catch {
    // Falls through to the one error below.
  }
  throw new Error('not a page token of listPage');
}
