import {
  Brand,
  Card,
  clockText,
  Empty,
  ErrorNote,
  type FeedClient,
  FeedLost,
  FeedProvider,
  type GuestWho,
  LangSwitch,
  LinkIndicator,
  News2,
  openGuestLink,
  Problem,
  SchemeSwitch,
  useFeed,
  useFeedPhase,
  useFeedRunning,
  useRoom,
  useRoomPart,
  useUnit,
  VitalsGrid,
  whoIsGuest,
} from "@goldenhour/shared";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { AdviceItem } from "./AdviceItem.tsx";
import { EcgCard } from "./EcgCard.tsx";
import { RoomCard } from "./RoomCard.tsx";
import { patientLine, Trends } from "./RoomPage.tsx";
import { UnitAlarms } from "./UnitAlarms.tsx";
import { VideoCard } from "./VideoCard.tsx";

/** What a guest link opens: the room of one encounter, and nothing else. */
export function GuestApp({ feed, token }: { feed: FeedClient; token: string }) {
  const { t } = useTranslation();
  const [guest, setGuest] = useState<GuestWho | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    // once it is a cookie, the token is of no use in the address, and would stay in the history
    const opening = token === "" ? whoIsGuest() : openGuestLink(token);
    opening.then((who) => {
      window.history.replaceState(null, "", "#/guest/");
      setGuest(who);
    }, setError);
  }, [token]);
  if (error !== null) {
    const isOver = error instanceof Problem && error.status === 401;
    return <main className="gh-signin">{isOver ? <Empty what={t("guest.over")} next={t("guest.overHint")} /> : <ErrorNote error={error} />}</main>;
  }
  if (guest === null) return null;
  return (
    <FeedProvider feed={feed}>
      <GuestScreen feed={feed} guest={guest} />
    </FeedProvider>
  );
}

function GuestScreen({ feed, guest }: { feed: FeedClient; guest: GuestWho }) {
  const { t } = useTranslation();
  useFeedRunning(feed);
  const isOver = useFeedPhase() === "refused";
  return (
    <div className="doc">
      <header className="gh-bar">
        <Brand app={t("apps.doctor")} />
        <span className="gh-notdevice doc-wide">{t("brand.notDevice")}</span>
        <div className="gh-spacer" />
        <span className="gh-dim gh-num" data-testid="guest-who">
          {t("guest.who", { name: guest.name, by: guest.invitedBy, time: clockText(guest.expiresUtcUs) })}
        </span>
        <LangSwitch />
        <SchemeSwitch />
      </header>
      <FeedLost server="hub" />
      {isOver ? (
        <main className="gh-signin">
          <div data-testid="guest-over">
            <Empty what={t("guest.over")} next={t("guest.overHint")} />
          </div>
        </main>
      ) : (
        <div className="doc-body">
          <GuestRoom guest={guest} />
        </div>
      )}
    </div>
  );
}

function GuestRoom({ guest }: { guest: GuestWho }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const { room } = useRoom(guest.unit);
  const view = useUnit(guest.unit);
  useRoomPart(room, "patient");
  useRoomPart(room, "advice");
  useEffect(() => {
    room.setEncounter({ encounterId: guest.encounterId, openedUtcUs: null });
    feed.enter(guest.unit, guest.encounterId);
  }, [feed, room, guest]);
  const nodes = view?.nodes ?? [];
  return (
    <main className="doc-room" id="main" tabIndex={-1}>
      <header className="doc-head">
        <h1>{guest.callSign}</h1>
        <span className="doc-patient gh-dim">{patientLine(t, room)}</span>
        <div className="gh-spacer" />
        {view !== undefined && <LinkIndicator link={view.link} seenFrom="hub" />}
      </header>
      <UnitAlarms unit={view} />
      <div className="doc-grid">
        <div className="doc-column">
          <section className="doc-vitals" aria-label={t("vitals.title")}>
            <VitalsGrid room={room} />
          </section>
          <EcgCard room={room} />
          <Trends room={room} nodes={nodes} />
        </div>
        <div className="doc-column">
          <VideoCard room={room} view={view} />
          <RoomCard room={room} canOpen={false} />
          <Card title={t("news2.title")} className="doc-news2">
            <News2 room={room} />
          </Card>
          <Card title={t("advice.title")} className="doc-advice">
            {room.advice.length === 0 ? (
              <Empty what={t("advice.empty")} />
            ) : (
              <ol className="doc-advice-list">
                {room.advice.map((each) => (
                  <AdviceItem key={each.adviceId} advice={each} onChanged={null} />
                ))}
              </ol>
            )}
          </Card>
        </div>
      </div>
    </main>
  );
}
