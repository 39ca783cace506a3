import { useTranslation } from "react-i18next";

import type { Heard } from "../wire/room.ts";

/** Beside a name: whether they are on sound, muted, on, or speak. By shape and word as well as colour. */
export function VoiceMark({ heard }: { heard: Heard | undefined }) {
  const { t } = useTranslation();
  const mark = markOf(heard);
  return (
    <span className="gh-voice" data-testid="voice-mark" data-mark={mark} role="img" aria-label={t(`voice.mark.${mark}`)} title={t(`voice.mark.${mark}`)}>
      {mark !== "none" && <MicShape isMuted={mark === "muted"} />}
      {mark === "speaking" && <b>{t("voice.speaks")}</b>}
    </span>
  );
}

export type Mark = "none" | "muted" | "on" | "speaking";

export function markOf(heard: Heard | undefined): Mark {
  if (heard === undefined) return "none";
  if (!heard.isOn) return "muted";
  return heard.isSpeaking ? "speaking" : "on";
}

export function MicShape({ isMuted, size = 16 }: { isMuted: boolean; size?: number }) {
  const line = { fill: "none", stroke: "currentColor", strokeWidth: 2, strokeLinecap: "round" as const, strokeLinejoin: "round" as const };
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d="M9 6a3 3 0 0 1 6 0v6a3 3 0 0 1-6 0zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3M8.500 21h7" {...line} />
      {isMuted && <path d="M3.500 3.500l17 17" {...line} />}
    </svg>
  );
}
