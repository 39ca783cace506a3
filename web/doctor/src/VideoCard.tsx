import { Card, piecesOf, RecordedPlayer, Timeline, useFeed, useRecordings, VideoPlayer } from "@goldenhour/shared";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

const BACK_US = 30 * 60 * 1e6;

/** Live video, or what was recorded of it; where a unit has several cameras, one is chosen. */
export function VideoCard({ unit, cameras }: { unit: string; cameras: readonly string[] }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const [picked, setPicked] = useState<string | null>(null);
  const [atUtcUs, setAt] = useState<number | null>(null);
  const camera = cameras.find((each) => each === picked) ?? cameras[0] ?? null;
  const nowUtcUs = useCallback(() => feed.clock.nowUtcUs(), [feed]);
  const recordings = useRecordings(unit, nowUtcUs, BACK_US);
  const pieces = useMemo(() => {
    if (recordings === null || camera === null) return [];
    const { found, fromUtcUs, toUtcUs } = recordings;
    const ofCamera = (each: { camera: string }) => each.camera === camera;
    return piecesOf(found.here.filter(ofCamera), found.coming.filter(ofCamera), fromUtcUs, toUtcUs);
  }, [recordings, camera]);
  const hasFilm = pieces.some((piece) => piece.kind !== "hole");
  return (
    <Card
      title={t("video.title")}
      className="doc-video"
      tools={
        <>
          {atUtcUs !== null && (
            <button
              type="button"
              className="gh-tool"
              data-testid="recording-live"
              onClick={() => {
                setAt(null);
              }}
            >
              {t("recording.live")}
            </button>
          )}
          {cameras.length > 1 &&
            cameras.map((each) => (
              <button
                key={each}
                type="button"
                className="gh-tool"
                data-testid={`camera-${each}`}
                aria-pressed={each === camera}
                onClick={() => {
                  setPicked(each);
                }}
              >
                {each}
              </button>
            ))}
        </>
      }
    >
      {atUtcUs === null || camera === null ? (
        <VideoPlayer key={camera} unit={unit} camera={camera} />
      ) : (
        <RecordedPlayer key={camera} unit={unit} camera={camera} pieces={pieces} atUtcUs={atUtcUs} onMoment={setAt} />
      )}
      {recordings !== null && hasFilm && (
        <Timeline pieces={pieces} fromUtcUs={recordings.fromUtcUs} toUtcUs={recordings.toUtcUs} atUtcUs={atUtcUs} onMoment={setAt} />
      )}
    </Card>
  );
}
