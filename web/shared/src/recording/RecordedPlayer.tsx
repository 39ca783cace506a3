import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { segmentUrl } from "../api/recordings.ts";
import { clockText } from "../units/index.ts";
import { Freeze } from "../video/VideoPlayer.tsx";
import { nextFilmUtcUs, pieceAt, type Piece } from "./timeline.ts";

/** Nearer than this the picture is where it is wanted; a seek would only make it stutter. */
const NEAR_S = 0.4;

type Props = {
  unit: string;
  camera: string;
  pieces: readonly Piece[];
  atUtcUs: number;
  /** The moment that is shown now; also where a viewer jumped to. */
  onMoment: (utcUs: number) => void;
  /** Somebody wants the picture of `utcUs`, which is shown. */
  onFreeze?: ((picture: HTMLVideoElement, utcUs: number) => void) | undefined;
};

/** One camera, recorded, at a moment and on from there; what is missing is said, not skipped. */
export function RecordedPlayer({ unit, camera, pieces, atUtcUs, onMoment, onFreeze }: Props) {
  const { t } = useTranslation();
  const videoRef = useRef<HTMLVideoElement>(null);
  const piece = pieceAt(pieces, atUtcUs);
  const film = piece?.kind === "film" ? piece.segment : null;
  const url = film === null ? null : segmentUrl(unit, film.segment);
  const wantedS = film === null ? 0 : Math.max(0, (atUtcUs - film.firstUtcUs) / 1e6);
  useEffect(() => {
    const video = videoRef.current;
    if (video === null) return;
    if (url === null) {
      video.removeAttribute("src");
      video.load();
      return;
    }
    if (video.getAttribute("src") !== url) {
      video.src = url;
      video.currentTime = wantedS;
      void video.play().catch(() => undefined);
    } else if (Math.abs(video.currentTime - wantedS) > NEAR_S) {
      video.currentTime = wantedS;
      void video.play().catch(() => undefined);
    }
  }, [url, wantedS]);
  const next = nextFilmUtcUs(pieces, atUtcUs);
  return (
    <div className="gh-video" data-testid="recorded-state" data-state={piece?.kind ?? "hole"}>
      <video
        ref={videoRef}
        data-testid="recorded-player"
        muted
        playsInline
        aria-label={`${t("recording.title")} ${camera}`}
        onTimeUpdate={(event) => {
          if (film !== null && !event.currentTarget.seeking) onMoment(film.firstUtcUs + event.currentTarget.currentTime * 1e6);
        }}
        onEnded={() => {
          if (film !== null) onMoment(film.lastUtcUs);
        }}
      />
      <span className="gh-video-badge gh-recorded-badge gh-num">{t("recording.badge", { time: clockText(atUtcUs, true) })}</span>
      {film !== null && onFreeze !== undefined && (
        <Freeze
          name={camera}
          onFreeze={() => {
            const video = videoRef.current;
            if (video !== null && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) onFreeze(video, film.firstUtcUs + video.currentTime * 1e6);
          }}
        />
      )}
      {piece?.kind !== "film" && (
        <div className="gh-video-note gh-num" role="status" data-testid="recorded-note">
          <strong>{t(piece?.kind === "coming" ? "recording.coming" : "recording.hole")}</strong>
          {piece !== null && <span>{t("recording.span", { from: clockText(piece.fromUtcUs, true), to: clockText(piece.toUtcUs, true) })}</span>}
          {next !== null && (
            <button
              type="button"
              className="gh-tool"
              data-testid="recorded-next"
              onClick={() => {
                onMoment(next);
              }}
            >
              {t("recording.next", { time: clockText(next, true) })}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
