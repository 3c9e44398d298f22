/** Names one stream: the main streaming domain, the app and the stream, as the vendor spells them. */
export interface StreamKey {
  domain: string;
  app: string;
  stream: string;
}
