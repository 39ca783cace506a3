import { useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useFeed, useFeedPhase } from "../feed/context.tsx";
import { spanText, switchLanguage } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";

/** The mark: sixty minutes, the first of them gold. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="9.25" fill="none" stroke="currentColor" strokeOpacity="0.35" strokeWidth="2.5" />
      <path d="M12 2.75A9.25 9.25 0 0 1 21.25 12" fill="none" stroke="currentColor" strokeWidth="2.5" strokeLinecap="round" />
      <path d="M6.2 12.6h2.6l1.5-3.8 2.6 7 1.6-3.2h3.3" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

export function Brand({ app }: { app: string }) {
  const { t } = useTranslation();
  return (
    <div className="gh-brand">
      <Mark />
      {t("brand.name")}
      <small>{app}</small>
    </div>
  );
}

export function LangSwitch() {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      className="gh-tool"
      data-testid="lang-switch"
      aria-label={t("common.languageLabel")}
      onClick={switchLanguage}
    >
      {t("common.language")}
    </button>
  );
}

export function SchemeSwitch() {
  const { t } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className="gh-tool"
      data-testid="scheme-switch"
      aria-label={`${t("common.scheme")}: ${t(`common.${other}`)}`}
      title={t(`common.${other}`)}
      onClick={() => {
        setColorScheme(other);
      }}
    >
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" />
      </svg>
    </button>
  );
}

/** Says that this screen itself hears nothing; while it does, every age goes on counting. */
export function FeedLost({ server }: { server: "hub" | "vehicle" }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const phase = useFeedPhase();
  const now = useNow();
  const since = feed.lostSinceUtcUs();
  if (phase === "open" || since === null || now - since < 1_000_000) return null;
  const span = spanText(t, now - since);
  return (
    <div className="gh-feedlost" role="alert" data-testid="feed-lost">
      {server === "hub" ? t("feed.lost", { span }) : t("feed.lostVehicle", { span })}
      <span>{server === "hub" ? t("feed.lostHint") : t("feed.lostVehicleHint")}</span>
    </div>
  );
}

export function Card({ title, tools, children, className, testId }: {
  title: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
  className?: string;
  testId?: string;
}) {
  return (
    <section className={`gh-card ${className ?? ""}`} data-testid={testId}>
      <header className="gh-card-head">
        <h2 className="gh-card-title">{title}</h2>
        <div className="gh-spacer" />
        {tools}
      </header>
      {children}
    </section>
  );
}

/** An empty state: what is so, and what to do next. */
export function Empty({ what, next }: { what: string; next?: string }) {
  return (
    <div className="gh-empty">
      <strong>{what}</strong>
      {next}
    </div>
  );
}
