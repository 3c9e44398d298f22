import type { FieldDifference } from './config-diff.ts';
import type { ConfigSubject } from './config-subject.ts';
import type { Found, LeftAsItIs } from './found.ts';
import { KEY_FIELDS, KEY_WORDS } from './key-words.ts';
import type { Locale } from './message-words.ts';
import type { BodyProblem, PushProblem, SignatureProblem } from './quarantine-reason.ts';

type RejectionReason = SignatureProblem | BodyProblem | PushProblem | 'instant-implausible';

/** One sentence for people. */
export function foundText(found: Found, locale: Locale): string {
  return locale === 'en' ? inEnglish(found) : inChinese(found);
}

/** Why a request was rejected; an unknown code stands for itself. */
export function reasonText(reason: string, locale: Locale): string {
  return (REASONS[locale] as Record<string, string>)[reason] ?? reason;
}

function inEnglish(found: Found): string {
  switch (found.code) {
    case 'requests-rejected':
      return `${found.count} requests within five minutes, mostly because ${reasonText(found.reason, 'en')}.`;
    case 'spool-waits':
      return `${found.entries} entries wait on ${found.host}.${found.forwardsDropped ? ` ${found.forwardsDropped} callbacks were not passed on to the receiver that stood here before: the rest of the spool’s room is kept for what is ours.` : ''}`;
    case 'config-missing':
      return `${subjectInEnglish(found.subject)} is missing at the vendor.${leftInEnglish(found)}`;
    case 'config-differs': {
      const fields = found.fields.map(
        ({ field, desired, actual }) => `${field} is ${actual ?? 'not set'} instead of ${desired ?? 'not set'}`,
      );
      return `${subjectInEnglish(found.subject)} differs from the settings: ${fields.join(', ')}.${leftInEnglish(found)}`;
    }
    case 'healing-stopped':
      return `${subjectInEnglish(found.subject)} was put right ${found.times} times within an hour and changed back each time: somebody else wants it otherwise. Healing has stopped; find out who, then run apply.`;
    case 'two-callbacks':
      return `The domain also has a domain-level snapshot notify URL (${found.url}). The vendor does not say which of the two is called: remove one of them.`;
    case 'forward-refused':
      return `${found.host} refused a callback that was passed on to it: ${found.reason}. A receiver that verifies the vendor’s signature cannot accept it, for the signature names our host: switch the check off there, or let it accept our host.`;
    default:
      return found satisfies never;
  }
}

function inChinese(found: Found): string {
  switch (found.code) {
    case 'requests-rejected':
      return `五分钟内 ${found.count} 个请求，主要原因：${reasonText(found.reason, 'zh-CN')}。`;
    case 'spool-waits':
      return `${found.host} 上有 ${found.entries} 条待入库。${found.forwardsDropped ? `另有 ${found.forwardsDropped} 个回调未转发：缓存的剩余空间留给我方数据。` : ''}`;
    case 'config-missing':
      return `${subjectInChinese(found.subject)}在云端不存在。${leftInChinese(found)}`;
    case 'config-differs': {
      const fields = found.fields.map(
        ({ field, desired, actual }) =>
          `${field} 为 ${valueInChinese(field, actual)}，应为 ${valueInChinese(field, desired)}`,
      );
      return `${subjectInChinese(found.subject)}与配置文件不一致：${fields.join('；')}。${leftInChinese(found)}`;
    }
    case 'healing-stopped':
      return `${subjectInChinese(found.subject)}一小时内已纠正 ${found.times} 次，每次都被改回：有人另有要求。已停止自动纠正，请查明后执行 apply。`;
    case 'two-callbacks':
      return `该域名还设有域名级截图回调地址（${found.url}）。云厂商未说明会调用哪一个，请删除其中之一。`;
    case 'forward-refused':
      return `${found.host} 拒绝了转发的回调（原因见服务日志）。签名中是我方主机名，校验签名的接收端无法接受：请在该端关闭校验，或允许我方主机名。`;
    default:
      return found satisfies never;
  }
}

function leftInEnglish({ refusal, outdated }: LeftAsItIs): string {
  if (outdated) {
    return ' This service was started with other settings than were applied, or started with, last, and leaves it as it is: restart it with those.';
  }
  return refusal ? ` Putting it right failed: ${refusal}` : '';
}

function leftInChinese({ refusal, outdated }: LeftAsItIs): string {
  if (outdated) return '本服务启动时的配置与最近一次应用或启动所用的不同，故不作纠正，请以新配置重启本服务。';
  // The vendor's words about it are English.
  return refusal ? '自动纠正失败，原因见服务日志。' : '';
}

/** What a finding is about, as the beginning of a sentence. */
function subjectInEnglish({ kind, domain, app }: ConfigSubject): string {
  switch (kind) {
    case 'config':
      return `The snapshot config of ${domain}/${app}`;
    case 'callback_auth':
      return `The callback key of ${domain}`;
    case 'push_notify':
      return `The push callback of ${domain}`;
    default:
      return kind satisfies never;
  }
}

function subjectInChinese({ kind, domain, app }: ConfigSubject): string {
  switch (kind) {
    case 'config':
      return `${domain}/${app} 的截图配置`;
    case 'callback_auth':
      return `${domain} 的回调密钥`;
    case 'push_notify':
      return `${domain} 的推流回调`;
    default:
      return kind satisfies never;
  }
}

function valueInChinese(field: string, value: FieldDifference['actual']): string {
  if (value === null) return '未设置';
  return KEY_FIELDS.includes(field) ? (KEY_WORDS[value] ?? String(value)) : String(value);
}

const REASONS: Record<Locale, Record<RejectionReason, string>> = {
  en: {
    'signature-missing': 'the signature is missing',
    'signature-malformed': 'the signature is not one',
    'signature-mismatch': 'the signature does not match our key',
    'timestamp-malformed': 'the timestamp of the signature is not one',
    'timestamp-outside-window': 'the timestamp of the signature is too far from our clock',
    'not-utf-8': 'the body is not UTF-8',
    'not-json': 'the body is not JSON',
    'not-an-object': 'the body is not an object',
    'too-many-items': 'the body holds too many callbacks',
    'nested-too-deep': 'the body is nested too deeply',
    'missing-domain': 'the domain is missing',
    'missing-app': 'the app is missing',
    'missing-stream': 'the stream is missing',
    'missing-object': 'the object is missing',
    'name-too-long': 'a name is too long',
    'name-with-control-characters': 'a name holds control characters',
    'unknown-action': 'the action is unknown',
    'time-malformed': 'the time is not one',
    'instant-implausible': 'the instant of the event is implausible',
  },
  'zh-CN': {
    'signature-missing': '缺少签名',
    'signature-malformed': '签名格式错误',
    'signature-mismatch': '签名与我方密钥不符',
    'timestamp-malformed': '签名时间戳格式错误',
    'timestamp-outside-window': '签名时间戳与我方时钟相差过大',
    'not-utf-8': '内容不是 UTF-8',
    'not-json': '内容不是 JSON',
    'not-an-object': '内容不是对象',
    'too-many-items': '内容包含过多回调',
    'nested-too-deep': '内容嵌套过深',
    'missing-domain': '缺少域名',
    'missing-app': '缺少应用名',
    'missing-stream': '缺少流名',
    'missing-object': '缺少文件名',
    'name-too-long': '名称过长',
    'name-with-control-characters': '名称含控制字符',
    'unknown-action': '未知动作',
    'time-malformed': '时间格式错误',
    'instant-implausible': '事件时间不合理',
  },
};
