import { type Advice, amountText, clockText, drugText, Empty, SentPicture, stateText } from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

import { pictureAt } from "./answer.ts";
import type { VehicleState } from "./state.ts";

/** All advice of this run and what became of it. */
export function AdvicePage({ state, onOpen }: { state: VehicleState; onOpen: (adviceId: string) => void }) {
  const { t } = useTranslation();
  const advice = [...state.advice].sort((a, b) => b.givenUtcUs - a.givenUtcUs);
  if (advice.length === 0) return <Empty what={t("crew.noAdvice")} next={t("crew.noAdviceHint")} />;
  return (
    <ol className="adv">
      {advice.map((each) => (
        <Item key={each.adviceId} advice={each} onOpen={onOpen} />
      ))}
    </ol>
  );
}

function Item({ advice, onOpen }: { advice: Advice; onOpen: (adviceId: string) => void }) {
  const { t } = useTranslation();
  const { medication } = advice;
  return (
    <li className="gh-card" data-testid={`advice-item-${advice.adviceId}`} data-state={advice.state}>
      <p>{medication === null ? advice.text : drugText(t, medication)}</p>
      {advice.picture !== null && (
        <button
          type="button"
          className="adv-picture"
          data-testid="picture-open"
          onClick={() => {
            onOpen(advice.adviceId);
          }}
        >
          <SentPicture advice={advice} src={pictureAt(advice)} />
        </button>
      )}
      <span className="gh-dim gh-num">
        <b>{stateText(t, advice)}</b>
        {medication !== null &&
          advice.administeredUtcUs !== null &&
          ` · ${t("order.givenDose", { amount: amountText(advice.administeredDose ?? medication.dose, medication.unit), time: clockText(advice.administeredUtcUs) })}`}
        {advice.answeredBy !== null && ` · ${advice.answeredBy}`}
        {advice.reason !== null && ` · ${advice.reason}`} · {t("advice.from", { name: advice.by })} · {clockText(advice.givenUtcUs)}
      </span>
      <ul className="adv-steps gh-num">
        {advice.steps.map((step) => (
          <li key={`${step.said}-${step.atUtcUs}`} data-said={step.said}>
            {stateText(t, advice, step.said)} {clockText(step.atUtcUs, true)}
          </li>
        ))}
      </ul>
    </li>
  );
}
