import { describe, expect, it } from 'vitest';
import { shownUrl, withShownUrls } from '../../src/core/shown-url.ts';

describe('a URL as it is shown', () => {
  it.each([
    ['https://old.example.com/cb', 'https://old.example.com/cb'],
    ['http://[::1]:8080/a?', 'http://[::1]:8080/a?'],
    ['https://old.example.com/cb?app=live&token=s3cret', 'https://old.example.com/cb?app=…&token=…'],
    ['https://old.example.com?s3cret', 'https://old.example.com?…'],
    ['https://old.example.com/cb?token=s3=cret==&&a#s3cret', 'https://old.example.com/cb?token=…&&…#…'],
    ['HTTPS://me:s3@cret@old.example.com/a@b', 'HTTPS://…@old.example.com/a@b'],
    ['https://old.example.com/cb?token=s3\ncret', 'https://old.example.com/cb?token=…'],
    [' https://me:s3cret@old.example.com/cb', ' https://…@old.example.com/cb'],
    ['https://@me:s3cret@old.example.com/cb', 'https://…@old.example.com/cb'],
    ['https://me@', 'https://…@'],
    // Nobody is named: such a URL leads to us where the same without it does, for `judge` as for the audit.
    ['https://@audit.example.com/cb', 'https://@audit.example.com/cb'],
    ['https://:@audit.example.com/cb', 'https://:@audit.example.com/cb'],
    ['no URL at all', 'no URL at all'],
  ])('%j says where it leads and not what gives access: %j', (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
    expect(shownUrl(shown)).toBe(shown);
  });

  it('is the same within a sentence', () => {
    expect(withShownUrls('Callback "https://a.example.com/?t=s3cret" and http://b?c, are malformed.')).toBe(
      'Callback "https://a.example.com/?t=…" and http://b?… are malformed.',
    );
  });
});
