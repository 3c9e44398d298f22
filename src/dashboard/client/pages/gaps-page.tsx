import { NativeSelect, SegmentedControl } from '@mantine/core';
import { BAD_VERDICTS, CAUSES } from '../../../core/verdict.ts';
import type { Gap } from '../api.ts';
import { useAddress } from '../parts/address.ts';
import { GapTable } from '../parts/gap-table.tsx';
import { X } from '../parts/icons.ts';
import { More } from '../parts/more.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { When } from '../parts/time.tsx';
import { usePages } from '../parts/use-pages.ts';
import { useWall } from '../wall/wall-store.ts';
import { useWords } from '../words/language.tsx';

const SHOWN_VERDICTS = [...BAD_VERDICTS, 'unexpected', 'unknown', 'excused'] as const;

export default function GapsPage() {
  const words = useWords();
  usePageTitle(words.gaps.title);
  const [search, setSearch] = useAddress();
  const last = ['24h', '7d', '30d'].find((each) => each === search.get('last')) ?? '24h';
  // As incidents link to it: from the start of the trouble to its end, or until now.
  const from = instantOf(search.get('from'));
  const to = instantOf(search.get('to'));
  const window = from === null ? { last } : { from, to };
  const names = { domain: search.get('domain'), app: search.get('app'), stream: search.get('stream') };
  const verdict = SHOWN_VERDICTS.find((each) => each === search.get('verdict')) ?? '';
  const cause = CAUSES.find((each) => each === search.get('cause')) ?? '';
  const revision = useWall((state) => Math.floor(state.revision / 5));
  const gaps = usePages<Gap>('/gaps', { ...names, ...window, verdict, cause }, revision);
  const change = (apply: (next: URLSearchParams) => void) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        apply(next);
        return next;
      },
      { replace: true },
    );
  const set = (name: string, value: string) => change((next) => (value ? next.set(name, value) : next.delete(name)));
  const forgetWindow = (next: URLSearchParams) => {
    next.delete('from');
    next.delete('to');
  };
  return (
    <>
      <div className="page-head">
        <h1>{words.gaps.title}</h1>
        {Object.values(names)
          .filter((name) => name !== null)
          .map((name) => (
            <bdi key={name} className="name quiet">
              {name}
            </bdi>
          ))}
      </div>
      <div className="toolbar">
        <SegmentedControl
          size="xs"
          aria-label={words.gaps.last}
          value={from === null ? last : ''}
          onChange={(value) =>
            change((next) => {
              forgetWindow(next);
              next.set('last', value);
            })
          }
          data={[
            { value: '24h', label: words.gaps.last24h },
            { value: '7d', label: words.gaps.last7d },
            { value: '30d', label: words.gaps.last30d },
          ]}
        />
        {from !== null && (
          <button type="button" className="chip" onClick={() => change(forgetWindow)}>
            <span>
              <When at={from} /> – {to === null ? words.common.now : <When at={to} />}
            </span>
            <X size={12} role="img" aria-label={words.gaps.forgetWindow} />
          </button>
        )}
        <NativeSelect
          size="xs"
          aria-label={words.common.verdict}
          value={verdict}
          onChange={(event) => set('verdict', event.currentTarget.value)}
          data={[
            { value: '', label: words.gaps.anyVerdict },
            ...SHOWN_VERDICTS.map((value) => ({ value, label: words.verdicts[value] })),
          ]}
        />
        <NativeSelect
          size="xs"
          aria-label={words.common.cause}
          value={cause}
          onChange={(event) => set('cause', event.currentTarget.value)}
          data={[
            { value: '', label: words.gaps.anyCause },
            ...CAUSES.map((value) => ({ value, label: words.causes[value] })),
          ]}
        />
      </div>
      <section className="panel" aria-label={words.gaps.title}>
        {gaps.isError ? (
          <Failure error={gaps.error} retry={() => gaps.refetch()} />
        ) : gaps.isPending ? (
          <Loading />
        ) : gaps.rows.length === 0 ? (
          <Empty title={words.gaps.empty} hint={words.gaps.emptyHint} />
        ) : (
          <GapTable gaps={gaps.rows} withStream />
        )}
        <More query={gaps} />
      </section>
    </>
  );
}

/** As the API takes it, or null where it is none. */
function instantOf(text: string | null): string | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
