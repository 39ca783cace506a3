import { clockText, Empty } from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

import type { VehicleState } from "./state.ts";

/** All advice of this run and what became of it. */
export function AdvicePage({ state }: { state: VehicleState }) {
  const { t } = useTranslation();
  const advice = [...state.advice].sort((a, b) => b.givenUtcUs - a.givenUtcUs);
  if (advice.length === 0) return <Empty what={t("crew.noAdvice")} next={t("crew.noAdviceHint")} />;
  return (
    <ol className="adv">
      {advice.map((each) => (
        <li key={each.adviceId} className="gh-card" data-testid={`advice-item-${each.adviceId}`} data-state={each.state}>
          <p>{each.text}</p>
          <span className="gh-dim gh-num">
            <b>{t(`advice.state.${each.state}`)}</b>
            {each.answeredBy !== null && ` · ${each.answeredBy}`}
            {each.reason !== null && ` · ${each.reason}`} · {t("advice.from", { name: each.by })} · {clockText(each.givenUtcUs)}
          </span>
        </li>
      ))}
    </ol>
  );
}
