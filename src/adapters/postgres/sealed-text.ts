import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';

function cipherKey(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'snapaudit', 'former-callback-keys', 32));
}

/** Encrypts a former callback key with ours, so that a copy of the database alone does not give it away. */
export function sealText(text: string, secret: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv(CIPHER, cipherKey(secret), iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
}

/** null where none of the secrets sealed it. */
export function openSealedText(sealed: string, secrets: readonly string[]): string | null {
  const bytes = Buffer.from(sealed, 'base64');
  for (const secret of secrets) {
    try {
      const decipher = createDecipheriv(CIPHER, cipherKey(secret), bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    } catch {
      // Sealed with another secret.
    }
  }
  return null;
}
