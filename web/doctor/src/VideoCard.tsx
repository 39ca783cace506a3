import { Card, VideoPlayer } from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

/** Live video; where a unit has several cameras, one is chosen. */
export function VideoCard({ unit, cameras }: { unit: string; cameras: readonly string[] }) {
  const { t } = useTranslation();
  const [picked, setPicked] = useState<string | null>(null);
  const camera = cameras.find((each) => each === picked) ?? cameras[0] ?? null;
  return (
    <Card
      title={t("video.title")}
      className="doc-video"
      tools={
        cameras.length > 1 &&
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
        ))
      }
    >
      <VideoPlayer key={camera} unit={unit} camera={camera} />
    </Card>
  );
}
