import type { Instant } from '../../core/instant.ts';
import type { IndexWitness } from '../../core/witness.ts';
import { CouldNotLookError, type LiveApi, LiveApiError } from '../../ports.ts';
import type { LiveActionName } from './live-limits.ts';
import {
  readCallbackAuth,
  readDomainMapping,
  readDomainNames,
  readDomainRegions,
  readOnlineStreams,
  readPublishRecords,
  readPushNotify,
  readSnapshotConfigs,
  readSnapshotNotify,
  readSnapshotRecords,
  readStreamState,
  readTotals,
} from './live-mapping.ts';
import {
  createLiveTransport,
  type LiveAnswer,
  type LiveTransport,
  type LiveTransportOptions,
} from './live-transport.ts';

const DAY_MS = 86_400_000;
const MAX_PAGES = 10_000;
const PAGE_SIZE = { configs: 30, streams: 3000, records: 100, domains: 50 };
const REMOVE = '-';

function formatUtc(instant: Instant): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

const floorToSecond = (instant: Instant): Instant => Math.floor(instant / 1000) * 1000;
const ceilToSecond = (instant: Instant): Instant => Math.ceil(instant / 1000) * 1000;

/** While pages are read, a row that goes makes the later ones move up, and one of them slips from a page not yet read to one read already. */
const READINGS = 3;

/**
 * Reads every page, each row once; several pages that together hold fewer rows than the vendor counts are read again, and what any reading
 * saw is taken. (A row that goes while another comes can still hide a third: nothing in the answer would show it.)
 */
async function allPages<T>(
  action: LiveActionName,
  pageSize: number,
  fetchPage: (page: number) => Promise<LiveAnswer>,
  readRows: (answer: LiveAnswer) => T[],
  identify: (row: T) => string,
): Promise<T[]> {
  const found = new Map<string, T>();
  for (let reading = 1; reading <= READINGS; reading += 1) {
    const { pages, total } = await readPages(action, pageSize, fetchPage, readRows, (row) =>
      found.set(identify(row), row),
    );
    if (pages === 1 || total === null || found.size >= total) break;
  }
  return [...found.values()];
}

async function readPages<T>(
  action: LiveActionName,
  pageSize: number,
  fetchPage: (page: number) => Promise<LiveAnswer>,
  readRows: (answer: LiveAnswer) => T[],
  keep: (row: T) => void,
): Promise<{ pages: number; total: number | null }> {
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await fetchPage(page);
    const rows = readRows(answer);
    for (const row of rows) keep(row);
    const { pages, rows: total } = readTotals(answer, action);
    if (pages === null ? rows.length < pageSize : page >= pages) return { pages: page, total };
  }
  throw new CouldNotLookError(`Live API, ${action}: the pages do not end.`, { reason: 'bad-answer', transient: true });
}

async function* records(
  transport: LiveTransport,
  key: { domain: string; app: string; stream: string },
  from: Instant,
  to: Instant,
): AsyncGenerator<IndexWitness[]> {
  const subject = `${key.domain}/${key.app}/${key.stream}`;
  const identify = (row: IndexWitness) => `${row.object}|${row.createdAt}`;
  let start = floorToSecond(from);
  let seen = new Set<string>();
  while (start < to) {
    const end = Math.min(start + DAY_MS, ceilToSecond(to));
    const answer = await transport.call('DescribeLiveStreamSnapshotInfo', subject, {
      DomainName: key.domain,
      AppName: key.app,
      StreamName: key.stream,
      StartTime: formatUtc(start),
      EndTime: formatUtc(end),
      Limit: PAGE_SIZE.records,
      Order: 'asc',
    });
    const page = readSnapshotRecords(answer);
    const fresh = page.records.filter((row) => row.createdAt >= from && row.createdAt < to && !seen.has(identify(row)));
    if (fresh.length > 0) yield fresh.sort((a, b) => a.createdAt - b.createdAt);
    // Pages overlap by whole seconds, and whether the bounds are inclusive is not documented: rows are told apart by identity.
    const next = page.nextStart === null ? end : Math.max(floorToSecond(page.nextStart), start + 1000);
    seen = new Set(page.records.filter((row) => row.createdAt >= next).map(identify));
    start = next;
  }
}

/** The Live OpenAPI behind our port: paged to the end, paced at the documented limits, retried; see `LiveTransportOptions`. */
export function createLiveApi(options: LiveTransportOptions): LiveApi {
  return liveApiOver(createLiveTransport(options));
}

