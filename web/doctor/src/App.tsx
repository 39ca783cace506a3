import {
  Brand,
  type FeedClient,
  FeedLost,
  FeedProvider,
  LangSwitch,
  SchemeSwitch,
  SessionGate,
  useFeedRunning,
  UserMenu,
} from "@goldenhour/shared";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { GuestApp } from "./GuestPage.tsx";
import { RingBar } from "./RingBar.tsx";
import { RoomPage } from "./RoomPage.tsx";
import { readGuestToken, useUnitRoute } from "./route.ts";
import { UnitList } from "./UnitList.tsx";

export function App({ feed }: { feed: FeedClient }) {
  const { t } = useTranslation();
  const [guestToken] = useState(readGuestToken);
  if (guestToken !== null) return <GuestApp feed={feed} token={guestToken} />;
  return (
    <FeedProvider feed={feed}>
      <SessionGate app={t("apps.doctor")} roles={["doctor", "administrator"]}>
        <Screen feed={feed} />
      </SessionGate>
    </FeedProvider>
  );
}

function Screen({ feed }: { feed: FeedClient }) {
  const { t } = useTranslation();
  const [unit, goTo] = useUnitRoute();
  useFeedRunning(feed);
  useEffect(() => {
    if (unit === null) feed.watch({ fleet: true, units: [], waveforms: false });
  }, [feed, unit]);
  return (
    <div className="doc">
      <a className="gh-skip" href="#main">
        {t("common.skip")}
      </a>
      <header className="gh-bar">
        <Brand app={t("apps.doctor")} />
        <span className="gh-notdevice doc-wide">{t("brand.notDevice")}</span>
        <div className="gh-spacer" />
        <LangSwitch />
        <SchemeSwitch />
        <UserMenu />
      </header>
      <FeedLost server="hub" />
      <RingBar onJoin={goTo} />
      <div className="doc-body" data-room={unit !== null}>
        <UnitList chosen={unit} onChoose={goTo} />
        {unit !== null && (
          <RoomPage
            key={unit}
            unit={unit}
            onBack={() => {
              goTo(null);
            }}
          />
        )}
      </div>
    </div>
  );
}
