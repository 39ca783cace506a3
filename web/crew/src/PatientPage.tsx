import {
  EcgFoot,
  EcgPaper,
  Empty,
  ErrorNote,
  type LayoutName,
  News2,
  type PatientNote,
  postJson,
  type Room,
  useFeed,
  useRoomPart,
  VitalsGrid,
} from "@goldenhour/shared";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import type { VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

const ACVPU = ["A", "C", "V", "P", "U"] as const;
type Acvpu = (typeof ACVPU)[number];

/** The patient at a glance, and the two things that only the crew can say: consciousness and oxygen. */
export function PatientPage({ state }: { state: VehicleState }) {
  const feed = useFeed();
  const room = feed.room(state.unit);
  const [layout, setLayout] = useState<LayoutName>("strips");
  const [isEditing, setEditing] = useState(false);
  return (
    <div className="pat">
      <VitalsGrid room={room} className="gh-vitals pat-vitals" />
      <div className="pat-rest">
        <section className="gh-card pat-ecg">
          <button
            type="button"
            className="pat-layout"
            data-testid="ecg-layout"
            onClick={() => {
              setLayout(layout === "strips" ? "3x4" : "strips");
            }}
          >
            {layout === "strips" ? "12" : "3"}
          </button>
          <EcgPaper room={room} layout={layout} fitHeight />
          <EcgFoot room={room} />
        </section>
        <section className="pat-side">
          <PatientCard
            patient={state.patient}
            hasEncounter={state.encounterId !== null}
            onEdit={() => {
              setEditing(true);
            }}
          />
          <div className="gh-card">
            <News2 room={room} />
          </div>
          <Consciousness room={room} />
        </section>
      </div>
      {isEditing && state.encounterId !== null && (
        <PatientForm
          patient={state.patient}
          onDone={() => {
            setEditing(false);
          }}
        />
      )}
    </div>
  );
}

function PatientCard({ patient, hasEncounter, onEdit }: { patient: PatientNote | null; hasEncounter: boolean; onEdit: () => void }) {
  const { t } = useTranslation();
  if (!hasEncounter) {
    return (
      <div className="gh-card">
        <Empty what={t("crew.noPatient")} next={t("crew.noPatientHint")} />
      </div>
    );
  }
  const sexes = ["female", "male", "other", "unknown"] as const;
  const sex = sexes.find((each) => each === patient?.sex);
  const line = [
    [patient?.familyName, patient?.givenName].filter((each) => each !== null && each !== undefined).join(""),
    sex === undefined ? "" : t(`patient.sex.${sex}`),
    patient?.ageYears === null || patient === null ? "" : t("patient.age", { age: patient.ageYears }),
    patient?.complaint ?? "",
  ].filter((each) => each !== "");
  return (
    <button type="button" className="gh-card pat-who" data-testid="patient-edit" onClick={onEdit}>
      <span>{line.length === 0 ? t("patient.none") : line.join(" · ")}</span>
      <b>{t("crew.edit")}</b>
    </button>
  );
}

/** Level of consciousness and oxygen in taps. What was said is read back from the score, not remembered here. */
function Consciousness({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "score");
  const { run, isBusy, error } = useAction();
  const valueOf = (...names: string[]) => room.score?.parts.find((each) => names.includes(each.parameter))?.value ?? null;
  const stated = valueOf("consciousness", "acvpu");
  const oxygen = valueOf("on_oxygen", "oxygen", "supplemental_oxygen");
  const [level, setLevel] = useState<Acvpu | null>(null);
  const [isOnOxygen, setOnOxygen] = useState<boolean | null>(null);
  const shownLevel = level ?? ACVPU.find((each) => each === stated) ?? null;
  const shownOxygen = isOnOxygen ?? (oxygen === null ? null : oxygen === 1 || oxygen === "oxygen" || oxygen === "true" || oxygen === "yes");
  // Half an answer is not completed by a guess: it is sent once both are known.
  const say = (acvpu: Acvpu | null, onOxygen: boolean | null) => {
    setLevel(acvpu);
    setOnOxygen(onOxygen);
    if (acvpu !== null && onOxygen !== null) {
      run(() => postJson("/consciousness", { acvpu, on_oxygen: onOxygen, spo2_scale: 1 }));
    }
  };
  return (
    <div className="gh-card pat-taps">
      <h2>
        {t("crew.consciousness")}
        {shownLevel === null && shownOxygen !== null && <em>{t("crew.stillToSay")}</em>}
      </h2>
      <div className="taps">
        {ACVPU.map((each) => (
          <Tap
            key={each}
            testId={`acvpu-${each}`}
            isOn={shownLevel === each}
            isBusy={isBusy}
            onTap={() => {
              say(each, shownOxygen);
            }}
          >
            <b>{each}</b>
            <small>{t(`crew.acvpu.${each}`)}</small>
          </Tap>
        ))}
      </div>
      <h2>
        {t("crew.oxygen")}
        {shownOxygen === null && shownLevel !== null && <em>{t("crew.stillToSay")}</em>}
      </h2>
      <div className="taps">
        {[false, true].map((each) => (
          <Tap
            key={String(each)}
            testId={each ? "oxygen-on" : "oxygen-off"}
            isOn={shownOxygen === each}
            isBusy={isBusy}
            onTap={() => {
              say(shownLevel, each);
            }}
          >
            <b>{t(each ? "crew.onOxygen" : "crew.onAir")}</b>
          </Tap>
        ))}
      </div>
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}

function Tap({ testId, isOn, isBusy, onTap, children }: { testId: string; isOn: boolean; isBusy: boolean; onTap: () => void; children: ReactNode }) {
  return (
    <button type="button" className="tap" data-testid={testId} aria-pressed={isOn} disabled={isBusy} onClick={onTap}>
      {children}
    </button>
  );
}

function PatientForm({ patient, onDone }: { patient: PatientNote | null; onDone: () => void }) {
  const { t } = useTranslation();
  const { run, isBusy, error } = useAction();
  const [family, setFamily] = useState(patient?.familyName ?? "");
  const [given, setGiven] = useState(patient?.givenName ?? "");
  const [age, setAge] = useState(patient?.ageYears === null || patient === null ? "" : String(patient.ageYears));
  const [days, setDays] = useState(patient?.ageDays === null || patient === null ? "" : String(patient.ageDays));
  const [sex, setSex] = useState(patient?.sex ?? "");
  const [complaint, setComplaint] = useState(patient?.complaint ?? "");
  const orNull = (text: string) => (text.trim() === "" ? null : text.trim());
  const save = () => {
    run(async () => {
      await postJson("/patient", {
        family_name: orNull(family),
        given_name: orNull(given),
        sex: orNull(sex),
        age_years: age === "" ? null : Number(age),
        age_days: age !== "0" || days === "" ? null : Math.min(366, Number(days)),
        complaint: orNull(complaint),
      });
      onDone();
    });
  };
  return (
    <div className="sheet" role="dialog" aria-modal="true" aria-label={t("crew.edit")}>
      <form
        className="gh-card"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <div className="sheet-row">
          <Field label={t("patient.family")} value={family} onChange={setFamily} testId="patient-family" />
          <Field label={t("patient.given")} value={given} onChange={setGiven} testId="patient-given" />
          <Field label={t("patient.ageYears")} value={age} onChange={(text) => { setAge(text.replace(/\D/g, "").slice(0, 3)); }} testId="patient-age" isNumber />
          {age === "0" && (
            <Field label={t("patient.ageDays")} value={days} onChange={(text) => { setDays(text.replace(/\D/g, "").slice(0, 3)); }} testId="patient-days" isNumber />
          )}
        </div>
        <div className="taps">
          {(["female", "male", "other", "unknown"] as const).map((each) => (
            <Tap
              key={each}
              testId={`patient-sex-${each}`}
              isOn={sex === each}
              isBusy={isBusy}
              onTap={() => {
                setSex(each);
              }}
            >
              <b>{t(`patient.sexFull.${each}`)}</b>
            </Tap>
          ))}
        </div>
        <Field label={t("patient.complaint")} value={complaint} onChange={setComplaint} testId="patient-complaint" />
        {error !== null && <ErrorNote error={error} />}
        <div className="sheet-row sheet-end">
          <button type="button" className="big quiet" onClick={onDone}>
            {t("common.cancel")}
          </button>
          <button type="submit" className="big" data-testid="patient-save" disabled={isBusy}>
            {t("common.save")}
          </button>
        </div>
      </form>
    </div>
  );
}

function Field({ label, value, onChange, testId, isNumber = false }: { label: string; value: string; onChange: (text: string) => void; testId: string; isNumber?: boolean }) {
  return (
    <label className="field">
      {label}
      <input
        data-testid={testId}
        inputMode={isNumber ? "numeric" : "text"}
        autoComplete="off"
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
    </label>
  );
}
