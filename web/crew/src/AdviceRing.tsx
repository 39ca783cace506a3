import { AlarmSound, clockText, ErrorNote, SentPicture, spanText, useNow } from "@goldenhour/shared";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { answer, pictureAt } from "./answer.ts";
import { Decline } from "./Decline.tsx";
import { DrugLine } from "./DrugLine.tsx";
import { ReadBack } from "./ReadBack.tsx";
import { ringingAdvice, type VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

/** Advice rings over every page until it is answered; seen, it stays but is silent. */
export function AdviceRing({ state }: { state: VehicleState }) {
  const { t } = useTranslation();
  const now = useNow();
  const [sound] = useState(() => new AlarmSound());
  const [declining, setDeclining] = useState<string | null>(null);
  const { run, isBusy, error } = useAction();
  const advice = ringingAdvice(state.advice, now);
  const isRinging = advice !== null && (advice.state === "sent" || advice.state === "delivered");
  useEffect(() => {
    if (isRinging) sound.start("medium");
    else sound.stop();
    return () => {
      sound.stop();
    };
  }, [sound, isRinging]);
  if (advice === null) return null;
  const { adviceId, medication, picture } = advice;
  const decline = () => {
    sound.stop();
    setDeclining(adviceId);
  };
  return (
    <section className="ring" data-testid="advice-ring" data-state={advice.state} data-kind={picture !== null ? "picture" : medication === null ? "advice" : "medication"} role="alert">
      <header>
        <b>{t(picture !== null ? "crew.ringPicture" : medication === null ? "crew.ring" : "crew.ringDrug")}</b>
        <span>{t("advice.from", { name: advice.by })}</span>
        <span className="gh-num">{clockText(advice.givenUtcUs)}</span>
        <div className="gh-spacer" />
        <span className="gh-num">{t("advice.expires", { span: spanText(t, advice.expiresUtcUs - now) })}</span>
      </header>
      {medication === null ? <p>{advice.text}</p> : <DrugLine drug={medication} />}
      {picture !== null && <SentPicture advice={advice} src={pictureAt(advice)} />}
      {declining === adviceId ? (
        <Decline
          isBusy={isBusy}
          onBack={() => {
            setDeclining(null);
          }}
          onSend={(reason) => {
            run(async () => {
              await answer.decline(adviceId, reason);
              setDeclining(null);
            });
          }}
        />
      ) : medication !== null && advice.state !== "read_back" ? (
        <ReadBack key={adviceId} advice={advice} drug={medication} onDecline={decline} />
      ) : picture !== null ? (
        <div className="ring-buttons">
          <button
            type="button"
            className="big yes"
            data-testid="advice-confirm"
            disabled={isBusy || picture.standing === "coming"}
            onClick={() => {
              run(() => answer.confirm(adviceId));
            }}
          >
            {t("crew.seenPicture")}
          </button>
        </div>
      ) : (
        <>
          {medication !== null && <p className="ring-said">{t("crew.readBackOk", { text: advice.readBack ?? "" })}</p>}
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
            <button type="button" className="big quiet" data-testid="advice-decline" disabled={isBusy} onClick={decline}>
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
              {t(medication === null ? "crew.confirm" : "crew.confirmDrug")}
            </button>
          </div>
        </>
      )}
      {error !== null && <ErrorNote error={error} />}
    </section>
  );
}
