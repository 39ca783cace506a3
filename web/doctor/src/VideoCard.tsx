import { cameraText, Card, type Room, type UnitView, useRoomPart, VideoPlayer } from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

const ALL = "*";

/** Live video; where a unit has several cameras, one is chosen or all are shown side by side. */
export function VideoCard({ room, view }: { room: Room; view: UnitView | undefined }) {
  const { t } = useTranslation();
  const [picked, setPicked] = useState<string | null>(null);
  useRoomPart(room, "stills");
  const cameras = view?.cameras ?? [];
  const isTiled = picked === ALL && cameras.length > 1;
  const chosen = cameras.find((each) => each === picked) ?? cameras[0] ?? null;
  const shown = isTiled ? cameras : [chosen];
  return (
    <Card
      title={t("video.title")}
      className="doc-video"
      tools={
        cameras.length > 1 && (
          <span className="doc-cameras" role="group" aria-label={t("video.layout")}>
            {cameras.map((each) => (
              <Choice key={each} camera={each} isOn={!isTiled && each === chosen} onPick={setPicked}>
                {cameraText(t, each)}
              </Choice>
            ))}
            <Choice camera={ALL} isOn={isTiled} onPick={setPicked} title={t("video.tileHint")}>
              {t("video.tile")}
            </Choice>
          </span>
        )
      }
    >
      <div className="doc-tiles" data-count={shown.length}>
        {shown.map((camera) => (
          <VideoPlayer
            key={camera}
            unit={room.unit}
            camera={camera}
            given={view?.video.find((each) => each.camera === camera) ?? null}
            still={camera === null ? null : room.stills.latest(camera)}
          />
        ))}
      </div>
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
