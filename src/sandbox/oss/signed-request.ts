/** The parts of a request that a signature covers, decoded. */
export interface SignedRequest {
  method: string;
  /** null for a request to the service itself. */
  bucket: string | null;
  /** Decoded; null or '' for a request to the bucket. */
  key: string | null;
  /** Decoded pairs in wire order; an absent value and an empty one are both ''. */
  query: ReadonlyArray<readonly [name: string, value: string]>;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
}

export interface Credential {
  accessKeyId: string;
  accessKeySecret: string;
  /** Present for temporary (STS) credentials: the request must then carry it. */
  securityToken?: string | undefined;
}
