import { Empty, ErrorNote, postJson } from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useCrew } from "./PinGate.tsx";
import type { VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

/** Choose the hospital, sign, and see that the record has arrived. */
export function HandoverPage({ state }: { state: VehicleState }) {
  const { t } = useTranslation();
  const { crew } = useCrew();
  const { run, isBusy, error } = useAction();
  const [picked, setPicked] = useState<string | null>(null);
  const nameOf = (id: string) => state.hospitals.find((each) => each.hospitalId === id)?.name ?? id;
  const latest = state.handoffs.at(-1) ?? null;
  const isOffline = state.link.state === "lost" || state.link.state === "store-and-forward";
  const canSubmit = picked !== null && state.encounterId !== null && !isBusy;
  return (
    <div className="hand">
      <section>
        <h2>{t("crew.pickHospital")}</h2>
        {state.hospitals.length === 0 && <Empty what={t("crew.noHospitals")} />}
        <div className="hand-list">
          {state.hospitals.map((each) => (
            <button
              key={each.hospitalId}
              type="button"
              className="tap"
              data-testid={`handover-hospital-${each.hospitalId}`}
              aria-pressed={picked === each.hospitalId}
              onClick={() => {
                setPicked(each.hospitalId);
              }}
            >
              {each.name}
            </button>
          ))}
        </div>
      </section>
      <section className="hand-right">
        <div className="hand-state" data-testid="handoff-state" data-state={latest?.state ?? "none"}>
          <b>{t(`handoff.state.${latest?.state ?? "none"}`)}</b>
          {latest !== null && <span>{t("handoff.to", { hospital: nameOf(latest.hospitalId) })}</span>}
          {latest?.state === "queued" && <span className="gh-dim">{t(isOffline ? "crew.handedWaiting" : "crew.handed")}</span>}
          {latest !== null && latest.detail !== null && latest.state !== "queued" && <span className="gh-dim">{latest.detail}</span>}
        </div>
        {state.encounterId === null && <Empty what={t("crew.noPatient")} next={t("crew.noPatientHint")} />}
        <div className="gh-spacer" />
        <p className="hand-sign">
          {t("crew.sign")} <b>{crew}</b>
        </p>
        {error !== null && <ErrorNote error={error} />}
        <button
          type="button"
          className="now-next hand-submit"
          data-testid="handover-submit"
          disabled={!canSubmit}
          onClick={() => {
            run(() => postJson("/handover", { hospital_id: picked }));
          }}
        >
          {picked === null ? t("crew.submitPick") : t("crew.submit", { hospital: nameOf(picked) })}
        </button>
      </section>
    </div>
  );
}
