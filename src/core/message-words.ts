import type { IncidentKind, Resolution } from './incident.ts';
import type { NotificationEvent } from './notification-status.ts';
import type { Cause, Verdict } from './verdict.ts';

export type Locale = 'en' | 'zh-CN';

/** Why a channel fails. */
export type ChannelCause = 'permanent-failure' | 'rejected-in-a-row' | 'recipients-refused';

/** Every word of a message, once a language. The compiler asks for a missing one. */
export interface MessageWords {
  event: Record<NotificationEvent, string>;
  /** Headline of the kind. */
  kind: Record<IncidentKind, string>;
  /** One sentence that says what is wrong. */
  what: Record<IncidentKind, string>;
  cause: Record<Cause | ChannelCause, string>;
  witnesses: Partial<Record<Verdict, string>>;
  resolution: Record<Resolution, string>;
  label: {
    what: string;
    since: string;
    duration: string;
    streams: string;
    slots: string;
    cause: string;
    witnesses: string;
    lastGood: string;
    affected: string;
    detail: string;
    outcome: string;
    more: string;
    flapping: string;
  };
  everything: string;
  andMore(count: number): string;
  streams(affected: number, total: number): string;
  slots(missed: number, expected: number): string;
  flapping: string;
  suspected: string;
  digest(count: number): string;
  testTitle: string;
  testText(channel: string): string;
  duration(seconds: number): string;
}

const EN: MessageWords = {
  event: {
    opened: 'Open',
    reopened: 'Open again',
    updated: 'Confirmed',
    resolved: 'Resolved',
    repeat: 'Still open',
    test: 'Test',
  },
  kind: {
    gap: 'snapshots missing',
    silence: 'callbacks stopped',
    interval_drift: 'interval differs from the config',
    naming: 'snapshots are named wrongly',
    config_drift: 'config differs from the desired one',
    pending_reingest: 'streams still run under the former config',
    two_callbacks: 'two callback settings compete',
    enforce_fight: 'somebody keeps changing the config back',
    rejected_callbacks: 'callbacks are rejected',
    blind: 'Snapaudit itself could not receive',
    audit_stalled: 'the audit does not get on',
    spool_not_draining: 'the local spool does not drain',
    forward_refused: 'callbacks are not passed on',
    channel_failing: 'a notification channel fails',
  },
  what: {
    gap: 'Snapshots that should exist are missing.',
    silence: 'A stream is on air and its snapshot callbacks have stopped. The audit is yet to say why.',
    interval_drift: 'Snapshots keep a steady beat that is not the configured interval.',
    naming: 'Snapshots carry names that the template in force does not explain.',
    config_drift: 'The snapshot config at the vendor is not the one of our file.',
    pending_reingest:
      'Callbacks of these streams go where the former config sent them until the streams are pushed again: only then does the vendor apply the new one.',
    two_callbacks: 'A callback URL stands both for the domain and for the app; only one of them is used.',
    enforce_fight: 'A setting that Snapaudit enforces was changed back by someone else more than once.',
    rejected_callbacks: 'Callbacks arrive whose signature or body cannot be accepted.',
    blind: 'No receiver of Snapaudit could accept callbacks. This is our outage and says nothing of the vendor.',
    audit_stalled: 'Streams are on air and no audit has finished for a while: gaps are not confirmed.',
    spool_not_draining: 'Callbacks wait in a local spool because the database does not take them.',
    forward_refused: 'The receiver that stood here before refuses the callbacks that are passed on to it.',
    channel_failing: 'A notification channel does not take what it is sent.',
  },
  cause: {
    late_delivery: 'delivered late',
    wrong_name: 'the name does not match the template',
    receiver_down: 'our receiver was down',
    callback_not_ours: 'the callback URL in force is not ours',
    callback_rejected: 'we rejected the callback',
    delivery_lost: 'the callback was never delivered',
    object_expired: 'removed by a lifecycle rule of the bucket',
    object_deleted: 'deleted from the bucket',
    never_stored: 'announced, but never stored',
    unconfirmed: 'an unsigned claim that nothing supports',
    not_captured: 'the vendor took no snapshot',
    interval_drift: 'another beat than the configured interval',
    no_session: 'outside every session',
    beyond_beat: 'more captures than the beat allows',
    listing_failed: 'the bucket could not be listed',
    index_failed: "the vendor's index could not be asked",
    undetermined: 'could not be determined',
    'permanent-failure': 'it refused for good and is off until its settings change or a test gets through',
    'rejected-in-a-row':
      'it rejected several messages in a row and is off until its settings change or a test gets through',
    'recipients-refused': 'some recipients were refused several times in a row; the others get the messages',
  },
  witnesses: {
    callback_missing: 'OSS has the object; no callback came.',
    object_missing: 'the snapshot was announced; OSS does not have the object.',
    not_captured: "no callback, no object, nothing in the vendor's index.",
    misnamed: 'callback and object are there, under a name that the template does not give.',
    late: 'callback and object are there; the callback came late.',
  },
  resolution: {
    recovered: 'It is good again.',
    withdrawn: 'The audit found every snapshot: nothing is missing.',
    folded: 'A wider incident tells of it.',
    unreported: 'Nobody reports on it any more: it is not known whether it is good again.',
  },
  label: {
    what: 'What',
    since: 'Since',
    duration: 'Lasted',
    streams: 'Streams',
    slots: 'Slots',
    cause: 'Cause',
    witnesses: 'Witnesses',
    lastGood: 'Last good picture',
    affected: 'Affected',
    detail: 'Detail',
    outcome: 'Outcome',
    more: 'Look further',
    flapping: 'Flapping',
  },
  everything: 'all domains',
  andMore: (count) => `and ${count} more`,
  streams: (affected, total) => `${affected} of ${total} on air`,
  slots: (missed, expected) => `${missed} of ${expected} missing`,
  flapping: 'It comes and goes; the next word comes when it has been steady.',
  suspected: 'suspected, not confirmed by the audit yet',
  digest: (count) => `${count} incidents`,
  testTitle: 'Test message from Snapaudit',
  testText: (channel) => `The channel ${channel} works.`,
  duration: (seconds) => englishDuration(seconds),
};

