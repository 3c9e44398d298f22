import { Button, Drawer, SegmentedControl } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type Quarantined, send } from '../api.ts';
import { useAddress } from '../parts/address.ts';
import { Ban, CircleQuestionMark, type LucideIcon, TriangleAlert } from '../parts/icons.ts';
import { Mark, Name } from '../parts/marks.tsx';
import { More } from '../parts/more.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { outcomeWord, reasonWord } from '../parts/quarantine-words.ts';
import { ScrollX } from '../parts/scroll-x.tsx';
import { useMay } from '../parts/session.tsx';
import { Empty, Failure, failureText, Loading } from '../parts/states.tsx';
import { When } from '../parts/time.tsx';
import { useInert } from '../parts/use-inert.ts';
import { usePages } from '../parts/use-pages.ts';
import { useWords } from '../words/language.tsx';
import { RequestDetail } from './request-detail.tsx';

const KINDS: Record<Quarantined['kind'], { icon: LucideIcon; tone: string }> = {
  rejected: { icon: Ban, tone: 'not_captured' },
  unclassified: { icon: CircleQuestionMark, tone: 'unknown' },
  implausible: { icon: TriangleAlert, tone: 'late' },
};

export default function QuarantinePage() {
  const words = useWords();
  usePageTitle(words.quarantine.title);
  const [search, setSearch] = useAddress();
  const kind = Object.hasOwn(KINDS, search.get('kind') ?? '') ? search.get('kind') : '';
  const request = search.get('request');
  useInert(request !== null);
  const rows = usePages<Quarantined>('/quarantine', { kind });
  const set = (name: string, value: string | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    });
  return (
    <>
      <div className="page-head">
        <h1>{words.quarantine.title}</h1>
      </div>
      <div className="toolbar">
        <SegmentedControl
          size="xs"
          aria-label={words.quarantine.kind}
          value={kind ?? ''}
          onChange={(value) => set('kind', value)}
          data={[
            { value: '', label: words.common.all },
            { value: 'rejected', label: words.quarantine.kinds.rejected },
            { value: 'unclassified', label: words.quarantine.kinds.unclassified },
            { value: 'implausible', label: words.quarantine.kinds.implausible },
          ]}
        />
        <Retry kind={kind || null} />
      </div>
      <section className="panel" aria-label={words.quarantine.title}>
        {rows.isError ? (
          <Failure error={rows.error} retry={() => rows.refetch()} />
        ) : rows.isPending ? (
          <Loading />
        ) : rows.rows.length === 0 ? (
          <Empty title={words.quarantine.empty} hint={words.quarantine.emptyHint} />
        ) : (
          <QuarantineTable rows={rows.rows} onOpen={(id) => set('request', String(id))} />
        )}
        <More query={rows} />
      </section>
      <Drawer
        opened={request !== null}
        onClose={() => set('request', null)}
        position="right"
        size={620}
        title={words.quarantine.title}
        closeButtonProps={{ 'aria-label': words.common.close }}
        transitionProps={{ duration: 0 }}
      >
        {request !== null && <RequestDetail id={request} onDropped={() => set('request', null)} />}
      </Drawer>
    </>
  );
}

interface RetryCounts {
  tried: number;
  stored: number;
  still: Record<string, number>;
}

function Retry({ kind }: { kind: string | null }) {
  const words = useWords();
  const may = useMay('operate');
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => send<RetryCounts>('POST', '/quarantine/retry', kind === null ? {} : { kind }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['pages', '/quarantine'] }),
  });
  if (!may) return null;
  return (
    <>
      <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate()}>
        {words.quarantine.retry}
      </Button>
      <span role="status" className="quiet">
        {retry.data && words.quarantine.retryOutcome(retry.data.stored, retry.data.tried)}
        {retry.isError && failureText(retry.error, words.common)}
      </span>
    </>
  );
}

function QuarantineTable({ rows, onOpen }: { rows: Quarantined[]; onOpen: (id: number) => void }) {
  const words = useWords();
  return (
    <ScrollX label={words.quarantine.title}>
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">{words.quarantine.received}</th>
            <th scope="col">{words.quarantine.kind}</th>
            <th scope="col">{words.common.reason}</th>
            <th scope="col">{words.quarantine.names}</th>
            <th scope="col">{words.quarantine.remote}</th>
            <th scope="col" className="num">
              {words.quarantine.size}
            </th>
            <th scope="col">{words.common.status}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td className="fit">
                <button type="button" className="link" onClick={() => onOpen(row.id)} data-row>
                  <When at={row.receivedAt} />
                </button>
              </td>
              <td className="fit">
                <Mark {...KINDS[row.kind]}>{words.quarantine.kinds[row.kind]}</Mark>
              </td>
              <td>
                <Name title={row.reason}>{reasonWord(row.reason, words)}</Name>
              </td>
              <td>
                <Name>{[row.domain, row.app, row.stream].filter((name) => name !== null).join(' / ') || '–'}</Name>
                {row.object && (
                  <div>
                    <Name>{row.object}</Name>
                  </div>
                )}
              </td>
              <td className="fit">{row.remoteAddress ?? '–'}</td>
              <td className="num fit">{row.bodyBytes.toLocaleString(words.locale)} B</td>
              <td>
                {row.retriedAt ? (
                  <Name>{row.outcome === null ? words.quarantine.settled : outcomeWord(row.outcome, words)}</Name>
                ) : (
                  words.quarantine.waiting
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}
