import { describe, expect, it } from 'vitest';
import { liveApiOver } from '../../../src/adapters/live/live-api.ts';

const DOMAIN = 'play.example.com';

/** A vendor whose online list gives the pages in turn, whatever page is asked for. */
function vendorWithPages(pages: { streams: string[]; total: number; totalPages: number }[]) {
  const asked: unknown[] = [];
  const live = liveApiOver({
    call: async (_action, _subject, query) => {
      const page = pages[asked.length]!;
      asked.push(query.PageNum);
      return {
        TotalNum: page.total,
        TotalPage: page.totalPages,
        OnlineInfo: {
          LiveStreamOnlineInfo: page.streams.map((stream) => ({
            DomainName: DOMAIN,
            AppName: 'live',
            StreamName: stream,
            PublishTime: '2026-11-01T00:00:00Z',
          })),
        },
      };
    },
    calls: () => ({}),
    close: async () => {},
  });
  return { live, asked };
}

const names = async ({ live }: ReturnType<typeof vendorWithPages>) =>
  (await live.onlineStreams(DOMAIN)).map(({ stream }) => stream);

describe('reading several pages', () => {
  it('reads again when a stream slipped between two pages', async () => {
    const vendor = vendorWithPages([
      { streams: ['a', 'b'], total: 4, totalPages: 2 },
      // `a` has ended: `c` moved up to the page that was read already.
      { streams: ['d', 'e'], total: 5, totalPages: 2 },
      { streams: ['b', 'c'], total: 4, totalPages: 2 },
      { streams: ['d', 'e'], total: 4, totalPages: 2 },
    ]);
    expect(await names(vendor)).toEqual(['a', 'b', 'd', 'e', 'c']);
    expect(vendor.asked).toEqual([1, 2, 1, 2]);
  });

  it('does not read for ever where the vendor counts more than it lists', async () => {
    const page = { streams: ['a', 'b'], total: 9, totalPages: 2 };
    const vendor = vendorWithPages(Array.from({ length: 12 }, () => page));
    expect(await names(vendor)).toEqual(['a', 'b']);
    expect(vendor.asked).toHaveLength(6);
  });

  it('reads a single page once', async () => {
    const vendor = vendorWithPages([{ streams: ['a'], total: 2, totalPages: 1 }]);
    expect(await names(vendor)).toEqual(['a']);
    expect(vendor.asked).toEqual([1]);
  });
});
