import { useTranslation } from "react-i18next";

import { agoText, spanText, type T, wordOf } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";
import { bytesText } from "../units/index.ts";
import type { LinkState, LinkView } from "../wire/feed.ts";

/** One shape a state, so that colour is never the only sign. */
export function LinkShape({ state, size = 16 }: { state: LinkState; size?: number }) {
  const stroke = { fill: "none", stroke: "currentColor", strokeWidth: 1.8, strokeLinecap: "round" as const };
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      {state === "live" && (
        <>
          <rect x="1.5" y="10" width="3" height="4.5" rx="0.8" fill="currentColor" />
          <rect x="6.5" y="6" width="3" height="8.5" rx="0.8" fill="currentColor" />
          <rect x="11.5" y="1.5" width="3" height="13" rx="0.8" fill="currentColor" />
        </>
      )}
      {state === "thin" && (
        <>
          <rect x="1.5" y="10" width="3" height="4.5" rx="0.8" fill="currentColor" />
          <rect x="6.5" y="6" width="3" height="8.5" rx="0.8" fill="none" stroke="currentColor" />
          <rect x="11.5" y="1.5" width="3" height="13" rx="0.8" fill="none" stroke="currentColor" strokeDasharray="2 1.5" />
        </>
      )}
      {state === "store-and-forward" && (
        <>
          <path d="M2 5.5h12v8H2zM1.2 2.5h13.6v3H1.2z" {...stroke} strokeLinejoin="round" />
          <path d="M6 9h4" {...stroke} />
        </>
      )}
      {state === "recovering" && <path d="M3 8a5 5 0 0 1 9-3M13 8a5 5 0 0 1-9 3M12.3 1.8V5H9.1M3.7 14.2V11h3.2" {...stroke} />}
      {state === "lost" && <path d="M3 3l10 10M13 3L3 13" {...stroke} strokeWidth={2.4} />}
      {state === "unknown" && <circle cx="8" cy="8" r="5.5" {...stroke} strokeDasharray="2.5 2.5" />}
    </svg>
  );
}

/** What waits: "1,204 records, 3.1 MB waiting". */
export function waitingText(t: T, records: number, bytes: number): string {
  return t("link.waiting", { count: records, records: records.toLocaleString(), bytes: bytesText(bytes) });
}

/** What is left of the video; null where nothing is given up. */
function gaveUpText(t: T, link: LinkView): string | null {
  if (link.video === null) return null;
  return link.video === "none" ? t("link.thinNone") : t("link.thinGaveUp", { video: wordOf(t, "video.step", link.video) });
}

/** What the state means just now: what was given up, what waits, how long it will take. */
export function linkDetail(t: T, link: LinkView, nowUtcUs: number, seenFrom: "hub" | "vehicle"): string {
  const waiting = link.waitingRecords === null || link.waitingRecords === 0 ? null : waitingText(t, link.waitingRecords, link.waitingBytes ?? 0);
  const heard =
    link.lastHeardUtcUs === null
      ? null
      : t(seenFrom === "vehicle" ? "link.heard" : "link.heardUnit", { ago: agoText(t, nowUtcUs - link.lastHeardUtcUs) });
  switch (link.state) {
    case "live":
      return [link.roundTripMs === null ? null : t("link.roundTrip", { ms: Math.round(link.roundTripMs) }), gaveUpText(t, link)]
        .filter((each) => each !== null)
        .join(" · ");
    case "thin":
      return gaveUpText(t, link) ?? waiting ?? "";
    case "store-and-forward":
      return [waiting, heard].filter((each) => each !== null).join(" · ");
    case "recovering":
      return [waiting, link.drainS === null ? null : t("link.left", { span: spanText(t, link.drainS * 1_000_000) })]
        .filter((each) => each !== null)
        .join(" · ");
    case "lost":
    case "unknown":
      return heard ?? "";
  }
}

/** The link, same place on every screen. */
export function LinkIndicator({ link, seenFrom, isBrief = false }: {
  link: LinkView;
  seenFrom: "hub" | "vehicle";
  isBrief?: boolean;
}) {
  const { t } = useTranslation();
  const now = useNow();
  const detail = linkDetail(t, link, now, seenFrom);
  return (
    <span className="gh-link gh-num" data-testid={isBrief ? undefined : "link-indicator"} data-state={link.state} title={detail}>
      <LinkShape state={link.state} />
      <b>{t(`link.${link.state}`)}</b>
      {!isBrief && detail !== "" && <span>{detail}</span>}
    </span>
  );
}
