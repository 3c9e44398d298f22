import { Alert, Button, Center, Loader, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { ApiError } from '../api.ts';
import { useWords } from '../words/language.tsx';
import { Inbox, TriangleAlert } from './icons.ts';

export function Loading() {
  const words = useWords();
  return (
    <Center mih={160} role="status" aria-label={words.common.loading}>
      <Loader size="sm" />
    </Center>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const words = useWords();
  return (
    <Alert color="red" variant="light" icon={<TriangleAlert size={18} aria-hidden />} m="md" role="alert">
      <Text size="sm">{failureText(error, words.common)}</Text>
      {retry && (
        <Button mt="xs" size="xs" variant="default" onClick={retry}>
          {words.common.retry}
        </Button>
      )}
    </Alert>
  );
}

export function failureText(error: unknown, words: { offline: string; unknownError: string }): string {
  if (error instanceof ApiError && error.status === 0) return words.offline;
  return (error instanceof Error && error.message) || words.unknownError;
}

/** Nothing to show: says so, and what to do next. */
export function Empty({
  title,
  hint,
  wholePage = false,
  children,
}: {
  title: string;
  hint?: string;
  /** There is nothing else on the page: the title is its heading. */
  wholePage?: boolean;
  children?: ReactNode;
}) {
  return (
    <Center mih={180} p="lg">
      <Stack align="center" gap={6} maw={520}>
        <Inbox size={28} className="quiet" aria-hidden />
        {wholePage ? (
          <Title order={1} size="h5">
            {title}
          </Title>
        ) : (
          <Text fw={700}>{title}</Text>
        )}
        {hint && (
          <Text size="sm" className="quiet" ta="center">
            {hint}
          </Text>
        )}
        {children}
      </Stack>
    </Center>
  );
}
