import { clockText, type LinkView, useNow, waitingText } from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

export function Clock() {
  const now = useNow();
  return (
    <time className="crew-clock gh-num" dateTime={new Date(now / 1_000).toISOString()}>
      {clockText(now)}
    </time>
  );
}

/** What the journal still holds that the hub has not acknowledged. */
export function Waiting({ link }: { link: LinkView }) {
  const { t } = useTranslation();
  const records = link.waitingRecords ?? 0;
  // While all is live a handful is always under way: say "nothing" only when it is so, but do not flicker.
  return (
    <span className="crew-waiting gh-num" data-testid="link-waiting" data-records={records}>
      {records === 0 ? t("link.waitingNone") : waitingText(t, records, link.waitingBytes ?? 0)}
    </span>
  );
}
