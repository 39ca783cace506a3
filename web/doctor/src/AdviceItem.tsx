import {
  type Advice,
  type AdviceState,
  amountText,
  clockText,
  drugText,
  OPEN_STATES,
  pictureUrl,
  SentPicture,
  spanText,
  stateText,
  type T,
  useNow,
  withdrawAdvice,
} from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

/** The way of an advice that goes well; the other ends are said in words. */
const WORDS: readonly AdviceState[] = ["sent", "delivered", "seen", "confirmed"];
const PICTURE: readonly AdviceState[] = ["sent", "delivered", "confirmed"];
const DRUG: readonly AdviceState[] = ["sent", "delivered", "read_back", "confirmed", "administered"];

/** One advice: what was asked for, how far it has come, each step with its time; `onChanged` null: only to be read. */
export function AdviceItem({ advice, onChanged }: { advice: Advice; onChanged: ((advice: Advice) => void) | null }) {
  const { t } = useTranslation();
  const now = useNow();
  const [isBusy, setBusy] = useState(false);
  const { medication, picture } = advice;
  const [isLarge, setLarge] = useState(false);
  const steps = picture !== null ? PICTURE : medication === null ? WORDS : DRUG;
  const reached = steps.indexOf(advice.state === "seen" && medication !== null ? "delivered" : advice.state);
  const isOpen = OPEN_STATES.has(advice.state);
  const beyond = medication?.overrideReason ?? null;
  const remark = medication?.remark ?? null;
  const canWithdraw = onChanged !== null && (isOpen || (medication !== null && advice.state === "confirmed")) && advice.withdrawAskedUtcUs === null;
  const withdraw = () => {
    if (onChanged === null) return;
    setBusy(true);
    withdrawAdvice(advice.encounterId, advice.adviceId)
      .then(onChanged, () => undefined) // it was over already: the feed tells how
      .finally(() => {
        setBusy(false);
      });
  };
  return (
    <li className="gh-num" data-testid={`advice-item-${advice.adviceId}`} data-state={advice.state}>
      <p>{medication === null ? advice.text : <b>{drugText(t, medication)}</b>}</p>
      {picture !== null && (
        <button
          type="button"
          className="doc-sent"
          data-testid="picture-sent"
          aria-expanded={isLarge}
          onClick={() => {
            setLarge(!isLarge);
          }}
        >
          <SentPicture advice={advice} src={pictureUrl(advice)} />
        </button>
      )}
      {beyond !== null && <p className="doc-beyond">{t("order.beyondBy", { usual: medication?.usual ?? "", reason: beyond })}</p>}
      {remark !== null && <p className="gh-dim">{remark}</p>}
      <div className="doc-steps" data-steps={steps.length} aria-hidden="true">
        {steps.map((step, index) => (
          <i key={step} data-on={index <= reached} />
        ))}
      </div>
      <span className="doc-advice-state">
        <b>{stateText(t, advice)}</b>
        {answerText(t, advice)}
        <span className="gh-faint">
          {advice.withdrawAskedUtcUs !== null && isOpen && `${t("advice.withdrawing")} · `}
          {clockText(advice.givenUtcUs, true)}
          {isOpen && ` · ${t("advice.expires", { span: spanText(t, Math.max(0, advice.expiresUtcUs - now)) })}`}
        </span>
        {canWithdraw && (
          <button type="button" className="doc-ask" data-testid="advice-withdraw" disabled={isBusy} onClick={withdraw}>
            {t("advice.withdraw")}
          </button>
        )}
      </span>
      <ol className="doc-trace">
        {advice.steps.map((step) => (
          <li key={`${step.said}-${step.atUtcUs}`} data-said={step.said} title={[step.by, step.detail].filter((each) => each !== null).join(" · ")}>
            {stateText(t, advice, step.said)} {clockText(step.atUtcUs, true)}
          </li>
        ))}
      </ol>
    </li>
  );
}

function answerText(t: T, advice: Advice): string {
  const { medication } = advice;
  const by = advice.answeredBy === null ? "" : ` ${t("advice.by", { name: advice.answeredBy })}`;
  const at = advice.answeredUtcUs === null ? "" : ` ${clockText(advice.answeredUtcUs, true)}`;
  const why = advice.reason === null ? "" : ` · ${t("advice.reason", { reason: advice.reason })}`;
  if (medication === null || advice.administeredUtcUs === null) return `${by}${at}${why}`;
  const amount = amountText(advice.administeredDose ?? medication.dose, medication.unit);
  return `${by} · ${t("order.givenDose", { amount, time: clockText(advice.administeredUtcUs, true) })}`;
}
