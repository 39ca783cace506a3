import type { CSSProperties, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Measured } from "../feed/vitals.ts";
import type { Room } from "../feed/room.ts";
import { useRoomPart } from "../feed/context.tsx";
import { agoText, spanText } from "../i18n/index.ts";
import { ageOf, type Aged } from "../time/age.ts";
import { useNow } from "../time/useNow.ts";
import type { Measurement } from "../wire/bodies.ts";
import { sourceText } from "./source.ts";

const COLOR: Partial<Record<Measurement, string>> = {
  heart_rate_bpm: "var(--gh-hr)",
  pulse_bpm: "var(--gh-spo2)",
  spo2_pct: "var(--gh-spo2)",
  respiratory_rate_bpm: "var(--gh-rr)",
  systolic_mmhg: "var(--gh-bp)",
  body_temp_c: "var(--gh-temp)",
};

const DECIMALS: Partial<Record<Measurement, number>> = { body_temp_c: 1, glucose_mmol_l: 1 };

/** A value as the bedside reads it; an em dash where there is none, never zero. */
export function valueText(name: Measurement, measured: Measured | undefined): string {
  return measured === undefined ? "—" : measured.value.toFixed(DECIMALS[name] ?? 0);
}

/** One measurement, large, with its age. */
export function VitalTile({ room, name, foot }: { room: Room; name: Measurement; foot?: ReactNode }) {
  const { t } = useTranslation();
  useRoomPart(room, "vitals");
  const now = useNow();
  const measured = room.vitals.latest(name);
  const aged = ageOf(measured?.capturedUtcUs, now, "vitals");
  return (
    <Tile name={name} label={t(`vitals.${name}`)} unit={t(`unit.${name}`)} aged={aged} foot={foot}>
      {valueText(name, measured)}
    </Tile>
  );
}

/** The cuff: systolic over diastolic, mean beside them; it measures every few minutes and says when it did. */
export function PressureTile({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "vitals");
  const now = useNow();
  const systolic = room.vitals.latest("systolic_mmhg");
  const diastolic = room.vitals.latest("diastolic_mmhg");
  const mean = room.vitals.latest("mean_arterial_mmhg");
  // A cuff's value holds between two measurements; it goes stale when the monitor stops repeating it.
  const aged = ageOf(systolic?.capturedUtcUs, now, "vitals");
  const cuffUtcUs = room.vitals.nibpMeasuredUtcUs;
  return (
    <Tile
      name="systolic_mmhg"
      label={t("vitals.nibp")}
      unit={t("unit.systolic_mmhg")}
      aged={aged}
      foot={cuffUtcUs !== null && <span>{t("vitals.cuff", { ago: agoText(t, now - cuffUtcUs) })}</span>}
    >
      {systolic === undefined ? "—" : `${valueText("systolic_mmhg", systolic)}/${valueText("diastolic_mmhg", diastolic)}`}
      {mean !== undefined && <small>({valueText("mean_arterial_mmhg", mean)})</small>}
    </Tile>
  );
}

function Tile({ name, label, unit, aged, foot, children }: {
  name: Measurement;
  label: string;
  unit: string;
  aged: Aged;
  foot?: ReactNode;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const style = { "--v": COLOR[name] ?? "var(--gh-gas)" } as CSSProperties;
  return (
    <div className="gh-card gh-tile gh-num" data-age={aged.kind} style={style}>
      <div className="gh-tile-head">
        <span className="gh-tile-name">{label}</span>
        <span className="gh-tile-unit">{unit}</span>
      </div>
      <div className="gh-tile-value" data-testid={`vitals-${name}`} data-age={aged.kind}>
        {children}
      </div>
      <div className="gh-tile-foot">
        <span className="gh-age" data-testid={`vitals-${name}-age`} data-age-s={aged.kind === "none" ? "" : Math.floor(aged.ageUs / 1e6)}>
          {aged.kind === "none" && t("vitals.noData")}
          {aged.kind === "stale" && t("span.ago", { span: spanText(t, aged.ageUs) })}
          {aged.kind === "live" && spanText(t, aged.ageUs)}
        </span>
        {foot}
      </div>
    </div>
  );
}

/** The numbers of one patient, in the order in which they are read. */
export function VitalsGrid({ room, className }: { room: Room; className?: string }) {
  return (
    <div className={className ?? "gh-vitals"}>
      <VitalTile room={room} name="heart_rate_bpm" />
      <VitalTile room={room} name="spo2_pct" foot={<PulseFoot room={room} />} />
      <PressureTile room={room} />
      <VitalTile room={room} name="respiratory_rate_bpm" />
      <VitalTile room={room} name="body_temp_c" />
    </div>
  );
}

function PulseFoot({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "vitals");
  const pulse = room.vitals.latest("pulse_bpm");
  const now = useNow();
  if (ageOf(pulse?.capturedUtcUs, now, "vitals").kind !== "live") return null;
  return <span>{`${t("vitals.pulse_bpm")} ${valueText("pulse_bpm", pulse)}`}</span>;
}

/** What made the numbers: a device, a recording or a model; the device's own words on hover. */
export function VitalsSource({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "vitals");
  const { source } = room.vitals;
  if (source === null) return null;
  return (
    <span className="gh-faint gh-cut" title={source}>
      {t("vitals.source", { source: sourceText(t, source) })}
    </span>
  );
}
