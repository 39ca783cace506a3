import { type Advice, amountText, ErrorNote, type Medication, Problem, readDose } from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { answer } from "./answer.ts";
import { useAction } from "./useVehicle.ts";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", ".", "0"] as const;

/** The crew types the dose again; the vehicle compares it with the one ordered. */
export function ReadBack({ advice, drug, onDecline }: { advice: Advice; drug: Medication; onDecline: () => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const { run, isBusy, error } = useAction();
  const dose = readDose(typed);
  return (
    <div className="back">
      <div className="back-left">
        <h2>{t("crew.readBackDo")}</h2>
        <output className="back-typed gh-num" data-testid="read-back-typed">
          {typed === "" ? "—" : typed} <small>{amountText(0, drug.unit).slice(2)}</small>
        </output>
        {error !== null &&
          (error instanceof Problem && error.status === 409 ? (
            <p className="back-wrong" role="alert" data-testid="read-back-wrong">
              {error.message.includes("misread") ? t("crew.misread") : error.message.includes("time is not known") ? t("crew.timeUnknown") : t("error.conflict.what")}
            </p>
          ) : (
            <ErrorNote error={error} />
          ))}
        <div className="gh-spacer" />
        <div className="ring-buttons">
          <button type="button" className="big quiet" data-testid="advice-decline" disabled={isBusy} onClick={onDecline}>
            {t("crew.decline")}
          </button>
          <button
            type="button"
            className="big yes"
            data-testid="read-back-send"
            disabled={isBusy || dose === null}
            onClick={() => {
              if (dose !== null) run(() => answer.readBack(advice.adviceId, dose, drug.unit, drug.route));
            }}
          >
            {dose === null ? t("crew.readBackDo") : t("crew.readBackCheck", { amount: amountText(dose, drug.unit) })}
          </button>
        </div>
      </div>
      <div className="back-keys">
        {KEYS.map((key) => (
          <button
            key={key}
            type="button"
            data-testid={`dose-key-${key === "." ? "point" : key}`}
            onClick={() => {
              setTyped((before) => (before + key).slice(0, 9));
            }}
          >
            {key}
          </button>
        ))}
        <button
          type="button"
          data-testid="dose-key-erase"
          aria-label={t("crew.erase")}
          onClick={() => {
            setTyped((before) => before.slice(0, -1));
          }}
        >
          ⌫
        </button>
      </div>
    </div>
  );
}
