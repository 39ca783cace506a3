/** The vehicle's state as its agent tells it: `GET /state`, and the same over the feed. */

import {
  type Advice,
  type ClockView,
  type DeviceHealth,
  Fields,
  type Hospital,
  type LinkView,
  type NodeView,
  OPEN_STATES,
  type Profile,
  PROFILES,
  readAdvice,
  readDevice,
  readHandoff,
  readHospital,
  readLink,
  readNode,
  readPatient,
  readVideo,
  type Handoff,
  type PatientNote,
  type VideoView,
} from "@goldenhour/shared";

export const EVENTS = ["roll", "arrive", "contact", "load", "arrive_hospital", "hand_over", "clear"] as const;
export type CrewEvent = (typeof EVENTS)[number];

export type Task = {
  summary: string;
  address: string;
  latitudeDeg: number | null;
  longitudeDeg: number | null;
  givenUtcUs: number | null;
};

/** One camera: what it is doing, and what travels of its picture. */
export type CameraState = VideoView & { state: string };

export type VehicleState = {
  unit: string;
  callSign: string;
  profile: Profile;
  status: string;
  nextEvent: CrewEvent | null;
  canUndoUntilUtcUs: number | null;
  nodes: NodeView[];
  link: LinkView;
  lastAckUtcUs: number | null;
  oldestWaitingUtcUs: number | null;
  encounterId: string | null;
  patient: PatientNote | null;
  advice: Advice[];
  task: Task | null;
  hospitals: Hospital[];
  handoffs: Handoff[];
  devices: DeviceHealth[];
  cameras: CameraState[];
  clock: ClockView;
  nowUtcUs: number;
};

/** @throws WireError: the agent's answer is not what the contract says. */
export function readState(f: Fields): VehicleState {
  const link = f.object("link");
  const task = f.objectOr("task");
  const patient = f.objectOr("patient");
  const next = f.textOr("next_event");
  return {
    unit: f.text("unit"),
    callSign: f.text("call_sign"),
    profile: f.oneOf("profile", PROFILES),
    status: f.text("status"),
    nextEvent: EVENTS.find((each) => each === next) ?? null,
    canUndoUntilUtcUs: f.numberOr("can_undo_until_utc_us"),
    nodes: f.list("nodes", readNode),
    link: readLink(link),
    lastAckUtcUs: link.numberOr("last_ack_utc_us"),
    oldestWaitingUtcUs: link.numberOr("oldest_waiting_utc_us"),
    encounterId: f.textOr("encounter_id"),
    patient: patient === null ? null : readPatient(patient),
    advice: f.list("advice", (item, path) => readAdvice(Fields.of(item, path))),
    task:
      task === null
        ? null
        : {
            summary: task.text("summary"),
            address: task.textOr("address") ?? "",
            latitudeDeg: task.numberOr("latitude_deg"),
            longitudeDeg: task.numberOr("longitude_deg"),
            givenUtcUs: task.numberOr("given_utc_us"),
          },
    hospitals: f.list("hospitals", readHospital),
    handoffs: f.list("handoffs", (item, path) => readHandoff(Fields.of(item, path))),
    devices: f.list("devices", readDevice),
    cameras: f.list("cameras", (item, path) => {
      return { ...readVideo(item, path), state: Fields.of(item, path).text("state") };
    }),
    clock: { source: f.textOr("clock"), errorUs: f.numberOr("clock_error_us") },
    nowUtcUs: f.number("now_utc_us"),
  };
}

/** The first advice that still waits for an answer, oldest first; an expired one waits no more. */
export function ringingAdvice(advice: readonly Advice[], nowUtcUs: number): Advice | null {
  const waiting = advice.filter((each) => OPEN_STATES.has(each.state) && each.expiresUtcUs > nowUtcUs);
  waiting.sort((a, b) => a.givenUtcUs - b.givenUtcUs);
  return waiting[0] ?? null;
}
