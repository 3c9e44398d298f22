import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { get, type IndexLook, type ObjectLook, type SlotView, streamPath } from '../api.ts';
import { CircleCheck, CircleQuestionMark, OctagonAlert } from '../parts/icons.ts';
import { Mark, Name } from '../parts/marks.tsx';
import { failureText } from '../parts/states.tsx';
import { Span, When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { asAudited, type Finding } from './as-audited.ts';

/** What each of the three witnesses says of one slot. */

type Says = 'yes' | 'no' | 'unknown';

const SAYS: Record<Finding, Says> = { yes: 'yes', no: 'no', could_not_look: 'unknown', not_asked: 'unknown' };

/** Of this very slot the audit kept the facts only where it is the first of its run. */
function findingsOf({ slot, mode, gap }: SlotView) {
  return asAudited(slot, mode, gap?.from === slot.at ? gap.evidence : null);
}

function Witness({
  title,
  says,
  answer,
  children,
}: {
  title: string;
  says: Says;
  answer: string;
  children?: ReactNode;
}) {
  const look = {
    yes: { icon: CircleCheck, tone: 'ok' },
    no: { icon: OctagonAlert, tone: 'not_captured' },
    unknown: { icon: CircleQuestionMark, tone: 'unknown' },
  }[says];
  return (
    <section className="witness">
      <h3>
        {title} <Mark {...look}>{answer}</Mark>
      </h3>
      {children}
    </section>
  );
}

function Facts({ facts }: { facts: [string, ReactNode][] }) {
  if (facts.length === 0) return null;
  return (
    <dl>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function CallbackWitness({ view }: { view: SlotView }) {
  const words = useWords();
  const { capture } = view;
  const told = capture?.receivedAt ?? null;
  if (!capture || told === null) {
    return <Witness title={words.slot.callback} says="no" answer={words.slot.notTold} />;
  }
  return (
    <Witness title={words.slot.callback} says="yes" answer={words.slot.told}>
      <Facts
        facts={[
          [words.slot.receivedAt, <When key="at" at={told} />],
          [words.slot.delay, capture.delayMs === null ? '–' : <Span key="delay" ms={capture.delayMs} />],
          [words.slot.signature, capture.verified ? words.slot.verified : words.slot.unverified],
          [words.slot.deliveries, capture.deliveries],
          [
            words.slot.objectName,
            <span key="name" className="wrap-any">
              <bdi>{capture.object}</bdi>
            </span>,
          ],
        ]}
      />
      {capture.body !== null && (
        <>
          <h4>{words.slot.body}</h4>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long one scrolls, so the keyboard must reach it */}
          <pre className="raw" dir="ltr" tabIndex={0}>
            {capture.body}
          </pre>
        </>
      )}
    </Witness>
  );
}

export function ObjectWitness({ view, look, error }: { view: SlotView; look: ObjectLook | null; error: unknown }) {
  const words = useWords();
  const found = findingsOf(view).object;
  const finding: Record<Finding, string> = {
    yes: words.slot.present,
    no: words.slot.absent,
    could_not_look: words.slot.couldNotLook,
    not_asked: words.slot.notAsked,
  };
  const audited: [string, ReactNode][] = found === null ? [] : [[words.slot.asAudited, finding[found]]];
  if (view.place === null) {
    return (
      <Witness
        title={words.slot.object}
        says={found === null ? 'unknown' : SAYS[found]}
        answer={finding[found ?? 'not_asked']}
      >
        <Facts facts={audited} />
        <p className="quiet">
          {words.slot.nowhere} {view.gap && words.slot.onlyFirst}
        </p>
      </Witness>
    );
  }
  if (error) {
    return (
      <Witness title={words.slot.object} says="unknown" answer={words.slot.couldNotLook}>
        <Facts facts={audited} />
        <p className="quiet wrap-any">{failureText(error, words.common)}</p>
      </Witness>
    );
  }
  if (!look) return <Witness title={words.slot.object} says="unknown" answer={words.common.loading} />;
  return (
    <Witness
      title={words.slot.object}
      says={look.found ? 'yes' : 'no'}
      answer={look.found ? words.slot.present : words.slot.absent}
    >
      <Facts
        facts={[
          ...audited,
          [words.slot.lookedAt, <When key="looked" at={look.lookedAt} detail="time" />],
          ...(look.found
            ? ([
                [words.slot.lastModified, <When key="modified" at={look.found.lastModified} />],
                [words.slot.size, `${look.found.sizeBytes.toLocaleString(words.locale)} B`],
              ] as [string, ReactNode][])
            : []),
          [words.slot.bucket, <Name key="bucket">{look.bucket}</Name>],
        ]}
      />
    </Witness>
  );
}

/** The vendor allows few calls to its index: what the audit found stands here until somebody wants to look again. */
export function IndexWitness({
  stream,
  view,
}: {
  stream: { domain: string; app: string; stream: string };
  view: SlotView;
}) {
  const words = useWords();
  const { at } = view.slot;
  const index = useQuery({
    queryKey: ['index', stream, at],
    queryFn: ({ signal }) => get<IndexLook>(`${streamPath(stream)}/slots/${at}/index`, {}, signal),
    enabled: false,
    retry: false,
  });
  const found = findingsOf(view).index;
  const finding: Record<Finding, string> = {
    yes: words.slot.listed,
    no: words.slot.notListed,
    could_not_look: words.slot.couldNotLook,
    not_asked: words.slot.notAsked,
  };
  const audited: [string, ReactNode][] = found === null ? [] : [[words.slot.asAudited, finding[found]]];
  const ask = (
    <Button size="compact-xs" variant="default" loading={index.isFetching} onClick={() => void index.refetch()}>
      {words.slot.lookNow}
    </Button>
  );
  if (index.isError) {
    return (
      <Witness title={words.slot.index} says="unknown" answer={words.slot.couldNotLook}>
        <Facts facts={audited} />
        <p className="quiet wrap-any">{failureText(index.error, words.common)}</p>
        {ask}
      </Witness>
    );
  }
  if (!index.data) {
    return (
      <Witness
        title={words.slot.index}
        says={found === null ? 'unknown' : SAYS[found]}
        answer={finding[found ?? 'not_asked']}
      >
        <Facts facts={audited} />
        {ask}
      </Witness>
    );
  }
  const row = findRow(index.data, at, view.place?.object ?? null);
  return (
    <Witness title={words.slot.index} says={row ? 'yes' : 'no'} answer={row ? words.slot.listed : words.slot.notListed}>
      <Facts
        facts={[
          ...audited,
          [words.slot.lookedAt, <When key="looked" at={index.data.lookedAt} detail="time" />],
          ...(row
            ? ([
                [words.slot.createdAt, <When key="created" at={row.createdAt} />],
                [words.slot.objectName, <Name key="name">{row.object}</Name>],
              ] as [string, ReactNode][])
            : []),
        ]}
      />
    </Witness>
  );
}

/** By name where one is known; else what was created within two seconds. */
function findRow({ rows }: IndexLook, at: string, objectName: string | null) {
  if (objectName !== null) return rows.find((row) => row.object === objectName) ?? null;
  return rows.find((row) => Math.abs(new Date(row.createdAt).getTime() - new Date(at).getTime()) <= 2_000) ?? null;
}
