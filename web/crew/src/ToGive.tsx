import { type Advice, amountText, clockText, drugNames, drugText, ErrorNote, type Medication, readDose, spanText, useNow } from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { answer } from "./answer.ts";
import { Decline } from "./Decline.tsx";
import type { VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

const AGO_MIN = [0, 2, 5, 10, 15] as const;

type Drug = Advice & { medication: Medication };
type Sheet = { adviceId: string; what: "given" | "not-given" };

/** Confirmed drugs until they are on record as given or not; and what must no longer be given. */
export function ToGive({ state }: { state: VehicleState }) {
  const { t } = useTranslation();
  const now = useNow();
  const [understood, setUnderstood] = useState<ReadonlySet<string>>(new Set());
  const [sheet, setSheet] = useState<Sheet | null>(null);
  const { run, isBusy, error } = useAction();
  const drugs = state.advice.filter((each): each is Drug => each.medication !== null);
  const shown = drugs.filter((each) => each.state === "confirmed" || (isStopped(each) && !understood.has(each.adviceId)));
  const open = drugs.find((each) => each.adviceId === sheet?.adviceId);
  if (shown.length === 0) return null;
  return (
    <ul className="give">
      {shown.map((each) => (
        <li key={each.adviceId} data-testid={`to-give-${each.adviceId}`} data-state={each.state} role={isStopped(each) ? "alert" : undefined}>
          <div className="give-what">
            <b>{each.state === "confirmed" ? t("crew.toGive") : each.state === "lapsed" ? t("crew.stopLapsed") : t("crew.stopWithdrawn", { name: each.by })}</b>
            <span>{drugText(t, each.medication)}</span>
            <small className="gh-num">
              {each.state === "confirmed" ? t("advice.expires", { span: spanText(t, Math.max(0, each.expiresUtcUs - now)) }) : t("crew.orderedBy", { name: each.by, time: clockText(each.givenUtcUs) })}
            </small>
          </div>
          {each.state === "confirmed" && (
            <button
              type="button"
              className="big yes"
              data-testid="given-now"
              disabled={isBusy}
              onClick={() => {
                run(() => answer.administered(each.adviceId, 0, null));
              }}
            >
              {t("crew.givenNow")}
            </button>
          )}
          {each.state !== "withdrawn" && (
            <>
              <button
                type="button"
                className="big quiet"
                data-testid="given-other"
                onClick={() => {
                  setSheet({ adviceId: each.adviceId, what: "given" });
                }}
              >
                {t("crew.givenOther")}
              </button>
              <button
                type="button"
                className="big quiet"
                data-testid="not-given"
                onClick={() => {
                  setSheet({ adviceId: each.adviceId, what: "not-given" });
                }}
              >
                {t("crew.notGiven")}
              </button>
            </>
          )}
          {isStopped(each) && (
            <button
              type="button"
              className="big quiet"
              data-testid="stop-understood"
              onClick={() => {
                setUnderstood(new Set([...understood, each.adviceId]));
              }}
            >
              {t("crew.stopOk")}
            </button>
          )}
        </li>
      ))}
      {error !== null && (
        <li>
          <ErrorNote error={error} />
        </li>
      )}
      {sheet !== null && open !== undefined && (
        <div className="sheet" role="dialog" aria-modal="true" aria-label={drugNames(open.medication)[0]}>
          <section className="gh-card sheet-card ring">
            {sheet.what === "given" ? (
              <Given
                drug={open.medication}
                isBusy={isBusy}
                onBack={() => {
                  setSheet(null);
                }}
                onSend={(agoMin, dose) => {
                  run(async () => {
                    await answer.administered(open.adviceId, agoMin * 60, dose);
                    setSheet(null);
                  });
                }}
              />
            ) : (
              <Decline
                isBusy={isBusy}
                onBack={() => {
                  setSheet(null);
                }}
                onSend={(reason) => {
                  run(async () => {
                    await answer.decline(open.adviceId, reason);
                    setSheet(null);
                  });
                }}
              />
            )}
          </section>
        </div>
      )}
    </ul>
  );
}

/** A drug that the crew had agreed to give and must not give any more. */
function isStopped(drug: Drug): boolean {
  return drug.state === "lapsed" || (drug.state === "withdrawn" && drug.steps.some((each) => each.said === "confirmed"));
}

function Given({ drug, isBusy, onBack, onSend }: { drug: Medication; isBusy: boolean; onBack: () => void; onSend: (agoMin: number, dose: number) => void }) {
  const { t } = useTranslation();
  const [agoMin, setAgoMin] = useState<number>(0);
  const [typed, setTyped] = useState(String(drug.dose));
  const dose = readDose(typed);
  return (
    <>
      <h2>{t("crew.givenTitle")}</h2>
      <p className="drug-what">{drugText(t, drug)}</p>
      <div className="taps">
        {AGO_MIN.map((each) => (
          <button
            key={each}
            type="button"
            className="tap"
            data-testid={`ago-${each}`}
            aria-pressed={agoMin === each}
            onClick={() => {
              setAgoMin(each);
            }}
          >
            {each === 0 ? t("span.now") : t("crew.givenAgo", { minutes: each })}
          </button>
        ))}
      </div>
      <label className="field">
        {t("order.dose")}, {amountText(0, drug.unit).slice(2)}
        <input
          data-testid="given-dose"
          inputMode="decimal"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
          }}
        />
      </label>
      <div className="ring-buttons">
        <button type="button" className="big quiet" onClick={onBack}>
          {t("common.back")}
        </button>
        <button
          type="button"
          className="big yes"
          data-testid="given-save"
          disabled={isBusy || dose === null}
          onClick={() => {
            if (dose !== null) onSend(agoMin, dose);
          }}
        >
          {t("crew.givenSave")}
        </button>
      </div>
    </>
  );
}
