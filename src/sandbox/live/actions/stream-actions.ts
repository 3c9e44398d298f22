import { z } from 'zod';
import {
  appName,
  domainName,
  formatUtc,
  type LiveAction,
  liveAction,
  ownDomain,
  ownStreamingDomain,
  page,
  streamName,
  utcTime,
  whole,
} from '../live-action.ts';
import { VendorRefusal } from '../vendor-refusal.ts';
import type { VendorSession } from '../vendor-state.ts';

const DAY_MS = 86_400_000;

const filters = {
  AppName: appName.optional(),
  StreamName: streamName.optional(),
  QueryType: z.enum(['fuzzy', 'strict']).default('fuzzy'),
};

function fits(session: VendorSession, p: { AppName?: string; StreamName?: string; QueryType: string }): boolean {
  if (p.AppName !== undefined && session.app !== p.AppName) return false;
  if (p.StreamName === undefined) return true;
  return p.QueryType === 'strict' ? session.stream === p.StreamName : session.stream.includes(p.StreamName);
}

function publication(session: VendorSession) {
  return {
    DomainName: session.domain,
    AppName: session.app,
    StreamName: session.stream,
    PublishTime: formatUtc(session.startedAtMs),
    PublishDomain: session.pushDomain,
    PublishType: session.pushDomain === session.domain ? 'center' : 'edge',
    PublishUrl: `rtmp://${session.pushDomain}/${session.app}/${session.stream}`,
    Transcoded: 'no',
  };
}

/** This stand-in transcodes nothing: `trans` is always empty, `raw` and `all` are the same. */
const onlineList = liveAction(
  'DescribeLiveStreamsOnlineList',
  10_000 / 60,
  z.object({
    DomainName: domainName,
    ...filters,
    StreamType: z.enum(['all', 'raw', 'trans']).default('all'),
    OnlyStream: z.enum(['yes', 'no']).default('no'),
    PageNum: whole(1, Number.MAX_SAFE_INTEGER).default(1),
    PageSize: whole(1, 3000).default(2000),
  }),
  (p, { state }) => {
    ownStreamingDomain(state, p.DomainName);
    const sessions = state.listOnline(p.DomainName).filter((session) => p.StreamType !== 'trans' && fits(session, p));
    const { items, total, pages } = page(sessions, p.PageNum, p.PageSize);
    return {
      PageNum: p.PageNum,
      PageSize: p.PageSize,
      TotalNum: total,
      TotalPage: pages,
      OnlineInfo: { LiveStreamOnlineInfo: items.map((s) => ({ ...publication(s), ClientIp: '192.0.2.1' })) },
    };
  },
);

const ORDERS = {
  publish_time_asc: (a: VendorSession, b: VendorSession) => a.startedAtMs - b.startedAtMs,
  publish_time_desc: (a: VendorSession, b: VendorSession) => b.startedAtMs - a.startedAtMs,
  stream_name_asc: (a: VendorSession, b: VendorSession) => a.stream.localeCompare(b.stream),
  stream_name_desc: (a: VendorSession, b: VendorSession) => b.stream.localeCompare(a.stream),
};

const publishList = liveAction(
  'DescribeLiveStreamsPublishList',
  3,
  z.object({
    DomainName: domainName,
    StartTime: utcTime('InvalidStartTime.Malformed'),
    EndTime: utcTime('InvalidEndTime.Malformed'),
    ...filters,
    StreamType: z.enum(['', 'all', 'raw', 'trans']).default(''),
    OrderBy: z
      .enum(['publish_time_asc', 'publish_time_desc', 'stream_name_asc', 'stream_name_desc'])
      .default('publish_time_asc'),
    PageNumber: whole(1, Number.MAX_SAFE_INTEGER).default(1),
    PageSize: whole(1, 3000).default(2000),
  }),
  (p, { state }) => {
    const domain = ownDomain(state, p.DomainName);
    if (p.StartTime < state.now() - 30 * DAY_MS) {
      throw new VendorRefusal(400, 'InvalidStartTime.Malformed', 'Only the last 30 days can be queried.');
    }
    if (p.EndTime <= p.StartTime || p.EndTime - p.StartTime > 30 * DAY_MS) {
      throw new VendorRefusal(400, 'InvalidEndTime.Malformed', 'EndTime must be after StartTime, at most 30 days.');
    }
    const sessions = state
      .sessions(domain.domain)
      .filter(
        (session) =>
          p.StreamType !== 'trans' &&
          (p.DomainName === domain.domain || session.pushDomain === p.DomainName) &&
          session.startedAtMs >= p.StartTime &&
          session.startedAtMs <= p.EndTime &&
          session.startedAtMs <= state.now() &&
          fits(session, p),
      )
      .sort(ORDERS[p.OrderBy]);
    const { items, total, pages } = page(sessions, p.PageNumber, p.PageSize);
    return {
      PageNum: p.PageNumber,
      PageSize: p.PageSize,
      TotalNum: total,
      TotalPage: pages,
      PublishInfo: {
        LiveStreamPublishInfo: items.map((session) => ({
          ...publication(session),
          StopTime: session.endedAtMs === null ? '' : formatUtc(session.endedAtMs),
        })),
      },
    };
  },
);

const streamState = liveAction(
  'DescribeLiveStreamState',
  100,
  z.object({ DomainName: domainName, AppName: appName, StreamName: streamName }),
  (p, { state }) => {
    const { domain } = ownDomain(state, p.DomainName);
    const online = state
      .listOnline(domain)
      .some((session) => session.app === p.AppName && session.stream === p.StreamName);
    return { StreamState: online ? 'online' : 'offline', Type: 'push' };
  },
);

export const streamActions: LiveAction[] = [onlineList, publishList, streamState];
