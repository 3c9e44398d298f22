import { Button, Modal, SegmentedControl } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { get, type Outcome, type Plan, type RestorePlan, send } from '../api.ts';
import { Empty, Failure, failureText, Loading } from '../parts/states.tsx';
import { useInert } from '../parts/use-inert.ts';
import { useWords } from '../words/language.tsx';
import { StepList } from './step-list.tsx';

/** The same confirmation as the commands: what will be done is shown, and asked once; no is the answer that is at hand. */
export function ConfirmSteps({
  kind,
  plan,
  onClose,
  onDone,
}: {
  kind: 'apply' | 'restore' | null;
  plan: Plan | null;
  onClose: () => void;
  onDone: (outcome: Outcome) => void;
}) {
  const words = useWords();
  useInert(kind !== null);
  return (
    <Modal
      opened={kind !== null}
      onClose={onClose}
      size="lg"
      title={kind === 'restore' ? words.configs.restore : words.configs.apply}
      closeButtonProps={{ 'aria-label': words.common.close }}
      transitionProps={{ duration: 0 }}
    >
      {kind === 'apply' && plan && (
        <Consent kind="apply" body={{ digest: plan.digest }} plan={plan} onDone={onDone} onClose={onClose} />
      )}
      {kind === 'restore' && <Restore onDone={onDone} onClose={onClose} />}
    </Modal>
  );
}

function Restore({ onDone, onClose }: { onDone: (outcome: Outcome) => void; onClose: () => void }) {
  const words = useWords();
  const [scope, setScope] = useState<'everything' | 'callbacks'>('everything');
  const plan = useQuery({
    queryKey: ['restore-plan', scope],
    queryFn: ({ signal }) => get<RestorePlan>('/configs/restore-plan', { scope }, signal),
    staleTime: 0,
    refetchOnWindowFocus: false,
  });
  return (
    <div className="slot">
      <SegmentedControl
        size="xs"
        aria-label={words.configs.restore}
        value={scope}
        onChange={(value) => setScope(value as typeof scope)}
        data={[
          { value: 'everything', label: words.configs.restoreEverything },
          { value: 'callbacks', label: words.configs.restoreCallbacks },
        ]}
      />
      {plan.isError ? (
        <Failure error={plan.error} retry={() => plan.refetch()} />
      ) : !plan.data ? (
        <Loading />
      ) : (
        <Consent
          kind="restore"
          body={{ digest: plan.data.digest, scope }}
          plan={plan.data}
          onDone={onDone}
          onClose={onClose}
        />
      )}
    </div>
  );
}

function Consent({
  kind,
  body,
  plan,
  onDone,
  onClose,
}: {
  kind: 'apply' | 'restore';
  body: { digest: string; scope?: string };
  plan: Plan | RestorePlan;
  onDone: (outcome: Outcome) => void;
  onClose: () => void;
}) {
  const words = useWords();
  const act = useMutation({ mutationFn: () => send<Outcome>('POST', `/configs/${kind}`, body), onSuccess: onDone });
  const steps = plan.domains.flatMap((domain) => domain.steps);
  if (steps.length === 0) {
    return <Empty title={kind === 'apply' ? words.configs.inSyncHint : words.configs.nothingRemembered} />;
  }
  return (
    <form
      className="slot"
      onSubmit={(event) => {
        event.preventDefault();
        act.mutate();
      }}
    >
      <p>{kind === 'apply' ? words.configs.confirmApply : words.configs.confirmRestore}</p>
      <StepList steps={steps} />
      <p>
        <b>{kind === 'apply' ? words.configs.askApply(steps.length) : words.configs.askRestore(steps.length)}</b>
      </p>
      {act.isError && (
        <p role="alert" className="tone-not_captured wrap-any">
          {failureText(act.error, words.common)}
        </p>
      )}
      <div className="slot-nav">
        <Button variant="default" onClick={onClose} data-autofocus>
          {words.common.cancel}
        </Button>
        <Button type="submit" loading={act.isPending}>
          {kind === 'apply' ? words.configs.apply : words.configs.restore} · {words.configs.steps(steps.length)}
        </Button>
      </div>
    </form>
  );
}
