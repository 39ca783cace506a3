import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "../api/problem.ts";
import { spanText } from "../i18n/index.ts";
import { REJOIN_MS, rejoinWaitMs, type VideoFacts, videoState } from "./state.ts";
import { canPlay, play, type Playing } from "./whep.ts";

const LOOK_MS = 250;

/** One camera, live; says when it is lost and joins again by itself. */
export function VideoPlayer({ unit, camera }: { unit: string; camera: string | null }) {
  const { t } = useTranslation();
  const videoRef = useRef<HTMLVideoElement>(null);
  const [isAble] = useState(canPlay);
  const [view, setView] = useState(() => videoState({ lastFrameMs: null, isAbsent: camera === null }, 0));
  useEffect(() => {
    const video = videoRef.current;
    if (video === null || camera === null || !isAble) {
      setView({ kind: "none" });
      return undefined;
    }
    return keepPlaying(video, unit, camera, (facts) => {
      setView((before) => {
        const next = videoState(facts, performance.now());
        return sameView(before, next) ? before : next;
      });
    });
  }, [unit, camera, isAble]);
  return (
    <div className="gh-video" data-testid="video-state" data-state={view.kind}>
      <video ref={videoRef} data-testid="video-player" muted autoPlay playsInline aria-label={camera === null ? t("video.title") : `${t("video.camera")} ${camera}`} />
      {view.kind === "live" && <span className="gh-video-badge">{camera}</span>}
      {view.kind === "connecting" && (
        <div className="gh-video-note" role="status">
          <span>{t("video.connecting")}</span>
        </div>
      )}
      {view.kind === "lost" && (
        <div className="gh-video-note gh-num" role="status">
          <strong>{t("video.lost", { span: spanText(t, view.sinceMs * 1_000) })}</strong>
          <span>{t("video.lostHint")}</span>
        </div>
      )}
      {view.kind === "none" && (
        <div className="gh-video-note" role="status">
          <strong>{isAble ? t("video.none") : t("video.unsupported")}</strong>
          {isAble && <span>{t("video.noneHint")}</span>}
        </div>
      )}
    </div>
  );
}

function sameView(a: ReturnType<typeof videoState>, b: ReturnType<typeof videoState>): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind !== "lost" || b.kind !== "lost" || Math.floor(a.sinceMs / 1_000) === Math.floor(b.sinceMs / 1_000);
}

/** Play, watch the frames, and ask anew when they stop. Returns the way to end it. */
function keepPlaying(video: HTMLVideoElement, unit: string, camera: string, tell: (facts: VideoFacts) => void): () => void {
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
    if (isBroken || isSilent) void ask();
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