const ZH: MessageWords = {
  event: {
    opened: '告警',
    reopened: '再次告警',
    updated: '已确认',
    resolved: '已恢复',
    repeat: '仍未恢复',
    test: '测试',
  },
  kind: {
    gap: '截图缺失',
    silence: '截图回调中断',
    interval_drift: '截图间隔与配置不符',
    naming: '截图命名不符',
    config_drift: '截图配置与期望不一致',
    pending_reingest: '部分流仍按原配置运行',
    two_callbacks: '存在两处回调配置',
    enforce_fight: '配置被反复改回',
    rejected_callbacks: '回调被拒收',
    blind: 'Snapaudit 自身无法接收回调',
    audit_stalled: '审计停滞',
    spool_not_draining: '本地缓存未能入库',
    forward_refused: '回调未能转发',
    channel_failing: '通知渠道故障',
  },
  what: {
    gap: '应有的截图缺失。',
    silence: '流仍在直播，但截图回调已中断；原因待审计确认。',
    interval_drift: '截图节奏稳定，但与配置的间隔不同。',
    naming: '截图的文件名与生效的模板不符。',
    config_drift: '云端的截图配置与我方配置文件不一致。',
    pending_reingest: '云厂商在重新推流后才应用新配置；在此之前，这些流的回调仍发往原配置的地址。',
    two_callbacks: '域名级和应用级同时设置了回调地址，只有一个会生效。',
    enforce_fight: 'Snapaudit 强制执行的设置被他人多次改回。',
    rejected_callbacks: '收到签名或内容无法接受的回调。',
    blind: 'Snapaudit 没有任何接收端可用。这是我方故障，与云厂商无关。',
    audit_stalled: '有流在直播，但审计已有一段时间没有完成，缺失无法确认。',
    spool_not_draining: '数据库无法写入，回调暂存在本地。',
    forward_refused: '原来的接收端拒绝转发给它的回调。',
    channel_failing: '通知渠道未能送达消息。',
  },
  cause: {
    late_delivery: '回调迟到',
    wrong_name: '文件名与模板不符',
    receiver_down: '我方接收端故障',
    callback_not_ours: '生效的回调地址不是我方地址',
    callback_rejected: '回调被我方拒收',
    delivery_lost: '回调未送达',
    object_expired: '被存储空间的生命周期规则清除',
    object_deleted: '已从存储空间删除',
    never_stored: '有回调但从未存储',
    unconfirmed: '未签名的回调，无其他证据支持',
    not_captured: '云端未截图',
    interval_drift: '实际间隔与配置不同',
    no_session: '不在任何推流时段内',
    beyond_beat: '截图多于应有节奏',
    listing_failed: '无法列举存储空间',
    index_failed: '无法查询云端截图索引',
    undetermined: '无法判定',
    'permanent-failure': '渠道明确拒绝，已停用；修改其配置或测试成功后恢复',
    'rejected-in-a-row': '渠道连续拒收消息，已停用；修改其配置或测试成功后恢复',
    'recipients-refused': '部分收件人连续被拒；其余收件人正常收到',
  },
  witnesses: {
    callback_missing: 'OSS 中有文件，但没有收到回调。',
    object_missing: '有截图通知，但 OSS 中没有文件。',
    not_captured: '没有回调，没有文件，云端索引中也没有记录。',
    misnamed: '回调和文件都在，但文件名不符合模板。',
    late: '回调和文件都在，但回调迟到。',
  },
  resolution: {
    recovered: '已恢复正常。',
    withdrawn: '审计确认截图齐全，没有缺失。',
    folded: '已并入范围更大的事件。',
    unreported: '已无人上报，无法确认是否恢复。',
  },
  label: {
    what: '情况',
    since: '开始时间',
    duration: '持续时间',
    streams: '受影响的流',
    slots: '缺失截图',
    cause: '原因',
    witnesses: '证据',
    lastGood: '最后一张正常截图',
    affected: '涉及',
    detail: '详情',
    outcome: '结果',
    more: '查看详情',
    flapping: '反复',
  },
  everything: '全部域名',
  andMore: (count) => `等另外 ${count} 个`,
  streams: (affected, total) => `${affected} / ${total}（直播中）`,
  slots: (missed, expected) => `${missed} / ${expected}`,
  flapping: '状态反复变化；稳定之后再通知。',
  suspected: '疑似，尚未经审计确认',
  digest: (count) => `共 ${count} 个事件`,
  testTitle: 'Snapaudit 测试消息',
  testText: (channel) => `渠道 ${channel} 工作正常。`,
  duration: (seconds) => chineseDuration(seconds),
};

export function messageWords(locale: Locale): MessageWords {
  return locale === 'en' ? EN : ZH;
}

function englishDuration(seconds: number): string {
  return durationParts(seconds)
    .map(([value, unit]) => `${value} ${{ d: 'd', h: 'h', m: 'min', s: 's' }[unit]}`)
    .join(' ');
}

function chineseDuration(seconds: number): string {
  return durationParts(seconds)
    .map(([value, unit]) => `${value} ${{ d: '天', h: '小时', m: '分', s: '秒' }[unit]}`)
    .join(' ');
}

/** The two largest units that are not zero. */
function durationParts(seconds: number): [number, 'd' | 'h' | 'm' | 's'][] {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, 'd' | 'h' | 'm' | 's'][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'm'],
    [whole % 60, 's'],
  ];
  const shown = parts.filter(([value]) => value > 0).slice(0, 2);
  return shown.length > 0 ? shown : [[0, 's']];
}
