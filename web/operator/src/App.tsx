import {
  Brand,
  clockText,
  type FeedClient,
  FeedLost,
  FeedProvider,
  LangSwitch,
  SchemeSwitch,
  SessionGate,
  useFeedRunning,
  UserMenu,
  useNow,
} from "@goldenhour/shared";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { FleetDesk } from "./FleetDesk.tsx";
import { HealthPage } from "./health/HealthPage.tsx";
import { usePage } from "./usePage.ts";

export function App({ feed }: { feed: FeedClient }) {
  const { t } = useTranslation();
  return (
    <FeedProvider feed={feed}>
      <SessionGate app={t("apps.operator")} roles={["operator", "administrator", "doctor"]}>
        <Desk feed={feed} />
      </SessionGate>
    </FeedProvider>
  );
}

function Desk({ feed }: { feed: FeedClient }) {
  const { t } = useTranslation();
  useFeedRunning(feed);
  useEffect(() => {
    feed.watch({ fleet: true, units: [], waveforms: false });
  }, [feed]);
  const now = useNow();
  const page = usePage();
  return (
    <div className="op">
      <a className="gh-skip" href="#units">
        {t("common.skip")}
      </a>
      <header className="gh-bar">
        <Brand app={t("apps.operator")} />
        <nav className="op-pages">
          <a href="#map" className="gh-tool" aria-current={page === "map" ? "page" : undefined} data-testid="page-map">
            {t("health.map")}
          </a>
          <a href="#health" className="gh-tool" aria-current={page === "health" ? "page" : undefined} data-testid="page-health">
            {t("health.title")}
          </a>
        </nav>
        <span className="gh-notdevice">{t("brand.notDevice")}</span>
        <div className="gh-spacer" />
        <time className="op-clock gh-num">{clockText(now, true)}</time>
        <LangSwitch />
        <SchemeSwitch />
        <UserMenu />
      </header>
      <FeedLost server="hub" />
      {page === "map" ? <FleetDesk /> : <HealthPage />}
    </div>
  );
}
