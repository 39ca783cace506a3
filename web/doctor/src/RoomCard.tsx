import { Card, clockText, CREW, Empty, ErrorNote, FULL_BPS, type Happening, type Heard, joinConversation, MicShape, type Ring, type Room, type RoomView, sayToRoom, type T, useFeed, useRoomPart, useSeat, useVoice, VoiceMark, VoiceNote } from "@goldenhour/shared";
import { Button, TextInput } from "@mantine/core";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { ensureEncounter } from "./encounter.ts";

/** The room: who is there, who is rung, what is said and what happened; with the way in and out. */
export function RoomCard({ room, tools, canOpen = true }: { room: Room; tools?: ReactNode; canOpen?: boolean }) {
  const { t } = useTranslation();
  const feed = useFeed();
  useRoomPart(room, "people");
  useRoomPart(room, "encounter");
  useRoomPart(room, "voices");
  const { seat, isReplaced } = useSeat();
  const [error, setError] = useState<unknown>(null);
  const isIn = seat?.unit === room.unit;
  useEffect(
    () => () => {
      feed.leave(room.unit);
    },
    [feed, room],
  );
  const join = () => {
    setError(null);
    ensureEncounter(room).then((encounterId) => {
      feed.enter(room.unit, encounterId);
    }, setError);
  };
  return (
    <Card
      title={t("room.title")}
      className="doc-roomcard"
      testId="room-card"
      tools={
        <>
          {isIn && tools}
          {isIn ? (
            <button
              type="button"
              className="gh-tool"
              data-testid="room-leave"
              onClick={() => {
                feed.leave(room.unit);
              }}
            >
              {t("room.leave")}
            </button>
          ) : (
            (canOpen || room.encounter !== null) && (
              <Button size="xs" data-testid="room-join" onClick={join}>
                {t("room.joinRoom")}
              </Button>
            )
          )}
        </>
      }
    >
      {isReplaced && !isIn && <p className="doc-room-note">{t("room.replaced")}</p>}
      {error !== null && <ErrorNote error={error} />}
      <People view={room.view} voices={room.conversation?.voices ?? []} />
      {isIn && <Sound room={room} />}
      {room.view?.rings.slice(0, 3).map((each) => (
        <RingLine key={each.ringId} ring={each} />
      ))}
      <Talk room={room} isIn={isIn} />
    </Card>
  );
}

function People({ view, voices }: { view: RoomView | null; voices: readonly Heard[] }) {
  const { t } = useTranslation();
  const people = view?.people ?? [];
  const crew = voices.find((each) => each.who === CREW);
  if (people.length === 0 && crew === undefined) return <Empty what={t("room.nobody")} />;
  return (
    <ul className="doc-people">
      {crew !== undefined && (
        <li data-testid="room-crew">
          <b>{t("voice.crew")}</b>
          <VoiceMark heard={crew} />
        </li>
      )}
      {people.map((each) => (
        <li key={`${each.name}-${each.joinedUtcUs}`} data-testid="room-person" data-lost={each.isLost}>
          <b>{each.name}</b> <small>{each.role === "guest" ? t("room.guest") : each.organisation}</small>
          {each.isLost && <small> · {t("room.lost")}</small>}
          <VoiceMark heard={voices.find((one) => one.who === each.who)} />
        </li>
      ))}
    </ul>
  );
}

