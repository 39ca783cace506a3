import { type Advice, clockText, SentPicture } from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

import { pictureAt } from "./answer.ts";

/** A picture of before, large again; alarms and what rings stay above it. */
export function OpenedPicture({ advice, onClose }: { advice: Advice; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <section className="ring opened" data-testid="picture-opened" aria-label={advice.text}>
      <header>
        <span>{t("advice.from", { name: advice.by })}</span>
        <span className="gh-num">{clockText(advice.givenUtcUs)}</span>
        <div className="gh-spacer" />
      </header>
      <p>{advice.text}</p>
      <SentPicture advice={advice} src={pictureAt(advice)} />
      <div className="ring-buttons">
        <button type="button" className="big quiet" data-testid="picture-close" onClick={onClose}>
          {t("picture.close")}
        </button>
      </div>
    </section>
  );
}
