import { z } from 'zod';

/** In lower case, as the vendor writes it in callbacks and answers: names are compared letter by letter. */
export const domainName = z
  .string()
  .regex(/^[a-z0-9.-]+$/i, 'a domain name')
  .transform((name) => name.toLowerCase());
