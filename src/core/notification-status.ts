/** What a notification tells. `repeat`: it is still open. */
export type NotificationEvent = 'opened' | 'reopened' | 'updated' | 'resolved' | 'repeat' | 'test';
export const NOTIFICATION_STATUSES = ['pending', 'sending', 'sent', 'failed', 'superseded', 'silenced'] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];
