import { createRequire } from 'node:module';
import type { CredentialModel } from '@alicloud/credentials';

/** What signs a call; STS credentials are refreshed by whoever implements it. */
export interface LiveCredential {
  getCredential(): Promise<CredentialModel>;
}

// A CommonJS package with a `default` of its own: ESM loaders differ in what they make of it, `require` does not.
const { default: Credential, Config } = createRequire(import.meta.url)(
  '@alicloud/credentials',
) as typeof import('@alicloud/credentials');

/**
 * The vendor's default chain: environment, OIDC role, CLI profile, credentials file, ECS RAM role, credentials URI. It reads the
 * `ALIBABA_CLOUD_…` variables itself and refreshes what expires. Where every source failed, the chain would stick to its last one for
 * ever, so it is begun anew: a metadata server that was away at the start may come back.
 */
export function defaultCredential(): LiveCredential {
  let chain = new Credential();
  return {
    async getCredential() {
      try {
        return await chain.getCredential();
      } catch (error) {
        chain = new Credential();
        throw error;
      }
    },
  };
}

/** A fixed key pair, as the sandbox uses; with a token it is an STS credential. */
export function staticCredential(keys: {
  accessKeyId: string;
  accessKeySecret: string;
  securityToken?: string;
}): LiveCredential {
  const { accessKeyId, accessKeySecret, securityToken } = keys;
  return new Credential(
    new Config({
      type: securityToken === undefined ? 'access_key' : 'sts',
      accessKeyId,
      accessKeySecret,
      ...(securityToken !== undefined && { securityToken }),
    }),
  );
}
