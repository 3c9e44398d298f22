import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Link, Route, Switch } from 'wouter';
import { ApiError } from './api.ts';
import { nonce } from './nonce.ts';
import { usePrinting } from './parts/printing.ts';
import { SessionGate } from './parts/session.tsx';
import { Shell } from './parts/shell.tsx';
import { Empty, Loading } from './parts/states.tsx';
import { theme } from './theme.ts';
import { WallPage } from './wall/wall-page.tsx';
import { LanguageProvider, useWords } from './words/language.tsx';

const StreamPage = lazy(() => import('./stream/stream-page.tsx'));
const IncidentsPage = lazy(() => import('./pages/incidents-page.tsx'));
const IncidentPage = lazy(() => import('./pages/incident-page.tsx'));
const GapsPage = lazy(() => import('./pages/gaps-page.tsx'));
const ConfigsPage = lazy(() => import('./pages/configs-page.tsx'));
const AuditsPage = lazy(() => import('./pages/audits-page.tsx'));
const QuarantinePage = lazy(() => import('./pages/quarantine-page.tsx'));
const ReportPage = lazy(() => import('./pages/report-page.tsx'));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the service refused it will refuse again.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

export function App() {
  const isPrinting = usePrinting();
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
      {...(isPrinting && { forceColorScheme: 'light' })}
    >
      <QueryClientProvider client={queries}>
        <LanguageProvider>
          <SessionGate>
            <Shell>
              <Suspense fallback={<Loading />}>
                <Switch>
                  <Route path="/" component={WallPage} />
                  <Route path="/streams/:domain/:app/:stream" component={StreamPage} />
                  <Route path="/incidents" component={IncidentsPage} />
                  <Route path="/incidents/:id" component={IncidentPage} />
                  <Route path="/gaps" component={GapsPage} />
                  <Route path="/configs" component={ConfigsPage} />
                  <Route path="/audits" component={AuditsPage} />
                  <Route path="/quarantine" component={QuarantinePage} />
                  <Route path="/report" component={ReportPage} />
                  <Route component={NotFound} />
                </Switch>
              </Suspense>
            </Shell>
          </SessionGate>
        </LanguageProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function NotFound() {
  const words = useWords();
  return (
    <Empty title={words.common.notFound} wholePage>
      <Link href="/">{words.common.backToWall}</Link>
    </Empty>
  );
}
