import { ErrorNote, Fields, getJson, LangSwitch, Mark, networkProblem, postJson, Problem, remove, whenSessionEnds } from "@goldenhour/shared";
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

const CrewContext = createContext<{ crew: string; leave: () => void } | null>(null);

/** Who is on board: the name signs what the crew answers and hands over. */
export function useCrew(): { crew: string; leave: () => void } {
  const value = use(CrewContext);
  if (value === null) throw new Error("useCrew outside PinGate");
  return value;
}

const MAX_PIN = 8;
const REMEMBERED = "goldenhour.crew";

function nameOf(answer: unknown): string {
  const f = Fields.of(answer, "session");
  return f.textOr("name") ?? f.textOr("display_name") ?? f.text("username");
}

export function PinGate({ children }: { children: ReactNode }) {
  const [crew, setCrew] = useState<string | null | undefined>(undefined);
  useEffect(() => {
    getJson("/session").then(
      (answer) => {
        setCrew(nameOf(answer));
      },
      () => {
        setCrew(null);
      },
    );
    whenSessionEnds(() => {
      setCrew(null);
    });
    return () => {
      whenSessionEnds(null);
    };
  }, []);
  const leave = useCallback(() => {
    void remove("/session").finally(() => {
      setCrew(null);
    });
  }, []);
  const value = useMemo(() => (typeof crew === "string" ? { crew, leave } : null), [crew, leave]);
  if (crew === undefined) return null;
  if (crew === null) return <PinPad onIn={setCrew} />;
  return <CrewContext value={value}>{children}</CrewContext>;
}

function remembered(): string {
  try {
    return localStorage.getItem(REMEMBERED) ?? "";
  } catch {
    return "";
  }
}

function PinPad({ onIn }: { onIn: (name: string) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(remembered);
  const [pin, setPin] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      const answer = await postJson("/session", { name: name.trim(), pin });
      try {
        localStorage.setItem(REMEMBERED, name.trim());
      } catch {
        // Storage is forbidden: the name is typed again next time.
      }
      onIn(answer === null ? name.trim() : nameOf(answer));
    } catch (failure) {
      setPin("");
      setError(failure);
      setBusy(false);
    }
  };
  const canEnter = name.trim() !== "" && pin.length >= 4 && !isBusy;
  return (
    <main className="crew pin">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canEnter) void submit();
        }}
      >
        <div className="pin-left">
          <div className="gh-brand">
            <Mark size={40} />
            {t("brand.name")}
            <small>{t("apps.crew")}</small>
          </div>
          <h1>{t("crew.signIn")}</h1>
          <label>
            {t("crew.name")}
            <input
              data-testid="pin-name"
              autoComplete="off"
              value={name}
              maxLength={80}
              onChange={(event) => {
                setName(event.currentTarget.value);
              }}
            />
          </label>
          <label>
            {t("crew.pin")}
            <input
              data-testid="pin-code"
              type="password"
              inputMode="none"
              autoComplete="off"
              value={pin}
              maxLength={MAX_PIN}
              onChange={(event) => {
                setPin(event.currentTarget.value.replace(/\D/g, ""));
              }}
            />
          </label>
          <PinError error={error} />
          <div className="gh-spacer" />
          <div className="pin-foot">
            <span>{t("brand.notDevice")}</span>
            <LangSwitch />
          </div>
        </div>
        <div className="pin-keys gh-num">
          {["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((key) => (
            <button
              key={key}
              type="button"
              onClick={() => {
                setPin((before) => (before + key).slice(0, MAX_PIN));
              }}
            >
              {key}
            </button>
          ))}
          <button
            type="button"
            className="pin-quiet"
            aria-label={t("crew.erase")}
            onClick={() => {
              setPin((before) => before.slice(0, -1));
            }}
          >
            ⌫
          </button>
          <button
            type="button"
            onClick={() => {
              setPin((before) => (before + "0").slice(0, MAX_PIN));
            }}
          >
            0
          </button>
          <button type="submit" className="pin-enter" data-testid="pin-submit" disabled={!canEnter}>
            {t("crew.enter")}
          </button>
        </div>
      </form>
    </main>
  );
}

function PinError({ error }: { error: unknown }) {
  const { t } = useTranslation();
  if (error === null) return null;
  const problem = error instanceof Problem ? error : networkProblem(error);
  if (problem.status !== 401 && problem.status !== 403) return <ErrorNote error={problem} />;
  return (
    <div className="gh-error" role="alert">
      <p>
        <strong>{t("error.wrongPin.what")}</strong>
      </p>
      <p>
        {t("error.wrongPin.kept")} {t("error.wrongPin.todo")}
      </p>
    </div>
  );
}
