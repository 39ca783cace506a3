import { useTranslation } from "react-i18next";

import { clockText } from "../units/index.ts";
import type { Piece } from "./timeline.ts";

type Props = {
  pieces: readonly Piece[];
  fromUtcUs: number;
  toUtcUs: number;
  /** The moment that is shown; null while the picture is live. */
  atUtcUs: number | null;
  onMoment: (utcUs: number) => void;
};

/** A strip of what was recorded, to scrub back on; holes stay empty. */
export function Timeline({ pieces, fromUtcUs, toUtcUs, atUtcUs, onMoment }: Props) {
  const { t } = useTranslation();
  const span = Math.max(1, toUtcUs - fromUtcUs);
  const percent = (us: number) => `${((us - fromUtcUs) / span) * 100}%`;
  const shownUtcUs = atUtcUs ?? toUtcUs;
  return (
    <div className="gh-timeline">
      <div className="gh-timeline-strip" aria-hidden="true">
        {pieces.map((piece) => (
          <i
            key={`${piece.kind}${piece.fromUtcUs}`}
            data-testid={`piece-${piece.kind}`}
            data-kind={piece.kind}
            style={{ left: percent(piece.fromUtcUs), width: percent(fromUtcUs + piece.toUtcUs - piece.fromUtcUs) }}
          />
        ))}
      </div>
      <input
        type="range"
        data-testid="recording-scrub"
        aria-label={t("recording.scrub")}
        aria-valuetext={clockText(shownUtcUs, true)}
        min={Math.floor(fromUtcUs / 1e6)}
        max={Math.ceil(toUtcUs / 1e6)}
        step={1}
        value={Math.round(shownUtcUs / 1e6)}
        onChange={(event) => {
          onMoment(Number(event.currentTarget.value) * 1e6);
        }}
      />
      <span className="gh-num gh-dim">{clockText(fromUtcUs)}</span>
    </div>
  );
}