/** The same over any transport: paging, splitting and mapping are ours, whatever carries the calls. */
export function liveApiOver(transport: LiveTransport): LiveApi {
  const call = transport.call;

  return {
    snapshotConfigs(domain) {
      const action = 'DescribeLiveSnapshotConfig';
      const fetchPage = (PageNum: number) =>
        call(action, domain, { DomainName: domain, PageNum, PageSize: PAGE_SIZE.configs, Order: 'asc' });
      return allPages(action, PAGE_SIZE.configs, fetchPage, readSnapshotConfigs, (config) => config.app);
    },

    async addSnapshotConfig(config) {
      await call('AddLiveAppSnapshotConfig', `${config.domain}/${config.app}`, {
        DomainName: config.domain,
        AppName: config.app,
        TimeInterval: config.intervalSeconds,
        OssEndpoint: config.endpoint,
        OssBucket: config.bucket,
        SequenceOssObject: config.sequenceObject ?? undefined,
        OverwriteOssObject: config.overwriteObject ?? undefined,
        Callback: config.callback ?? undefined,
      });
    },

    async updateSnapshotConfig(domain, app, change) {
      const sent = (value: string | null | undefined) => (value === null ? REMOVE : value);
      await call('UpdateLiveAppSnapshotConfig', `${domain}/${app}`, {
        DomainName: domain,
        AppName: app,
        TimeInterval: change.intervalSeconds,
        OssEndpoint: change.endpoint,
        OssBucket: change.bucket,
        SequenceOssObject: sent(change.sequenceObject),
        OverwriteOssObject: sent(change.overwriteObject),
        Callback: sent(change.callback),
      });
    },

    async deleteSnapshotConfig(domain, app) {
      await call('DeleteLiveAppSnapshotConfig', `${domain}/${app}`, { DomainName: domain, AppName: app });
    },

    async *snapshotRecords(key, from, to) {
      try {
        yield* records(transport, key, from, to);
      } catch (error) {
        if (error instanceof LiveApiError && error.code === 'InvalidStream.NotFound') return;
        throw error;
      }
    },

    onlineStreams(domain) {
      const action = 'DescribeLiveStreamsOnlineList';
      const fetchPage = (PageNum: number) =>
        call(action, domain, {
          DomainName: domain,
          QueryType: 'strict',
          StreamType: 'raw',
          PageNum,
          PageSize: PAGE_SIZE.streams,
        });
      return allPages(action, PAGE_SIZE.streams, fetchPage, readOnlineStreams, (s) => `${s.app}/${s.stream}`);
    },

    async publishRecords(domain, from, to) {
      const action = 'DescribeLiveStreamsPublishList';
      const found = [];
      for (let start = floorToSecond(from); start < to; start += 30 * DAY_MS) {
        const end = Math.min(start + 30 * DAY_MS, ceilToSecond(to));
        const fetchPage = (PageNumber: number) =>
          call(action, domain, {
            DomainName: domain,
            StartTime: formatUtc(start),
            EndTime: formatUtc(end),
            QueryType: 'strict',
            StreamType: 'raw',
            OrderBy: 'publish_time_asc',
            PageNumber,
            PageSize: PAGE_SIZE.streams,
          });
        const page = await allPages(
          action,
          PAGE_SIZE.streams,
          fetchPage,
          readPublishRecords,
          (record) => `${record.app}/${record.stream}/${record.publishedAt}`,
        );
        // The bounds may be inclusive and are whole seconds: the record of a boundary belongs to the later span.
        found.push(...page.filter(({ publishedAt }) => publishedAt >= start && publishedAt < Math.min(end, to)));
      }
      return found;
    },

    async streamState(key) {
      const subject = `${key.domain}/${key.app}/${key.stream}`;
      return readStreamState(
        await call('DescribeLiveStreamState', subject, {
          DomainName: key.domain,
          AppName: key.app,
          StreamName: key.stream,
        }),
      );
    },

    async callbackAuth(domain) {
      return readCallbackAuth(await call('QuerySnapshotCallbackAuth', domain, { DomainName: domain }));
    },

    async setCallbackAuth(domain, key, enabled = true) {
      await call('SetSnapshotCallbackAuth', domain, {
        DomainName: domain,
        CallbackReqAuth: enabled ? 'yes' : 'no',
        CallbackAuthKey: key,
      });
    },

    async deleteCallbackAuth(domain) {
      await call('DeleteSnapshotCallbackAuth', domain, { DomainName: domain });
    },

    async notifyUrl(pushDomain) {
      const answer = await call('DescribeLiveStreamsNotifyUrlConfig', pushDomain, { DomainName: pushDomain });
      return readPushNotify(answer).notify;
    },

    async setNotifyUrl(pushDomain, url, key, enabled = key !== null) {
      // Set replaces the whole entry: the exception URL, which is not ours, is repeated.
      const answer = await call('DescribeLiveStreamsNotifyUrlConfig', pushDomain, { DomainName: pushDomain });
      await call('SetLiveStreamsNotifyUrlConfig', pushDomain, {
        DomainName: pushDomain,
        NotifyUrl: url ?? '',
        NotifyReqAuth: enabled ? 'yes' : 'no',
        NotifyAuthKey: key ?? undefined,
        ExceptionNotifyUrl: readPushNotify(answer).exceptionUrl ?? undefined,
      });
    },

    async snapshotNotifyUrl(domain) {
      try {
        return readSnapshotNotify(await call('DescribeLiveSnapshotNotifyConfig', domain, { DomainName: domain }));
      } catch (error) {
        const none =
          error instanceof LiveApiError && /NotFound|NotExist/.test(error.code) && !/Domain/.test(error.code);
        if (none) return null;
        throw error;
      }
    },

    async domainMapping(domain) {
      return readDomainMapping(await call('DescribeLiveDomainMapping', domain, { DomainName: domain }));
    },

    async domainRegion(domain) {
      const answer = await call('DescribeLiveUserDomains', domain, {
        DomainName: domain,
        DomainSearchType: 'full_match',
        PageNumber: 1,
        PageSize: PAGE_SIZE.domains,
      });
      return readDomainRegions(answer).get(domain) ?? null;
    },

    async streamingDomains() {
      const action = 'DescribeLiveUserDomains';
      const fetchPage = (PageNumber: number) =>
        call(action, 'the account', { LiveDomainType: 'liveVideo', PageNumber, PageSize: PAGE_SIZE.domains });
      const domains = await allPages(action, PAGE_SIZE.domains, fetchPage, readDomainNames, (domain) => domain);
      return domains.sort();
    },

    calls: transport.calls,
    close: transport.close,
  };
}
