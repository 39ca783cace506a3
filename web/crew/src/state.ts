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
  readStanding,
  readRing,
  readHeard,
  readSeat,
  type Ring,
  type Seat,
  type Handoff,
  type Heard,
  type PatientNote,
  type StandingAlarm,
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

export const TEAM_KINDS = ["chest_pain", "stroke", "trauma", "paediatrics", "other"] as const;
export type Team = { teamId: string; name: string; kind: (typeof TEAM_KINDS)[number]; organisation: string };
export type Doctor = { username: string; name: string; organisation: string };
/** A ring that the hub has not said anything of. */
export type Asked = { ringId: string; target: string; askedUtcUs: number };

/** Who is in the room, who is rung, what was said, and whom one may ring. */
export type CrewRoom = {
  people: Seat[];
  rings: Ring[];
  waiting: Asked[];
  texts: { atUtcUs: number; by: string; text: string; isCrew: boolean }[];
  teams: Team[];
  doctors: Doctor[];
};

const NO_ROOM: CrewRoom = { people: [], rings: [], waiting: [], texts: [], teams: [], doctors: [] };

function readRoom(f: Fields): CrewRoom {
  return {
    people: f.list("people", readSeat),
    rings: f.list("rings", readRing),
    waiting: f.list("waiting", (item, path) => {
      const asked = Fields.of(item, path);
      return { ringId: asked.text("ring_id"), target: asked.text("target"), askedUtcUs: asked.number("asked_utc_us") };
    }),
    texts: f.list("texts", (item, path) => {
      const line = Fields.of(item, path);
      return { atUtcUs: line.number("at_utc_us"), by: line.text("by"), text: line.text("text"), isCrew: line.flag("is_crew") };
    }),
    teams: f.list("teams", (item, path) => {
      const team = Fields.of(item, path);
      return { teamId: team.text("team_id"), name: team.text("name"), kind: team.oneOf("team_kind", TEAM_KINDS), organisation: team.text("organisation") };
    }),
    doctors: f.list("doctors", (item, path) => {
      const doctor = Fields.of(item, path);
      return { username: doctor.text("username"), name: doctor.text("name"), organisation: doctor.text("organisation") };
    }),
  };
}

/** The vehicle's part in the conversation: what the link carries of a voice, and who is in it. */
export type CrewVoice = { bps: number; reason: string | null; voices: Heard[] };

const NO_VOICE: CrewVoice = { bps: 0, reason: "no_link", voices: [] };

function readCrewVoice(f: Fields): CrewVoice {
  return { bps: f.number("bps"), reason: f.textOr("reason"), voices: f.list("voices", readHeard) };
}

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
  room: CrewRoom;
  voice: CrewVoice;
  hospitals: Hospital[];
  handoffs: Handoff[];
  devices: DeviceHealth[];
  alarms: StandingAlarm[];
  audioPausedUntilUtcUs: number | null;
  cameras: CameraState[];
  clock: ClockView;
  nowUtcUs: number;
};

/** @throws WireError: the agent's answer is not what the contract says. */
export function readState(f: Fields): VehicleState {
  const link = f.object("link");
  const task = f.objectOr("task");
  const patient = f.objectOr("patient");
  const room = f.objectOr("room");
  const voice = f.objectOr("voice");
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
    room: room === null ? NO_ROOM : readRoom(room),
    voice: voice === null ? NO_VOICE : readCrewVoice(voice),
    hospitals: f.list("hospitals", readHospital),
    handoffs: f.list("handoffs", (item, path) => readHandoff(Fields.of(item, path))),
    devices: f.list("devices", readDevice),
    alarms: f.list("alarms", (item, path) => readStanding(Fields.of(item, path))),
    audioPausedUntilUtcUs: f.numberOr("audio_paused_until_utc_us"),
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
