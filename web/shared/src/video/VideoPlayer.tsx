import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "../api/problem.ts";
import type { Still } from "../feed/stills.ts";
import { agoText, spanText } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";
import type { VideoView } from "../wire/feed.ts";
import { cameraText, faultsText, givenText, isMoving, reasonText } from "./given.ts";
import { REJOIN_MS, rejoinWaitMs, type VideoFacts, videoState } from "./state.ts";
import { canPlay, play, type Playing } from "./whep.ts";

const LOOK_MS = 250;

/**
 * One camera, live; says when it is lost and joins again by itself. `given`: what the vehicle says of
 * it; where nothing moves its newest `still` is shown with its age, or the reason why there is none.
 */
export function VideoPlayer({ unit, camera, given = null, still = null, onFreeze }: {
  unit: string;
  camera: string | null;
  given?: VideoView | null;
  still?: Still | null;
  /** Somebody wants the present picture; `capturedUtcUs` null: it is of now. */
  onFreeze?: ((picture: HTMLVideoElement | HTMLImageElement, capturedUtcUs: number | null) => void) | undefined;
}) {
  const { t } = useTranslation();
  const videoRef = useRef<HTMLVideoElement>(null);
  const [isAble] = useState(canPlay);
  const [view, setView] = useState(() => videoState({ lastFrameMs: null, isAbsent: camera === null }, 0));
  const isExpected = useRef(true);
  useEffect(() => {
    isExpected.current = isMoving(given);
  }, [given]);
  useEffect(() => {
    const video = videoRef.current;
    if (video === null || camera === null || !isAble) {
      setView({ kind: "none" });
      return undefined;
    }
    return keepPlaying(video, unit, camera, () => isExpected.current, (facts) => {
      setView((before) => {
        const next = videoState(facts, performance.now());
        return sameView(before, next) ? before : next;
      });
    });
  }, [unit, camera, isAble]);
  const shown = shownOf(view.kind, given);
  const freeze = (box: HTMLElement) => {
    const image = box.querySelector("img");
    if (shown === "still" && image !== null && still !== null) onFreeze?.(image, still.capturedUtcUs);
    else if (videoRef.current !== null) onFreeze?.(videoRef.current, null);
  };
  const name = camera === null ? t("video.title") : cameraText(t, camera);
  return (
    <div className="gh-video" data-testid="video-state" data-state={shown} data-camera={camera ?? ""} data-step={given?.step ?? ""}>
      <video ref={videoRef} data-testid="video-player" muted autoPlay playsInline aria-label={`${t("video.camera")} ${name}`} />
      {shown === "live" && <Badge name={name} given={given} />}
      {shown === "still" && <StillPicture still={still} name={name} given={given} />}
      {onFreeze !== undefined && (shown === "live" || (shown === "still" && still !== null)) && <Freeze name={name} onFreeze={freeze} />}
      {shown === "connecting" && <Note title={null} hint={t("video.connecting")} />}
      {view.kind === "lost" && shown === "lost" && (
        <Note title={t("video.lost", { span: spanText(t, view.sinceMs * 1_000) })} hint={t("video.lostHint")} />
      )}
      {shown === "shutter" && <Note title={t("video.shutterClosed")} hint={t("video.shutterClosedHint")} name={name} />}
      {shown === "privacy" && <Note title={t("video.noPrivacy")} hint={t("video.noPrivacyHint")} name={name} />}
      {shown === "fault" && <Note title={t("video.cameraFault")} hint={t("video.cameraFaultHint")} name={name} />}
      {shown === "none" && <Note title={isAble ? t("video.none") : t("video.unsupported")} hint={isAble ? t("video.noneHint") : null} name={camera === null ? null : name} />}
    </div>
  );
}

/** Takes the picture that is seen; `onFreeze` is given the box that shows it. */
export function Freeze({ name, onFreeze }: { name: string; onFreeze: (box: HTMLElement) => void }) {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      className="gh-video-freeze"
      data-testid="video-freeze"
      aria-label={`${t("picture.freeze")} ${name}`}
      onClick={(event) => {
        const box = event.currentTarget.parentElement;
        if (box !== null) onFreeze(box);
      }}
    >
      {t("picture.freeze")}
    </button>
  );
}

type Shown = "live" | "connecting" | "lost" | "none" | "still" | "shutter" | "privacy" | "fault";

