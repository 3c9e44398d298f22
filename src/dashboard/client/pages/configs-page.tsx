import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, type ConfigVersion, get, type Outcome, type Plan } from '../api.ts';
import {
  CircleCheck,
  CircleQuestionMark,
  Hourglass,
  Info,
  type LucideIcon,
  OctagonAlert,
  RefreshCw,
  TriangleAlert,
} from '../parts/icons.ts';
import { FailedMark, Mark, Name } from '../parts/marks.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ScrollX } from '../parts/scroll-x.tsx';
import { useMay } from '../parts/session.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { ConfirmSteps } from './confirm-steps.tsx';
import { FieldValue } from './field-value.tsx';
import { StepList } from './step-list.tsx';

type Entry = Plan['domains'][number]['entries'][number];

const STATES: Record<Entry['state'], { icon: LucideIcon; tone: string }> = {
  in_sync: { icon: CircleCheck, tone: 'ok' },
  drifted: { icon: TriangleAlert, tone: 'late' },
  pending_reingest: { icon: Hourglass, tone: 'excused' },
  missing: { icon: OctagonAlert, tone: 'not_captured' },
  unmanaged: { icon: Info, tone: 'quiet' },
  unknown: { icon: CircleQuestionMark, tone: 'unknown' },
};

export default function ConfigsPage() {
  const words = useWords();
  usePageTitle(words.configs.title);
  const mayChange = useMay('admin');
  const [asking, setAsking] = useState<'apply' | 'restore' | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const plan = useQuery({
    queryKey: ['plan'],
    queryFn: ({ signal }) => get<Plan>('/configs/plan', {}, signal),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
  const steps = plan.data?.domains.flatMap((domain) => domain.steps) ?? [];
  const unavailable = plan.error instanceof ApiError && plan.error.status === 404;
  return (
    <>
      <div className="page-head">
        <h1>{words.configs.title}</h1>
        <span className="end window-tools">
          <Button
            size="xs"
            variant="default"
            leftSection={<RefreshCw size={14} aria-hidden />}
            loading={plan.isFetching}
            onClick={() => void plan.refetch()}
          >
            {words.configs.look}
          </Button>
          {mayChange && plan.data && (
            <>
              <Button size="xs" variant="default" onClick={() => setAsking('restore')}>
                {words.configs.restore}
              </Button>
              <Button size="xs" disabled={steps.length === 0} onClick={() => setAsking('apply')}>
                {words.configs.apply} · {words.configs.steps(steps.length)}
              </Button>
            </>
          )}
        </span>
      </div>
      {outcome && <OutcomeNote outcome={outcome} onClose={() => setOutcome(null)} />}
      {plan.isPending ? (
        <Loading />
      ) : unavailable ? (
        <Empty title={words.configs.notAvailable} />
      ) : plan.isError ? (
        <Failure error={plan.error} retry={() => plan.refetch()} />
      ) : (
        <>
          {plan.data.failures.map((failure) => (
            <Alert
              key={failure.domain}
              color="red"
              variant="light"
              role="alert"
              mb="sm"
              title={words.configs.couldNotLook}
            >
              <Name>{failure.domain}</Name>: <span className="wrap-any">{failure.message}</span>
            </Alert>
          ))}
          {plan.data.domains.map((domain) => (
            <DomainPanel key={domain.domain} domain={domain} />
          ))}
        </>
      )}
      <Versions />
      <ConfirmSteps
        kind={asking}
        plan={plan.data ?? null}
        onClose={() => setAsking(null)}
        onDone={(done) => {
          setOutcome(done);
          setAsking(null);
          void plan.refetch();
        }}
      />
    </>
  );
}

function DomainPanel({ domain }: { domain: Plan['domains'][number] }) {
  const words = useWords();
  const whole = domain.entries.every((entry) => entry.state === 'in_sync' || entry.state === 'unmanaged');
  return (
    <section className="panel">
      <h2>
        <Name>{domain.domain}</Name> <span className="quiet">{words.domainModes[domain.mode]}</span>
        {whole && (
          <span className="end">
            <Mark {...STATES.in_sync}>{words.configs.inSync}</Mark>
          </span>
        )}
      </h2>
      {domain.warnings.map((warning) => (
        <p key={warning} className="panel-body wrap-any">
          <Mark icon={TriangleAlert} tone="late">
            {words.configs.warnings}
          </Mark>{' '}
          {warning.slice(0, 2_000)}
        </p>
      ))}
      <ScrollX label={domain.domain.slice(0, 200)}>
        <table className="rows">
          <thead>
            <tr>
              <th scope="col">{words.common.app}</th>
              <th scope="col">{words.common.status}</th>
              <th scope="col">{words.configs.field}</th>
              <th scope="col">{words.configs.actual}</th>
              <th scope="col">{words.configs.desired}</th>
            </tr>
          </thead>
          <tbody>
            {domain.entries.map((entry) => (
              <EntryRows key={`${entry.kind}\n${entry.app}`} entry={entry} />
            ))}
          </tbody>
        </table>
      </ScrollX>
    </section>
  );
}

function EntryRows({ entry }: { entry: Entry }) {
  const words = useWords();
  const rows = entry.differences.length > 0 ? entry.differences : [null];
  return rows.map((difference, index) => (
    <tr key={difference?.field ?? ''}>
      {index === 0 && (
        <>
          <td rowSpan={rows.length}>
            <Name>{entry.app ?? words.configs.kinds[entry.kind]}</Name>
          </td>
          <td rowSpan={rows.length}>
            <Mark {...STATES[entry.state]}>{words.configs.states[entry.state]}</Mark>
            {entry.driftedSince && (
              <div className="quiet small">
                {words.configs.since} <When at={entry.driftedSince} />
              </div>
            )}
            {entry.pending.length > 0 && (
              <details className="small">
                <summary>{words.configs.pending(entry.pending.length)}</summary>
                {entry.pending.slice(0, 50).map((session) => (
                  <div key={`${session.stream}${session.startedAt}`}>
                    <Name>{`${session.app}/${session.stream}`}</Name> · <When at={session.startedAt} />
                  </div>
                ))}
              </details>
            )}
          </td>
        </>
      )}
      {difference ? (
        <>
          <td className="fit">{words.configs.fields[difference.field] ?? difference.field}</td>
          <td className="wrap-any diff-old">
            <FieldValue field={difference.field} value={difference.actual} />
          </td>
          <td className="wrap-any diff-new">
            <FieldValue field={difference.field} value={difference.desired} />
          </td>
        </>
      ) : (
        <td colSpan={3} className="quiet">
          –
        </td>
      )}
    </tr>
  ));
}

function OutcomeNote({ outcome, onClose }: { outcome: Outcome; onClose: () => void }) {
  const words = useWords();
  const bad = outcome.failed.length + outcome.failures.length > 0;
  return (
    <Alert
      color={bad ? 'red' : 'teal'}
      variant="light"
      mb="sm"
      role="status"
      withCloseButton
      closeButtonLabel={words.common.close}
      onClose={onClose}
      title={words.configs.done(outcome.done.length)}
    >
      {outcome.failed.length > 0 && (
        <>
          <FailedMark>{words.configs.failed}</FailedMark>
          <StepList steps={outcome.failed.map(({ step }) => step)} />
        </>
      )}
      {[...outcome.failed.map(({ message }) => message), ...outcome.failures.map(({ message }) => message)].map(
        (message) => (
          <p key={message} className="wrap-any">
            {message}
          </p>
        ),
      )}
    </Alert>
  );
}

function Versions() {
  const words = useWords();
  const versions = useQuery({
    queryKey: ['config-versions'],
    queryFn: ({ signal }) => get<{ data: ConfigVersion[] }>('/configs/versions', {}, signal),
  });
  const rows = versions.data?.data ?? [];
  return (
    <section className="panel">
      <h2>{words.configs.versions}</h2>
      {versions.isError ? (
        <Failure error={versions.error} retry={() => versions.refetch()} />
      ) : versions.data && rows.length === 0 ? (
        <Empty title={words.configs.empty} />
      ) : (
        <ScrollX label={words.configs.versions}>
          <table className="rows">
            <thead>
              <tr>
                <th scope="col">{words.common.since}</th>
                <th scope="col">{words.common.app}</th>
                <th scope="col" className="num">
                  {words.configs.fields.intervalSeconds}
                </th>
                <th scope="col">{words.configs.fields.bucket}</th>
                <th scope="col">{words.configs.fields.sequenceObject}</th>
                <th scope="col">{words.configs.fields.callback}</th>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, 200).map((version) => (
                <tr key={`${version.domain}\n${version.app}\n${version.validFrom}`}>
                  <td className="fit">
                    <When at={version.validFrom} /> –{' '}
                    {version.validTo ? <When at={version.validTo} /> : words.common.now}
                  </td>
                  <td>
                    <Name>{`${version.domain} / ${version.app}`}</Name>
                  </td>
                  {version.exists ? (
                    <>
                      <td className="num">{version.intervalSeconds}</td>
                      <td>
                        <Name>{version.bucket ?? '–'}</Name>
                      </td>
                      <td>
                        <Name>{version.sequenceObject ?? version.overwriteObject ?? '–'}</Name>
                      </td>
                      <td>
                        <Name>{version.callback ?? '–'}</Name>
                      </td>
                    </>
                  ) : (
                    <td colSpan={4}>{words.stream.noConfig}</td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
    </section>
  );
}
