import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** true: any address. Else the private ranges (CIDR) that may be reached beside the public internet. */
export type AllowedPrivate = boolean | readonly string[];

export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError';
}

/** Why this address must not be connected to, or null where it may. */
export function addressProblem(address: string, allowed: AllowedPrivate): string | null {
  if (allowed === true) return null;
  if (!ipaddr.isValid(address)) return `"${address}" is no IP address`;
  // `process` turns ::ffff:10.0.0.1 into 10.0.0.1; other ways to wrap an IPv4 address are no `unicast`.
  const parsed = ipaddr.process(address);
  if (parsed.range() === 'unicast') return null;
  const listed = (allowed || []).some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
  return listed
    ? null
    : `it leads to ${address} (${parsed.range()}); if that is meant, name the range in alerting.allowPrivate`;
}

/**
 * A `lookup` for node:http(s) that refuses a name as soon as one of its addresses is refused. The address that was
 * checked is the address that is connected to, so a name that changes its answer in between gains nothing.
 * A host that is an address itself is never looked up: check it with `addressProblem`.
 */
export function guardedLookup(allowed: AllowedPrivate): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      for (const { address } of addresses) {
        const problem = addressProblem(address, allowed);
        if (problem) return callback(new RefusedAddressError(problem), '');
      }
      const first = addresses[0];
      if (!first) return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '');
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
