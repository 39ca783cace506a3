import { AlarmSound, clockText, ErrorNote, spanText, useNow } from "@goldenhour/shared";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { answer } from "./answer.ts";
import { ringingAdvice, type VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

/** Advice rings over every page until it is answered; seen, it stays but is silent. */
export function AdviceRing({ state }: { state: VehicleState }) {
  const { t } = useTranslation();
  const now = useNow();
  const [sound] = useState(() => new AlarmSound());
  const [declining, setDeclining] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const { run, isBusy, error } = useAction();
  const advice = ringingAdvice(state.advice, now);
  const isRinging = advice !== null && advice.state !== "seen";
  useEffect(() => {
    if (isRinging) sound.start("medium");
    else sound.stop();
    return () => {
      sound.stop();
    };
  }, [sound, isRinging]);
  if (advice === null) return null;
  const { adviceId } = advice;
  const isDeclining = declining === adviceId;
  const reasons = t("crew.declineReasons", { returnObjects: true });
  return (
    <section className="ring" data-testid="advice-ring" data-state={advice.state} role="alert">
      <header>
        <b>{t("crew.ring")}</b>
        <span>{t("advice.from", { name: advice.by })}</span>
        <span className="gh-num">{clockText(advice.givenUtcUs)}</span>
        <div className="gh-spacer" />
        <span className="gh-num">{t("advice.expires", { span: spanText(t, advice.expiresUtcUs - now) })}</span>
      </header>
      <p>{advice.text}</p>
      {isDeclining ? (
        <>
          <h2>{t("crew.declineWhy")}</h2>
          <div className="ring-reasons">
            {reasons.map((each, index) => (
              <button
                key={each}
                type="button"
                className="tap"
                data-testid={`advice-reason-${index}`}
                aria-pressed={reason === each}
                onClick={() => {
                  setReason(each);
                }}
              >
                {each}
              </button>
            ))}
            <input
              aria-label={t("crew.declineOther")}
              placeholder={t("crew.declineOther")}
              data-testid="advice-reason-other"
              value={reasons.includes(reason as (typeof reasons)[number]) ? "" : reason}
              maxLength={400}
              onChange={(event) => {
                setReason(event.currentTarget.value);
              }}
            />
          </div>
          <div className="ring-buttons">
            <button
              type="button"
              className="big quiet"
              onClick={() => {
                setDeclining(null);
              }}
            >
              {t("common.back")}
            </button>
            <button
              type="button"
              className="big"
              data-testid="advice-decline-send"
              disabled={isBusy || reason.trim() === ""}
              onClick={() => {
                run(async () => {
                  await answer.decline(adviceId, reason.trim());
                  setReason("");
                  setDeclining(null);
                });
              }}
            >
              {t("crew.declineSend")}
            </button>
          </div>
        </>
      ) : (
        <div className="ring-buttons">
          {isRinging && (
            <button
              type="button"
              className="big quiet"
              data-testid="advice-seen"
              disabled={isBusy}
              onClick={() => {
                run(() => answer.seen(adviceId));
              }}
            >
              {t("crew.seen")}
            </button>
          )}
          <button
            type="button"
            className="big quiet"
            data-testid="advice-decline"
            disabled={isBusy}
            onClick={() => {
              sound.stop();
              setDeclining(adviceId);
            }}
          >
            {t("crew.decline")}
          </button>
          <button
            type="button"
            className="big yes"
            data-testid="advice-confirm"
            disabled={isBusy}
            onClick={() => {
              run(() => answer.confirm(adviceId));
            }}
          >
            {t("crew.confirm")}
          </button>
        </div>
      )}
      {error !== null && <ErrorNote error={error} />}
    </section>
  );
}