/** What to show: frames that advance before anything else, unless the crew has closed the shutter. */
function shownOf(kind: ReturnType<typeof videoState>["kind"], given: VideoView | null): Shown {
  if (given?.reason === "shutter" || given?.reason === "privacy") return given.reason;
  if (kind === "live") return "live";
  if (given?.reason === "fault") return "fault";
  return given?.step === "stills" ? "still" : kind;
}

function Note({ title, hint, name = null }: { title: string | null; hint: string | null; name?: string | null }) {
  return (
    <div className="gh-video-note gh-num" role="status">
      {name !== null && <span className="gh-video-name">{name}</span>}
      {title !== null && <strong>{title}</strong>}
      {hint !== null && <span>{hint}</span>}
    </div>
  );
}

/** The camera's name, what is given up of its picture, and what is wrong with it. */
function Badge({ name, given, age = null }: { name: string; given: VideoView | null; age?: string | null }) {
  const { t } = useTranslation();
  const gaveUp = given === null ? null : age === null ? givenText(t, given) : reasonText(t, given); // a still says its step itself
  const faults = given === null ? null : faultsText(t, given.faults);
  return (
    <>
      <span className="gh-video-badge" data-still={age !== null}>
        {[name, age, gaveUp, given?.blursFaces === true ? t("video.blursFaces") : null].filter((each) => each !== null).join(" · ")}
      </span>
      {faults !== null && (
        <span className="gh-video-fault" data-testid="video-fault">
          {faults}
        </span>
      )}
    </>
  );
}

function StillPicture({ still, name, given }: { still: Still | null; name: string; given: VideoView | null }) {
  const { t } = useTranslation();
  const now = useNow();
  if (still === null) return <Note title={t("video.stillNone")} hint={t("video.stillNoneHint")} name={name} />;
  return (
    <>
      <img className="gh-video-still" data-testid="video-still" src={still.url} alt={name} />
      <Badge name={name} given={given} age={t("video.still", { ago: agoText(t, now - still.capturedUtcUs) })} />
    </>
  );
}

function sameView(a: ReturnType<typeof videoState>, b: ReturnType<typeof videoState>): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind !== "lost" || b.kind !== "lost" || Math.floor(a.sinceMs / 1_000) === Math.floor(b.sinceMs / 1_000);
}

/** Play, watch the frames, and ask anew when they stop. Returns the way to end it. */
function keepPlaying(
  video: HTMLVideoElement,
  unit: string,
  camera: string,
  isExpected: () => boolean,
  tell: (facts: VideoFacts) => void,
): () => void {
  const facts: VideoFacts = { lastFrameMs: null, isAbsent: false };
  let playing: Playing | null = null;
  let isOver = false;
  let isAsking = false;
  let attempt = 0;
  let askAgainMs = 0;
  let joinedMs = 0;

  const onFrame = () => {
    facts.lastFrameMs = performance.now();
    facts.isAbsent = false;
    attempt = 0;
    if (!isOver) video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);

  const ask = async () => {
    isAsking = true;
    try {
      const next = await play(unit, camera);
      const before = playing;
      playing = next;
      if (hasEnded()) {
        next.stop();
        return;
      }
      joinedMs = performance.now();
      video.srcObject = next.stream;
      before?.stop();
      await video.play().catch(() => undefined);
    } catch (error) {
      facts.isAbsent = error instanceof Problem && (error.status === 404 || error.status === 409);
    } finally {
      isAsking = false;
      askAgainMs = performance.now() + rejoinWaitMs(attempt, Math.random());
      attempt += 1;
    }
  };
  // A function, so that the compiler does not take the flag for settled across an await.
  const hasEnded = () => isOver;

  const look = () => {
    const now = performance.now();
    tell(facts);
    if (isAsking || now < askAgainMs) return;
    const state = playing?.peer.connectionState;
    const isBroken = state === undefined || state === "failed" || state === "closed";
    const isSilent = now - Math.max(facts.lastFrameMs ?? 0, joinedMs) > REJOIN_MS;
    if (isBroken || (isSilent && isExpected())) void ask();
  };
  const timer = setInterval(look, LOOK_MS);
  void ask();
  return () => {
    isOver = true;
    clearInterval(timer);
    playing?.stop();
    video.srcObject = null;
  };
}
