import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { get, type IndexLook, type ObjectLook, type SlotView, streamPath } from '../api.ts';
import { CircleCheck, CircleQuestionMark, OctagonAlert } from '../parts/icons.ts';
import { Mark, Name } from '../parts/marks.tsx';
import { failureText } from '../parts/states.tsx';
import { Span, When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';

/** What each of the three witnesses says of one slot. */

type Says = 'yes' | 'no' | 'unknown';

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
              <bdi>{capture.object.slice(0, 2_000)}</bdi>
            </span>,
          ],
        ]}
      />
    </Witness>
  );
}

export function ObjectWitness({ view, look, error }: { view: SlotView; look: ObjectLook | null; error: unknown }) {
  const words = useWords();
  if (view.place === null) {
    return (
      <Witness title={words.slot.object} says="unknown" answer={words.slot.notAsked}>
        <p className="quiet">
          {words.slot.nowhere} {view.gap && words.slot.onlyFirst}
        </p>
      </Witness>
    );
  }
  if (error) {
    return (
      <Witness title={words.slot.object} says="unknown" answer={words.slot.couldNotLook}>
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

/** The vendor allows few calls to its index, so it is asked only when somebody wants to know. */
export function IndexWitness({
  stream,
  at,
  objectName,
}: {
  stream: { domain: string; app: string; stream: string };
  at: string;
  objectName: string | null;
}) {
  const words = useWords();
  const index = useQuery({
    queryKey: ['index', stream, at],
    queryFn: ({ signal }) => get<IndexLook>(`${streamPath(stream)}/slots/${at}/index`, {}, signal),
    enabled: false,
    retry: false,
  });
  const ask = (
    <Button size="compact-xs" variant="default" loading={index.isFetching} onClick={() => void index.refetch()}>
      {words.slot.lookNow}
    </Button>
  );
  if (index.isError) {
    return (
      <Witness title={words.slot.index} says="unknown" answer={words.slot.couldNotLook}>
        <p className="quiet wrap-any">{failureText(index.error, words.common)}</p>
        {ask}
      </Witness>
    );
  }
  if (!index.data) {
    return (
      <Witness title={words.slot.index} says="unknown" answer={words.slot.notAsked}>
        {ask}
      </Witness>
    );
  }
  const row = findRow(index.data, at, objectName);
  return (
    <Witness title={words.slot.index} says={row ? 'yes' : 'no'} answer={row ? words.slot.listed : words.slot.notListed}>
      <Facts
        facts={[
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
