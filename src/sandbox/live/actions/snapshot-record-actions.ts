import { z } from 'zod';
import {
  appName,
  domainName,
  formatUtc,
  type LiveAction,
  liveAction,
  ownStreamingDomain,
  streamName,
  utcTime,
  whole,
} from '../live-action.ts';
import { VendorRefusal } from '../vendor-refusal.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** Both bounds are inclusive here; the vendor does not say. */
const snapshotInfo = liveAction(
  'DescribeLiveStreamSnapshotInfo',
  100,
  z.object({
    DomainName: domainName,
    AppName: appName,
    StreamName: streamName,
    StartTime: utcTime('InvalidStartTime.Malformed'),
    EndTime: utcTime('InvalidEndTime.Malformed'),
    Limit: whole(1, 100).default(10),
    Order: z.enum(['asc', 'desc']).default('asc'),
  }),
  (p, { state }) => {
    ownStreamingDomain(state, p.DomainName);
    if (p.EndTime < p.StartTime || p.EndTime - p.StartTime > DAY_MS) {
      throw new VendorRefusal(400, 'InvalidEndTime.Mismatch', 'EndTime must be after StartTime, at most one day.');
    }
    if (p.StartTime < state.now() - YEAR_MS) {
      throw new VendorRefusal(400, 'InvalidStartTime.Malformed', 'Only the last year can be queried.');
    }
    const key = { domain: p.DomainName, app: p.AppName, stream: p.StreamName };
    if (!state.knowsStream(key)) {
      throw new VendorRefusal(400, 'InvalidStream.NotFound', 'The specified stream does not exist.');
    }
    const rows = state
      .indexRows(key)
      .filter(
        ({ createdAtMs }) => Math.floor(createdAtMs / 1000) * 1000 >= p.StartTime && createdAtMs <= p.EndTime + 999,
      );
    const ordered = p.Order === 'asc' ? rows : rows.toReversed();
    const next = ordered[p.Limit];
    return {
      ...(next && { NextStartTime: formatUtc(next.createdAtMs) }),
      LiveStreamSnapshotInfoList: {
        LiveStreamSnapshotInfo: ordered.slice(0, p.Limit).map((row) => ({
          CreateTime: formatUtc(row.createdAtMs),
          CreateTimestamp: row.createdAtMs,
          IsOverlay: row.overlay,
          OssEndpoint: row.endpoint,
          OssBucket: row.bucket,
          OssObject: row.object,
        })),
      },
    };
  },
);

export const snapshotRecordActions: LiveAction[] = [snapshotInfo];
