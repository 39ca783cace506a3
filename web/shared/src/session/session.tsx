import { Button, PasswordInput, TextInput } from "@mantine/core";
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { getJson, postJson, remove, whenSessionEnds } from "../api/client.ts";
import { ErrorNote } from "../api/ErrorNote.tsx";
import { Problem } from "../api/problem.ts";
import { wordOf } from "../i18n/index.ts";
import { LangSwitch, Mark, SchemeSwitch } from "../theme/Chrome.tsx";
import { Fields } from "../wire/decode.ts";

export type Session = { username: string; displayName: string; role: string };

const readSession = (value: unknown): Session => {
  const f = Fields.of(value, "session");
  const username = f.text("username");
  return { username, displayName: f.textOr("display_name") ?? username, role: f.textOr("role") ?? "" };
};

type State = { kind: "asking" } | { kind: "out"; isEnded: boolean } | { kind: "in"; session: Session } | { kind: "failed"; error: unknown };

const SessionContext = createContext<{ session: Session; leave: () => void } | null>(null);

export function useSession(): { session: Session; leave: () => void } {
  const value = use(SessionContext);
  if (value === null) throw new Error("useSession outside SessionGate");
  return value;
}

/** Shows its children to who is signed in with one of `roles`, and the sign-in page to all others. */
export function SessionGate({ app, roles, children }: { app: string; roles: readonly string[]; children: ReactNode }) {
  const [state, setState] = useState<State>({ kind: "asking" });
  const ask = useCallback(() => {
    getJson("/session").then(
      (answer) => {
        setState({ kind: "in", session: readSession(answer) });
      },
      (error: unknown) => {
        const isOut = error instanceof Problem && error.status === 401;
        setState(isOut ? { kind: "out", isEnded: false } : { kind: "failed", error });
      },
    );
  }, []);
  useEffect(() => {
    ask();
    whenSessionEnds(() => {
      setState((before) => (before.kind === "in" ? { kind: "out", isEnded: true } : before));
    });
    return () => {
      whenSessionEnds(null);
    };
  }, [ask]);
  const leave = useCallback(() => {
    void remove("/session").finally(() => {
      setState({ kind: "out", isEnded: false });
    });
  }, []);
  const value = useMemo(() => (state.kind === "in" ? { session: state.session, leave } : null), [state, leave]);
  switch (state.kind) {
    case "asking":
      return null;
    case "failed":
      return (
        <main className="gh-signin">
          <ErrorNote error={state.error} onRetry={ask} />
        </main>
      );
    case "out":
      return (
        <SignIn
          app={app}
          isEnded={state.isEnded}
          onIn={(session) => {
            setState({ kind: "in", session });
          }}
        />
      );
    case "in":
      if (!roles.includes(state.session.role)) return <NoRight session={state.session} onLeave={leave} />;
      return <SessionContext value={value}>{children}</SessionContext>;
  }
}

function SignIn({ app, isEnded, onIn }: { app: string; isEnded: boolean; onIn: (session: Session) => void }) {
  const { t } = useTranslation();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isWrong = error instanceof Problem && error.status === 401;
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      onIn(readSession(await postJson("/session", { username, password })));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <main className="gh-signin">
      <form
        className="gh-card"
        style={{ boxShadow: "var(--gh-shadow)" }}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="gh-brand" style={{ fontSize: 18 }}>
          <Mark size={30} />
          {t("brand.name")}
          <small>{app}</small>
        </div>
        {isEnded && <div className="gh-dim">{t("session.ended")}</div>}
        <TextInput
          label={t("session.username")}
          data-testid="login-username"
          autoComplete="username"
          autoFocus
          required
          withAsterisk={false}
          value={username}
          onChange={(event) => {
            setUsername(event.currentTarget.value);
          }}
        />
        <PasswordInput
          label={t("session.password")}
          data-testid="login-password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          error={isWrong ? t("session.wrong") : undefined}
          onChange={(event) => {
            setPassword(event.currentTarget.value);
          }}
        />
        {error !== null && !isWrong && <ErrorNote error={error} />}
        <Button type="submit" data-testid="login-submit" loading={isBusy} fullWidth>
          {t("session.submit")}
        </Button>
      </form>
      <footer>
        <span>{t("brand.notDevice")}</span>
        <LangSwitch />
        <SchemeSwitch />
      </footer>
    </main>
  );
}

function NoRight({ session, onLeave }: { session: Session; onLeave: () => void }) {
  const { t } = useTranslation();
  return (
    <main className="gh-signin">
      <div className="gh-error" role="alert">
        <p>
          <strong>{t("session.noRight")}</strong>
        </p>
        <p>{t("session.noRightHint", { name: session.displayName, role: wordOf(t, "session.role", session.role) })}</p>
        <p>
          <button type="button" className="gh-tool" onClick={onLeave}>
            {t("common.signOut")}
          </button>
        </p>
      </div>
    </main>
  );
}

/** Who is signed in, and the way out. */
export function UserMenu() {
  const { t } = useTranslation();
  const { session, leave } = useSession();
  return (
    <>
      <span className="gh-dim" style={{ whiteSpace: "nowrap" }}>
        {session.displayName}
      </span>
      <button type="button" className="gh-tool" data-testid="sign-out" onClick={leave}>
        {t("common.signOut")}
      </button>
    </>
  );
}
