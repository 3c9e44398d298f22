import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, lazy, type ReactNode, Suspense, use, useEffect, useMemo } from 'react';
import { type Scope, scopeIncludes } from '../../../core/token-scope.ts';
import { get, type SignedIn, send, takeEarly, whenSignedOut } from '../api.ts';
import { Failure, Loading } from './states.tsx';

const SignInPage = lazy(() => import('../pages/sign-in-page.tsx'));

const Session = createContext<SignedIn>({ required: false, actor: null });

/** Who is signed in; asks for a token where one is needed. */
export function SessionGate({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const session = useQuery({
    queryKey: ['session'],
    queryFn: async () => (await takeEarly<SignedIn>('session')) ?? (await get<SignedIn>('/session')),
    staleTime: 60_000,
  });
  useEffect(() => {
    whenSignedOut(() => {
      queries.setQueryData<SignedIn>(['session'], { required: true, actor: null });
    });
  }, [queries]);
  if (session.isPending) return <Loading />;
  if (session.isError) return <Failure error={session.error} retry={() => session.refetch()} />;
  if (session.data.actor === null) {
    return (
      <Suspense fallback={<Loading />}>
        <SignInPage onSignedIn={(signedIn) => queries.setQueryData(['session'], signedIn)} />
      </Suspense>
    );
  }
  return <Session value={session.data}>{children}</Session>;
}

export function useSession(): SignedIn {
  return use(Session);
}

/** What the token may not do is not shown. */
export function useMay(scope: Scope): boolean {
  const { actor } = useSession();
  return actor !== null && scopeIncludes(actor.scope, scope);
}

export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  return useMemo(
    () => async () => {
      await send('DELETE', '/session');
      queries.setQueryData<SignedIn>(['session'], { required: true, actor: null });
      // What was read with the token goes with it.
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
    },
    [queries],
  );
}