/** One's own sound: joined muted, with the crew and the other doctors. */
function Sound({ room }: { room: Room }) {
  const { t } = useTranslation();
  const encounterId = room.encounter?.encounterId ?? null;
  const { unit, conversation } = room;
  const ask = useCallback((offer: string) => joinConversation(unit, encounterId ?? "", offer), [unit, encounterId]);
  const crewBps = conversation?.crewBps ?? FULL_BPS;
  const voice = useVoice(encounterId, ask, crewBps);
  const hasCrew = conversation?.voices.some((each) => each.who === CREW) ?? false;
  const isOn = voice.phase === "on";
  return (
    <>
      <div className="doc-sound" data-testid="voice" data-phase={voice.phase} data-muted={voice.isMuted}>
        <Button
          size="xs"
          variant={voice.isMuted ? "default" : "filled"}
          color="red.9"
          data-testid="voice-toggle"
          aria-pressed={!voice.isMuted}
          disabled={!isOn}
          leftSection={<MicShape isMuted={voice.isMuted} />}
          onClick={voice.toggle}
        >
          {voice.isMuted ? t("voice.talk") : t("voice.mute")}
        </Button>
        <span role="status">{isOn ? t(voice.isMuted ? "voice.muted" : "voice.heard") : t("voice.joining")}</span>
        {isOn && !hasCrew && <small>{t("voice.crewAway")}</small>}
        {isOn && hasCrew && crewBps < FULL_BPS && <small>{t("voice.crewRate", { kbps: crewBps / 1_000 })}</small>}
      </div>
      <VoiceNote voice={voice} />
    </>
  );
}

/** Who was rung by the crew, and what became of each. */
function RingLine({ ring }: { ring: Ring }) {
  const { t } = useTranslation();
  return (
    <p className="doc-ringed" data-testid="room-ring" data-state={ring.state}>
      <b>{ring.target}</b> {t(`room.ringState.${ring.state}`)}
      <span>
        {ring.calls.map((each) => `${each.name} ${t(`room.call.${each.state}`)}`).join(" · ")}
      </span>
    </p>
  );
}

function Talk({ room, isIn }: { room: Room; isIn: boolean }) {
  const { t } = useTranslation();
  useRoomPart(room, "record");
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>(null);
  const list = useRef<HTMLOListElement>(null);
  const { events } = room;
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [events]);
  const say = () => {
    const encounterId = room.encounter?.encounterId;
    if (encounterId === undefined || text.trim() === "") return;
    setError(null);
    sayToRoom(encounterId, text.trim()).then(() => {
      setText("");
    }, setError);
  };
  return (
    <>
      <ol className="doc-talk gh-num" ref={list} data-testid="room-record" tabIndex={0} aria-label={t("room.record")}>
        {events.map((each) => (
          <li key={each.number} data-kind={each.kind} data-side={each.facts["side"] ?? "hub"}>
            <time>{clockText(each.atUtcUs, true)}</time>
            <span>{happeningText(t, each)}</span>
          </li>
        ))}
      </ol>
      {isIn && (
        <form
          className="doc-say"
          onSubmit={(event) => {
            event.preventDefault();
            say();
          }}
        >
          <TextInput
            size="xs"
            data-testid="room-text"
            aria-label={t("room.say")}
            placeholder={t("room.say")}
            maxLength={500}
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
            }}
          />
          <Button size="xs" type="submit" data-testid="room-say" disabled={text.trim() === ""}>
            {t("room.send")}
          </Button>
        </form>
      )}
      {error !== null && <ErrorNote error={error} />}
    </>
  );
}

const KINDS = ["ring", "rung", "answered", "declined", "timed_out", "ring_answered", "ring_unanswered", "ring_cancelled", "ring_expired", "joined", "replaced", "invited", "revoked"] as const;
const WHYS = ["closed", "lost", "ended", "revoked"] as const;

/** One thing that happened, as a sentence. */
function happeningText(t: T, event: Happening): string {
  const name = event.by ?? "";
  if (event.kind === "said") return `${name}: ${event.facts["text"] ?? ""}`;
  if (event.kind === "left") {
    const why = WHYS.find((each) => each === event.facts["why"]) ?? "closed";
    return t(`room.left.${why}`, { name });
  }
  const kind = KINDS.find((each) => each === event.kind);
  return kind === undefined ? `${event.kind} ${name}` : t(`room.event.${kind}`, { name, target: event.facts["target"] ?? event.facts["guest"] ?? "" });
}
