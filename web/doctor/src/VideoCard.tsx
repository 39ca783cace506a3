import { cameraText, Card, piecesOf, RecordedPlayer, type Room, Timeline, type UnitView, useFeed, useRecordings, useRoomPart, VideoPlayer } from "@goldenhour/shared";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Grabbed, grabPicture } from "./picture/grab.ts";

const ALL = "*";
const BACK_US = 30 * 60 * 1e6;

/**
 * Live video, or what was recorded of it; where a unit has several cameras, one is chosen or all are
 * shown side by side. What was recorded is shown of one at a time. `onGrab`: the picture that is seen
 * is wanted, to be drawn on.
 */
export function VideoCard({ room, view, onGrab }: { room: Room; view: UnitView | undefined; onGrab?: ((grabbed: Grabbed) => void) | undefined }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const [picked, setPicked] = useState<string | null>(null);
  const [atUtcUs, setAt] = useState<number | null>(null);
  useRoomPart(room, "stills");
  const cameras = view?.cameras ?? [];
  const isTiled = picked === ALL && cameras.length > 1 && atUtcUs === null;
  const camera = cameras.find((each) => each === picked) ?? cameras[0] ?? null;
  const shown = isTiled ? cameras : [camera];
  const nowUtcUs = useCallback(() => feed.clock.nowUtcUs(), [feed]);
  const recordings = useRecordings(room.unit, nowUtcUs, BACK_US);
  const pieces = useMemo(() => {
    if (recordings === null || camera === null) return [];
    const { found, fromUtcUs, toUtcUs } = recordings;
    const ofCamera = (each: { camera: string }) => each.camera === camera;
    return piecesOf(found.here.filter(ofCamera), found.coming.filter(ofCamera), fromUtcUs, toUtcUs);
  }, [recordings, camera]);
  const hasFilm = pieces.some((piece) => piece.kind !== "hole");
  const goLive = () => {
    setAt(null);
  };
  const grab = (picture: HTMLVideoElement | HTMLImageElement, source: string, capturedUtcUs: number | null) => {
    onGrab?.({ canvas: grabPicture(picture), source, capturedUtcUs: capturedUtcUs ?? nowUtcUs() });
  };
  return (
    <Card
      title={t("video.title")}
      className="doc-video"
      tools={
        <>
          {atUtcUs !== null && (
            <button type="button" className="gh-tool" data-testid="recording-live" onClick={goLive}>
              {t("recording.live")}
            </button>
          )}
          {cameras.length > 1 && (
            <span className="doc-cameras" role="group" aria-label={t("video.layout")}>
              {cameras.map((each) => (
                <Choice key={each} camera={each} isOn={!isTiled && each === camera} onPick={setPicked}>
                  {cameraText(t, each)}
                </Choice>
              ))}
              <Choice
                camera={ALL}
                isOn={isTiled}
                onPick={(all) => {
                  setPicked(all);
                  goLive();
                }}
                title={t("video.tileHint")}
              >
                {t("video.tile")}
              </Choice>
            </span>
          )}
        </>
      }
    >
      {atUtcUs === null || camera === null ? (
        <div className="doc-tiles" data-count={shown.length}>
          {shown.map((each) => (
            <VideoPlayer
              key={each}
              unit={room.unit}
              camera={each}
              given={view?.video.find((one) => one.camera === each) ?? null}
              still={each === null ? null : room.stills.latest(each)}
              onFreeze={
                onGrab === undefined || each === null
                  ? undefined
                  : (picture, capturedUtcUs) => {
                      grab(picture, each, capturedUtcUs);
                    }
              }
            />
          ))}
        </div>
      ) : (
        <RecordedPlayer
          key={camera}
          unit={room.unit}
          camera={camera}
          pieces={pieces}
          atUtcUs={atUtcUs}
          onMoment={setAt}
          onFreeze={
            onGrab === undefined
              ? undefined
              : (video, utcUs) => {
                  grab(video, camera, utcUs);
                }
          }
        />
      )}
      {recordings !== null && hasFilm && (
        <Timeline pieces={pieces} fromUtcUs={recordings.fromUtcUs} toUtcUs={recordings.toUtcUs} atUtcUs={atUtcUs} onMoment={setAt} />
      )}
    </Card>
  );
}

function Choice({ camera, isOn, onPick, title, children }: {
  camera: string;
  isOn: boolean;
  onPick: (camera: string) => void;
  title?: string;
  children: string;
}) {
  return (
    <button
      type="button"
      className="gh-tool"
      data-testid={camera === ALL ? "camera-all" : `camera-${camera}`}
      aria-pressed={isOn}
      title={title}
      onClick={() => {
        onPick(camera);
      }}
    >
      {children}
    </button>
  );
}
