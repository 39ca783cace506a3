/** Record bodies that screens show. Mirrors `protocols/messages`, which is the code of record. */

import { Fields } from "./decode.ts";

export const MEASUREMENTS = [
  "heart_rate_bpm",
  "pulse_bpm",
  "spo2_pct",
  "respiratory_rate_bpm",
  "systolic_mmhg",
  "diastolic_mmhg",
  "mean_arterial_mmhg",
  "body_temp_c",
  "etco2_mmhg",
  "glucose_mmol_l",
] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** One reading; what is absent was not measured and is never zero. */
export type VitalsReading = {
  values: Partial<Record<Measurement, number>>;
  /** The cuff's own time, often minutes ago. */
  nibpMeasuredUtcUs: number | null;
  source: string | null;
};

export function readVitals(body: Fields): VitalsReading {
  const values: Partial<Record<Measurement, number>> = {};
  for (const name of MEASUREMENTS) {
    const value = body.numberOr(name);
    if (value !== null) values[name] = value;
  }
  return { values, nibpMeasuredUtcUs: body.numberOr("nibp_measured_utc_us"), source: body.textOr("source") };
}

export type ScorePart = {
  parameter: string;
  value: number | string | null;
  /** Null: not measured, or too old to count. */
  points: number | null;
  measuredUtcUs: number | null;
};

/** The truth lies from `low` to `high`, both ends in. */
export type Score = {
  score: string;
  edition: string;
  low: number;
  high: number;
  band: string;
  parts: ScorePart[];
  missing: string[];
};

export function readScore(body: Fields): Score {
  return {
    score: body.text("score"),
    edition: body.textOr("edition") ?? "",
    low: body.number("low"),
    high: body.number("high"),
    band: body.text("band"),
    parts: body.list("parts", (item, path) => {
      const part = Fields.of(item, path);
      return {
        parameter: part.text("parameter"),
        value: part.numberOrText("value"),
        points: part.numberOr("points"),
        measuredUtcUs: part.numberOr("measured_utc_us"),
      };
    }),
    missing: body.texts("missing"),
  };
}

export const ALARM_PRIORITIES = ["high", "medium", "low"] as const;
export type AlarmPriority = (typeof ALARM_PRIORITIES)[number];

export type Alarm = {
  alarmId: string;
  code: string;
  priority: AlarmPriority;
  state: "raised" | "acknowledged" | "cleared";
  value: number | null;
  limit: number | null;
  by: string | null;
  raisedUtcUs: number | null;
  text: string | null;
  cause: string | null;
};

export function readAlarm(body: Fields): Alarm {
  return {
    alarmId: body.text("alarm_id"),
    code: body.text("code"),
    priority: body.oneOf("priority", ALARM_PRIORITIES),
    state: body.oneOf("state", ["raised", "acknowledged", "cleared"]),
    value: body.numberOr("value"),
    limit: body.numberOr("limit"),
    by: body.textOr("by"),
    raisedUtcUs: body.numberOr("raised_utc_us"),
    text: body.textOr("text"),
    cause: body.textOr("cause"),
  };
}

export type PatientNote = {
  familyName: string | null;
  givenName: string | null;
  sex: string | null;
  ageYears: number | null;
  /** Of the very young: limits of vital signs follow it. */
  ageDays: number | null;
  complaint: string | null;
};

export function readPatient(body: Fields): PatientNote {
  return {
    familyName: body.textOr("family_name"),
    givenName: body.textOr("given_name"),
    sex: body.textOr("sex"),
    ageYears: body.numberOr("age_years"),
    ageDays: body.numberOr("age_days"),
    complaint: body.textOr("complaint"),
  };
}

export const DEVICE_STATES = ["ok", "silent", "no-fix", "fault", "disconnected"] as const;
export type DeviceState = (typeof DEVICE_STATES)[number];

export type DeviceHealth = {
  name: string;
  state: DeviceState;
  heard: number;
  /** What was heard and not used, by reason, the most frequent first. */
  rejected: { reason: string; count: number }[];
  lastHeardUtcUs: number | null;
};

export function readDevice(value: unknown, path = "device"): DeviceHealth {
  const f = Fields.of(value, path);
  return {
    name: f.text("name"),
    state: f.oneOf("state", DEVICE_STATES),
    heard: f.numberOr("heard") ?? 0,
    rejected: rejectedOf(f),
    lastHeardUtcUs: f.numberOr("last_heard_utc_us"),
  };
}

function rejectedOf(device: Fields): { reason: string; count: number }[] {
  const rejected = device.objectOr("rejected");
  const counts = rejected?.entries().map(([reason, count]) => ({ reason, count })) ?? [];
  return counts.filter((each) => each.count > 0).sort((a, b) => b.count - a.count);
}
