import { readFileSync } from 'node:fs';
import nodemailer from 'nodemailer';
import { escapeHtml } from '../../core/escape-html.ts';
import { type Message, plainText } from '../../core/message.ts';
import { type Channel, ChannelError } from '../../ports.ts';

const TIMEOUT_MS = 45_000;

/**
 * E-mail over SMTP. The Message-ID is made of the message's id, so that mail systems which see a repeated delivery can
 * drop it. The host comes from our own settings and is mostly a relay inside, so it may be private.
 */
export function createEmailChannel(options: {
  name: string;
  host: string;
  port: number;
  security: 'tls' | 'starttls' | 'none';
  caFile: string | null;
  user: string | null;
  password: string | null;
  from: string;
  to: string[];
  /** Of one message, from the first connection to the last answer. */
  timeoutMs?: number;
}): Channel {
  const transport = nodemailer.createTransport({
    host: options.host,
    port: options.port,
    secure: options.security === 'tls',
    requireTLS: options.security === 'starttls',
    ignoreTLS: options.security === 'none',
    ...(options.caFile ? { tls: { ca: readFileSync(options.caFile, 'utf8') } } : {}),
    ...(options.user !== null ? { auth: { user: options.user, pass: options.password ?? '' } } : {}),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    // Nothing in a message may make the mailer read a file or fetch a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    name: options.name,
    perMinute: 30,
    async send({ id, at, message }) {
      try {
        const sent = await transport.sendMail({
          from: options.from,
          to: options.to,
          subject: message.title.replace(/\p{Cc}+/gu, ' '),
          text: plainText(message),
          html: emailHtml(message),
          date: new Date(at),
          messageId: `<${id}@snapaudit>`,
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Snapaudit-Severity': message.severity },
          // The time-outs of the transport hold for one command each; the lease of the message does not wait for all of them.
          signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
        });
        if (sent.rejected.length === 0) return { refused: null };
        return {
          refused: `The mail server ${options.host} refused ${sent.rejected.join(', ')}; the others got it.`,
        };
      } catch (error) {
        throw failureOfMail(options.host, error);
      }
    },
  };
}

function failureOfMail(host: string, error: unknown): ChannelError {
  const fields = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
  const status = typeof fields.responseCode === 'number' ? fields.responseCode : null;
  const code = typeof fields.code === 'string' ? fields.code : 'unknown';
  const answer = typeof fields.response === 'string' ? fields.response.slice(0, 200) : code;
  const text = `The mail server ${host} did not take it (${answer}).`;
  if (code === 'EAUTH' || status === 530 || status === 535) {
    return new ChannelError(text, { failure: 'permanent', cause: error });
  }
  if (status !== null && status >= 500) return new ChannelError(text, { failure: 'rejected' });
  const unsent = status !== null || ['ECONNECTION', 'EDNS', 'ETLS'].includes(code);
  return new ChannelError(text, { failure: 'transient', mayHaveArrived: !unsent });
}

function emailHtml(message: Message): string {
  const link = (text: string, url: string | null) =>
    url === null ? escapeHtml(text) : `<a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`;
  const color =
    message.event === 'resolved'
      ? '#1a7f37'
      : { critical: '#b42318', warning: '#b54708', info: '#175cd3' }[message.severity];
  const rows = message.lines.map(
    ({ label, text, url }) =>
      `<tr><th align="left" valign="top" style="padding:2px 12px 2px 0">${escapeHtml(label)}</th><td>${link(text, url)}</td></tr>`,
  );
  const items = message.items.map(({ title, text, url }) => `<li>${link(title, url)}<br>${escapeHtml(text)}</li>`);
  return [
    `<h2 style="color:${color}">${escapeHtml(message.title)}</h2>`,
    rows.length > 0 ? `<table>${rows.join('')}</table>` : '',
    items.length > 0 ? `<ul>${items.join('')}</ul>` : '',
    message.more ? `<p>${link(message.more.label, message.more.url)}</p>` : '',
  ].join('\n');
}
