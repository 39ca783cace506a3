import { ClockNote, type FeedClient, FeedLost, FeedProvider, LangSwitch, LinkIndicator, MicShape, SchemeSwitch, useFeedRunning, type Voice, VoiceNote } from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AdviceRing } from "./AdviceRing.tsx";
import { HandoverPage } from "./HandoverPage.tsx";
import { Clock, Waiting } from "./Head.tsx";
import { HelpPage } from "./HelpPage.tsx";
import { NowPage } from "./NowPage.tsx";
import { OpenedPicture } from "./OpenedPicture.tsx";
import { PatientPage } from "./PatientPage.tsx";
import { PinGate, useCrew } from "./PinGate.tsx";
import { ToGive } from "./ToGive.tsx";
import { ringingAdvice, type VehicleState } from "./state.ts";
import { useCrewVoice } from "./useCrewVoice.ts";
import { useVehicle } from "./useVehicle.ts";
import { VehicleAlarms } from "./VehicleAlarms.tsx";

export function App({ feed }: { feed: FeedClient }) {
  return (
    <FeedProvider feed={feed}>
      <PinGate>
        <Tablet feed={feed} />
      </PinGate>
    </FeedProvider>
  );
}

const TABS = ["now", "patient", "help", "handover"] as const;
export type Tab = (typeof TABS)[number];

function Tablet({ feed }: { feed: FeedClient }) {
  useFeedRunning(feed);
  const { state, take } = useVehicle();
  const voice = useCrewVoice(state);
  const [tab, setTab] = useState<Tab>("now");
  const [openedId, setOpenedId] = useState<string | null>(null);
  const { t } = useTranslation();
  if (state === null) return <div className="crew crew-wait gh-dim">{t("common.loading")}</div>;
  // A patrol has no patient until one is added.
  const tabs = state.profile === "patrol" && state.encounterId === null ? TABS.filter((each) => each === "now" || each === "help") : TABS;
  const shown = tabs.find((each) => each === tab) ?? "now";
  const waiting = ringingAdvice(state.advice, state.nowUtcUs);
  const opened = state.advice.find((each) => each.adviceId === openedId && each.adviceId !== waiting?.adviceId) ?? null;
  return (
    <div className="crew">
      <Head state={state} />
      <FeedLost server="vehicle" />
      <VehicleAlarms state={state} take={take} />
      <AdviceRing state={state} />
      <ToGive state={state} />
      {opened !== null && waiting === null && (
        <OpenedPicture
          advice={opened}
          onClose={() => {
            setOpenedId(null);
          }}
        />
      )}
      <VoiceNote voice={voice} />
      <main className="crew-page" data-tab={shown}>
        {shown === "now" && <NowPage state={state} take={take} />}
        {shown === "patient" && <PatientPage state={state} />}
        {shown === "help" && <HelpPage state={state} take={take} onOpen={setOpenedId} />}
        {shown === "handover" && <HandoverPage state={state} />}
      </main>
      <nav className="crew-tabs">
        {tabs.map((each) => (
          <button
            key={each}
            type="button"
            data-testid={`tab-${each}`}
            aria-current={each === shown ? "page" : undefined}
            onClick={() => {
              setTab(each);
            }}
          >
            <TabIcon tab={each} />
            {t(`crew.tabs.${each}`)}
            {each === "help" && waiting !== null && <i className="crew-dot" />}
          </button>
        ))}
        <TalkButton voice={voice} state={state} />
      </nav>
    </div>
  );
}

/** Talk or be silent, from every page; the conversation is joined muted. */
function TalkButton({ voice, state }: { voice: Voice; state: VehicleState }) {
  const { t } = useTranslation();
  const hasDoctor = state.room.people.length > 0;
  const why = !hasDoctor || voice.phase === "joining" ? t(hasDoctor ? "voice.joining" : "voice.off") : t(state.voice.reason === "rate" ? "voice.noRoom" : "voice.noLink");
  const isOn = voice.phase === "on";
  return (
    <button
      type="button"
      className="crew-talk"
      data-testid="voice-toggle"
      data-phase={voice.phase}
      aria-pressed={isOn && !voice.isMuted}
      disabled={!isOn}
      onClick={voice.toggle}
    >
      <MicShape isMuted={voice.isMuted} size={26} />
      {isOn ? (voice.isMuted ? `${t("voice.muted")} · ${t("voice.talk")}` : `${t("voice.heard")} · ${t("voice.mute")}`) : why}
    </button>
  );
}

function Head({ state }: { state: VehicleState }) {
  const { crew, leave } = useCrew();
  const { t } = useTranslation();
  return (
    <header className="crew-head">
      <h1>{state.callSign}</h1>
      <div className="crew-link">
        <LinkIndicator link={state.link} seenFrom="vehicle" />
        <Waiting link={state.link} />
      </div>
      <div className="gh-spacer" />
      <ClockNote clock={state.clock} />
      <Clock />
      <LangSwitch />
      <SchemeSwitch />
      <button type="button" className="gh-tool" data-testid="sign-out" title={t("common.signOut")} onClick={leave}>
        {crew}
      </button>
    </header>
  );
}

function TabIcon({ tab }: { tab: Tab }) {
  const line = { fill: "none", stroke: "currentColor", strokeWidth: 2, strokeLinecap: "round" as const, strokeLinejoin: "round" as const };
  return (
    <svg width="26" height="26" viewBox="0 0 24 24" aria-hidden="true">
      {tab === "now" && <path d="M3 16V8h11v8M14 11h4l3 3v2H3M7 18.5a1.8 1.8 0 1 0 0-.1M17 18.5a1.8 1.8 0 1 0 0-.1M8.500 10.200v3.600M6.700 12h3.600" {...line} />}
      {tab === "patient" && <path d="M3 13h4l2-6 4 11 2.500-7 1.500 2h4" {...line} />}
      {tab === "help" && <path d="M5 5h14v10h-7l-4 4v-4H5zM9 10h6" {...line} />}
      {tab === "handover" && <path d="M5 20V6l7-3 7 3v14M9 20v-5h6v5M12 7v4M10 9h4" {...line} />}
    </svg>
  );
}
