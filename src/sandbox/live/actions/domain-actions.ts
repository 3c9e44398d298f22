import { z } from 'zod';
import { domainName, formatUtc, type LiveAction, liveAction, ownDomain, page, whole } from '../live-action.ts';

const domainMapping = liveAction(
  'DescribeLiveDomainMapping',
  500 / 60,
  z.object({ DomainName: domainName }),
  (p, { state }) => {
    const domain = ownDomain(state, p.DomainName);
    return {
      LiveDomainModels: {
        LiveDomainModel: [
          { DomainName: domain.domain, Type: 'vhost' },
          ...domain.pushDomains.map((name) => ({ DomainName: name, Type: 'publish' })),
          ...domain.subDomains.map((name) => ({ DomainName: name, Type: 'play' })),
        ],
      },
    };
  },
);

const SEARCHES = {
  fuzzy_match: (name: string, keyword: string) => name.includes(keyword),
  pre_match: (name: string, keyword: string) => name.startsWith(keyword),
  suf_match: (name: string, keyword: string) => name.endsWith(keyword),
  full_match: (name: string, keyword: string) => name === keyword,
};

const userDomains = liveAction(
  'DescribeLiveUserDomains',
  100,
  z.object({
    DomainName: z.string().optional(),
    DomainSearchType: z.enum(['fuzzy_match', 'pre_match', 'suf_match', 'full_match']).default('fuzzy_match'),
    LiveDomainType: z.enum(['liveVideo', 'liveEdge']).optional(),
    PageNumber: whole(1, 100_000).default(1),
    PageSize: whole(1, 50).default(20),
  }),
  (p, { state }) => {
    const all = state
      .domains()
      .flatMap((domain) => [
        { domain, name: domain.domain, type: 'liveVideo' },
        ...domain.pushDomains.map((name) => ({ domain, name, type: 'liveEdge' })),
      ]);
    const found = all.filter(
      ({ name, type }) =>
        (p.DomainName === undefined || SEARCHES[p.DomainSearchType](name, p.DomainName)) &&
        (p.LiveDomainType === undefined || type === p.LiveDomainType),
    );
    const { items, total } = page(found, p.PageNumber, p.PageSize);
    return {
      PageNumber: p.PageNumber,
      PageSize: p.PageSize,
      TotalCount: total,
      Domains: {
        PageData: items.map(({ domain, name, type }) => ({
          DomainName: name,
          Cname: `${name}.example-cname.com`,
          LiveDomainType: type,
          LiveDomainStatus: 'online',
          RegionName: domain.region,
          Description: '',
          GmtCreated: formatUtc(domain.createdAtMs),
          GmtModified: formatUtc(domain.createdAtMs),
        })),
      },
    };
  },
);

export const domainActions: LiveAction[] = [domainMapping, userDomains];
