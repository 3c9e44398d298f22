/**
 * Calls per second that the vendor allows an account, by action (reference/live-api.md, section 3; all RAM users of the account share
 * them). DescribeLiveStreamsNotifyUrlConfig has no stated limit: it gets its sibling's.
 */
export const LIVE_LIMITS = {
  AddLiveAppSnapshotConfig: 30,
  UpdateLiveAppSnapshotConfig: 30,
  DeleteLiveAppSnapshotConfig: 30,
  DescribeLiveSnapshotConfig: 100,
  DescribeLiveStreamSnapshotInfo: 100,
  DescribeLiveStreamsOnlineList: 10_000 / 60,
  DescribeLiveStreamsPublishList: 3,
  DescribeLiveStreamState: 100,
  SetSnapshotCallbackAuth: 30,
  QuerySnapshotCallbackAuth: 30,
  DeleteSnapshotCallbackAuth: 30,
  SetLiveStreamsNotifyUrlConfig: 15,
  DescribeLiveStreamsNotifyUrlConfig: 15,
  DescribeLiveSnapshotNotifyConfig: 30,
  DescribeLiveDomainMapping: 500 / 60,
  DescribeLiveUserDomains: 100,
} as const;

export type LiveActionName = keyof typeof LIVE_LIMITS;

/** We stay this far under each limit, for calls arrive bunched and the vendor's window is not documented. */
const SHARE_OF_LIMIT = 0.95;

/** Milliseconds between two calls of one account. */
export function callSpacingMs(action: LiveActionName, limits: Partial<Record<LiveActionName, number>> = {}): number {
  return 1000 / ((limits[action] ?? LIVE_LIMITS[action]) * SHARE_OF_LIMIT);
}
