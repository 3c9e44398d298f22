import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEmailChannel } from '../../../src/adapters/notify/email.ts';
import { composeMessage } from '../../../src/core/message.ts';
import type { OutgoingMessage } from '../../../src/ports.ts';
import { incidentOf, RULES, silenceCondition, T0 } from '../../support/incidents.ts';
import { isInstalled } from '../../support/is-installed.ts';

const openssl = isInstalled('openssl');

describe.skipIf(!openssl)(
  `e-mail over a real SMTP server${openssl ? '' : ' (skipped: not installed: openssl)'}`,
  () => {
    let folder: string;
    let server: SMTPServer | undefined;
    const mails: { raw: string; to: string[]; secure: boolean }[] = [];
    const message: OutgoingMessage = {
      id: '11111111-2222-8333-a444-555555555555',
      at: T0,
      message: composeMessage(incidentOf(silenceCondition('cam<script>01')), 'opened', {
        locale: 'zh-CN',
        timeZone: 'Asia/Shanghai',
        publicUrl: 'https://audit.example.com',
        now: T0,
        rules: RULES,
      }),
      alerts: [],
    };

    beforeAll(() => {
      folder = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-smtp-'));
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-days',
          '2',
          '-subj',
          '/CN=localhost',
          '-addext',
          'subjectAltName=DNS:localhost',
          '-keyout',
          path.join(folder, 'key.pem'),
          '-out',
          path.join(folder, 'cert.pem'),
        ],
        { stdio: 'ignore' },
      );
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    afterEach(async () => {
      mails.length = 0;
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
      server = undefined;
    });

    async function start(
      secure: boolean,
      onData?: (reply: (error?: Error | null) => void) => void,
      more: SMTPServerOptions = {},
    ): Promise<number> {
      server = new SMTPServer({
        ...more,
        secure,
        key: readFileSync(path.join(folder, 'key.pem')),
        cert: readFileSync(path.join(folder, 'cert.pem')),
        authOptional: false,
        onAuth: (auth, _session, done) =>
          auth.username === 'ops' && auth.password === 'right'
            ? done(null, { user: 'ops' })
            : done(Object.assign(new Error('no'), { responseCode: 535 })),
        onData: (stream, session, done) => {
          let raw = '';
          stream.on('data', (chunk) => {
            raw += String(chunk);
          });
          stream.on('end', () => {
            if (onData) return onData(done);
            mails.push({ raw, to: session.envelope.rcptTo.map(({ address }) => address), secure: session.secure });
            done();
          });
        },
      });
      server.on('error', () => {});
      const listening = server;
      await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', () => resolve()));
      return (listening.server.address() as AddressInfo).port;
    }

    const channel = (
      port: number,
      security: 'tls' | 'starttls',
      password = 'right',
      trusted = true,
      timeoutMs?: number,
    ) =>
      createEmailChannel({
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        name: 'mail',
        host: 'localhost',
        port,
        security,
        caFile: trusted ? path.join(folder, 'cert.pem') : null,
        user: 'ops',
        password,
        from: 'Snapaudit <snapaudit@example.com>',
        to: ['ops@example.com', 'night@example.com'],
      });

    it.each(['tls', 'starttls'] as const)(
      'arrives encrypted (%s), to everyone, with the message id as Message-ID',
      async (security) => {
        const port = await start(security === 'tls');
        await channel(port, security).send(message);
        expect(mails).toHaveLength(1);
        const mail = mails[0]!;
        expect(mail.secure).toBe(true);
        expect(mail.to).toEqual(['ops@example.com', 'night@example.com']);
        expect(mail.raw).toContain('Message-ID: <11111111-2222-8333-a444-555555555555@snapaudit>');
        expect(mail.raw).toContain('Auto-Submitted: auto-generated');
        expect(mail.raw.split('Content-Type: text/html')[1]).not.toContain('<script>');
      },
    );
    it('that misses one of its recipients says whom; one that misses all has failed', async () => {
      const gone = new Set(['night@example.com']);
      const port = await start(true, undefined, {
        onRcptTo: ({ address }, _session, reply) =>
          reply(gone.has(address) ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null),
      });
      const { refused } = (await channel(port, 'tls').send(message)) ?? {};
      expect(refused).toBe('The mail server localhost refused night@example.com; the others got it.');
      expect(mails.map(({ to }) => to)).toEqual([['ops@example.com']]);
      gone.add('ops@example.com');
      await expect(channel(port, 'tls').send(message)).rejects.toMatchObject({ failure: 'rejected' });
    });
    it('is given up as a whole in time, for its lease runs out however quick each single answer is', async () => {
      const port = await start(true, undefined, { onMailFrom: () => {} });
      const sending = channel(port, 'tls', 'right', true, 300).send(message);
      await expect(sending).rejects.toMatchObject({
        failure: 'transient',
        mayHaveArrived: true,
        message: expect.stringContaining('EABORT'),
      });
    });
    it('is not sent over a connection that cannot be trusted', async () => {
      const port = await start(true);
      await expect(channel(port, 'tls', 'right', false).send(message)).rejects.toMatchObject({ failure: 'transient' });
      expect(mails).toHaveLength(0);
    });
    it('fails for good with wrong credentials, which it does not name', async () => {
      const port = await start(true);
      const sending = channel(port, 'tls', 'hunter2').send(message);
      await expect(sending).rejects.toMatchObject({
        failure: 'permanent',
        message: expect.not.stringContaining('hunter2'),
      });
    });
    it('tries again after a 4xx and gives the message up after a 5xx', async () => {
      let code = 451;
      const port = await start(true, (reply) => reply(Object.assign(new Error('no'), { responseCode: code })));
      await expect(channel(port, 'tls').send(message)).rejects.toMatchObject({ failure: 'transient' });
      code = 554;
      await expect(channel(port, 'tls').send(message)).rejects.toMatchObject({ failure: 'rejected' });
    });
  },
);
