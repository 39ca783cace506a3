import i18next from "i18next";
import { useTranslation } from "react-i18next";

import { useRoomPart } from "../feed/context.tsx";
import type { Room } from "../feed/room.ts";
import { agoText, type T, wordOf } from "../i18n/index.ts";
import { Empty } from "../theme/Chrome.tsx";
import type { ScorePart } from "../wire/bodies.ts";
import { useNow } from "../time/useNow.ts";

const BANDS = ["low", "low-medium", "medium", "high"] as const;

export function bandText(t: T, band: string): string {
  return t(`news2.band.${BANDS.find((each) => each === band) ?? "unknown"}`);
}

/** "5–8", or "7" when nothing is missing. */
export function scoreText(low: number, high: number): string {
  return low === high ? String(low) : `${low}–${high}`;
}

export function missingText(t: T, missing: readonly string[]): string {
  const words = [...new Set(missing.map((each) => wordOf(t, "news2.part", each)))];
  return t("news2.missing", { list: words.join(i18next.language === "zh-CN" ? "、" : ", ") });
}

/** NEWS2 with what drives it and what is missing. */
export function News2({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "score");
  const now = useNow();
  const { score } = room;
  if (score === null) {
    return (
      <div data-testid="news2" data-low="" data-high="">
        <Empty what={t("news2.none")} next={t("news2.noneHint")} />
      </div>
    );
  }
  return (
    <div className="gh-news2 gh-num" data-testid="news2" data-low={score.low} data-high={score.high} data-band={score.band}>
      <div className="gh-news2-total">
        <b>{scoreText(score.low, score.high)}</b>
        <span className="gh-band" data-band={score.band}>
          {bandText(t, score.band)}
        </span>
        <span className="gh-dim">{score.missing.length > 0 && missingText(t, score.missing)}</span>
        <div className="gh-spacer" />
        <span className="gh-faint">{agoText(t, now - score.capturedUtcUs)}</span>
      </div>
      <ul>
        {score.parts.map((part) => (
          <li key={part.parameter} data-points={part.points ?? ""}>
            <span>{wordOf(t, "news2.part", part.parameter)}</span>
            <span>{valueText(t, part)}</span>
            <b>{part.points ?? "?"}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

function valueText(t: T, part: ScorePart): string {
  if (part.value === null) return "—";
  if (part.parameter === "on_oxygen" || part.parameter === "oxygen") {
    const isOn = part.value === 1 || part.value === "yes" || part.value === "true" || part.value === "oxygen";
    return t(isOn ? "crew.onOxygen" : "crew.onAir");
  }
  return String(part.value);
}
