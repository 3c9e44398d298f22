import { Alert, Button, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { ApiError, type SignedIn, send } from '../api.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { failureText } from '../parts/states.tsx';
import { useWords } from '../words/language.tsx';

export default function SignInPage({ onSignedIn }: { onSignedIn: (session: SignedIn) => void }) {
  const words = useWords();
  usePageTitle(words.signIn.title);
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function signIn() {
    setBusy(true);
    setProblem(null);
    try {
      onSignedIn(await send<SignedIn>('POST', '/session', { token: token.trim() }));
    } catch (error) {
      const wrong = error instanceof ApiError && error.status === 401;
      setProblem(wrong ? words.signIn.wrong : failureText(error, words.common));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <Stack gap="sm">
          <Title order={1} size="h3">
            Snapaudit
          </Title>
          <Text size="sm" className="quiet">
            {words.signIn.hint}
          </Text>
          <PasswordInput
            label={words.signIn.token}
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autoComplete="current-password"
            data-autofocus
            required
          />
          {problem && (
            <Alert color="red" variant="light" role="alert">
              {problem}
            </Alert>
          )}
          <Button type="submit" loading={busy} disabled={token.trim() === ''}>
            {words.signIn.submit}
          </Button>
        </Stack>
      </form>
    </main>
  );
}
