import {
  amountText,
  drugNames,
  ErrorNote,
  type Formulary,
  getFormulary,
  orderDrug,
  PATIENT_CLASSES,
  type PatientClass,
  type Range,
  readDose,
  type Room,
  type T,
  type Use,
  useRoomPart,
  usualOf,
} from "@goldenhour/shared";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { ensureEncounter } from "./encounter.ts";
import { classOfAge, judge } from "./dose.ts";

const VALID_MIN = [5, 10, 20, 30] as const;

/** A drug to be given: picked, dosed by hand, held against the usual range before it is sent. */
export function OrderForm({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "patient");
  const [formulary, setFormulary] = useState<Formulary | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    const abort = new AbortController();
    getFormulary(abort.signal).then(setFormulary, (error: unknown) => {
      if (!abort.signal.aborted) setFailure(error);
    });
    return () => {
      abort.abort();
    };
  }, []);
  if (failure !== null) return <ErrorNote error={failure} />;
  if (formulary === null) return <form className="gh-dim">{t("common.loading")}</form>;
  return <Form room={room} formulary={formulary} />;
}

function Form({ room, formulary }: { room: Room; formulary: Formulary }) {
  const { t } = useTranslation();
  const byAge = classOfAge(room.patient?.ageYears ?? null);
  const [drugId, setDrugId] = useState("");
  const [picked, setPicked] = useState<PatientClass | null>(null);
  const [route, setRoute] = useState("");
  const [weight, setWeight] = useState("");
  const [dose, setDose] = useState("");
  const [rate, setRate] = useState("");
  const [reason, setReason] = useState("");
  const [remark, setRemark] = useState("");
  const [validMin, setValidMin] = useState<number>(10);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const patientClass = picked ?? byAge ?? "adult";
  const drug = formulary.drugs.find((each) => each.drug === drugId) ?? null;
  const uses = drug?.uses.filter((each) => each.classes.includes(patientClass)) ?? [];
  const use = uses.find((each) => each.route === route) ?? uses[0] ?? null;
  const weightKg = readDose(weight);
  const usual = use === null ? null : usualOf(use, weightKg);
  const amount = readDose(dose);
  const rateValue = rate.trim() === "" ? null : readDose(rate);
  const verdict = use === null ? "none" : judge(amount, usual, rateValue, use.rate);
  const isRateWrong = rate.trim() !== "" && rateValue === null;
  const canSend = use !== null && amount !== null && !isRateWrong && (verdict === "usual" || (verdict === "beyond" && reason.trim() !== "")) && !isBusy;
  const send = async () => {
    if (drug === null || use === null || amount === null) return;
    setBusy(true);
    setError(null);
    try {
      const encounterId = await ensureEncounter(room);
      room.advise(
        await orderDrug(encounterId, {
          drug: drug.drug,
          dose: amount,
          unit: use.unit,
          route: use.route,
          rate: rateValue,
          rateUnit: rateValue === null ? null : (use.rate?.unit ?? null),
          patientClass,
          weightKg,
          overrideReason: verdict === "beyond" ? reason.trim() : null,
          remark: remark.trim() === "" ? null : remark.trim(),
          validForS: validMin * 60,
        }),
      );
      for (const clear of [setDrugId, setDose, setRate, setReason, setRemark]) clear("");
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="doc-order"
      data-testid="order-form"
      data-verdict={verdict}
      onSubmit={(event) => {
        event.preventDefault();
        if (canSend) void send();
      }}
    >
      <div className="doc-order-row">
        <NativeSelect
          size="xs"
          label={t("order.drug")}
          data-testid="order-drug"
          value={drugId}
          data={[{ value: "", label: t("order.pick") }, ...formulary.drugs.map((each) => ({ value: each.drug, label: drugNames(each)[0] }))]}
          onChange={(event) => {
            setDrugId(event.currentTarget.value);
            setRoute("");
          }}
        />
        <NativeSelect
          size="xs"
          label={t("order.classLabel")}
          data-testid="order-class"
          value={patientClass}
          data={PATIENT_CLASSES.map((each) => ({ value: each, label: t(`order.class.${each}`) }))}
          onChange={(event) => {
            setPicked(PATIENT_CLASSES.find((each) => each === event.currentTarget.value) ?? null);
          }}
        />
        {use?.perKg === true && <TextInput size="xs" label={t("order.weight")} data-testid="order-weight" inputMode="decimal" value={weight} onChange={(event) => { setWeight(event.currentTarget.value); }} />}
      </div>
      {use !== null && (
        <>
          <div className="doc-order-row">
            <TextInput
              size="xs"
              label={`${t("order.dose")}, ${amountText(0, use.unit).slice(2)}`}
              data-testid="order-dose"
              inputMode="decimal"
              autoComplete="off"
              value={dose}
              error={dose.trim() !== "" && amount === null ? t("order.notNumber") : undefined}
              onChange={(event) => {
                setDose(event.currentTarget.value);
              }}
            />
            <NativeSelect
              size="xs"
              label={t("order.routeLabel")}
              data-testid="order-route"
              value={use.route}
              data={uses.map((each) => ({ value: each.route, label: t(`order.route.${each.route}`) }))}
              onChange={(event) => {
                setRoute(event.currentTarget.value);
              }}
            />
            {use.rate !== null && (
              <TextInput
                size="xs"
                label={t("order.rate", { unit: use.rate.unit.replace("ug", "µg") })}
                data-testid="order-rate"
                inputMode="decimal"
                value={rate}
                error={isRateWrong ? t("order.notNumber") : undefined}
                onChange={(event) => {
                  setRate(event.currentTarget.value);
                }}
              />
            )}
          </div>
          <p className="doc-usual" data-verdict={verdict} data-testid="order-usual">
            {usualText(t, use, usual)}
            {verdict === "slip" && <b> {t("order.slip")}</b>}
          </p>
          {verdict === "beyond" && <TextInput size="xs" label={t("order.beyond")} data-testid="order-reason" maxLength={200} value={reason} onChange={(event) => { setReason(event.currentTarget.value); }} />}
          <div className="doc-order-row">
            <TextInput size="xs" label={t("order.remark")} data-testid="order-remark" maxLength={400} value={remark} onChange={(event) => { setRemark(event.currentTarget.value); }} />
            <NativeSelect
              size="xs"
              label={t("order.valid")}
              value={String(validMin)}
              data={VALID_MIN.map((each) => ({ value: String(each), label: t("order.minutes", { minutes: each }) }))}
              onChange={(event) => {
                setValidMin(Number(event.currentTarget.value));
              }}
            />
          </div>
        </>
      )}
      <div className="doc-advice-tools">
        <small className="gh-faint doc-edition" title={formulary.note}>
          {t(formulary.note === "" ? "order.edition" : "order.sample", { edition: formulary.edition })}
        </small>
        <Button type="submit" size="xs" data-testid="order-send" disabled={!canSend} loading={isBusy}>
          {t("order.send")}
        </Button>
      </div>
      {error !== null && <ErrorNote error={error} />}
    </form>
  );
}

function usualText(t: T, use: Use, usual: Range | null): string {
  if (usual === null) return t("order.needsWeight", { source: use.source });
  const span = (range: Range, unit: string) => (range.least === range.most ? amountText(range.least, unit) : `${range.least}–${amountText(range.most, unit)}`);
  const dose = t("order.usual", { range: span(usual, use.unit), source: use.source });
  return use.rate === null ? dose : `${dose} · ${t("order.usualRate", { range: span(use.rate, use.rate.unit) })}`;
}
