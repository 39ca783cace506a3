/** The live feed's text messages. Mirrors `protocols/live/feed.py`, which is the code of record. */

import { readStanding, type StandingAlarm } from "../alarm/standing.ts";
import { type Advice, readAdvice } from "./advice.ts";
import { Fields } from "./decode.ts";
import { type Conversation, type Happening, readConversation, readHappening, readRingLine, readRoomView, type RingLine, type RoomView } from "./room.ts";

export const LINK_STATES = ["live", "thin", "store-and-forward", "recovering", "lost", "unknown"] as const;
export type LinkState = (typeof LINK_STATES)[number];

export type LinkView = {
  state: LinkState;
  waitingRecords: number | null;
  waitingBytes: number | null;
  drainS: number | null;
  roundTripMs: number | null;
  lastHeardUtcUs: number | null;
  /** What was given up of the video: "360p", "none". */
  video: string | null;
};

export type PositionView = {
  latitudeDeg: number;
  longitudeDeg: number;
  capturedUtcUs: number;
  speedMps: number | null;
  headingDeg: number | null;
};

export type ScoreView = { low: number; high: number; band: string; capturedUtcUs: number; missing: string[] };

export type NodeView = { node: string; atUtcUs: number; source: string };

export const PROFILES = ["ambulance", "patrol"] as const;
export type Profile = (typeof PROFILES)[number];

/** What dates a unit's records, and how far that may be off; null: nobody knows. */
export type ClockView = { source: string | null; errorUs: number | null };
/** One camera: how much of its picture travels, and why not more; null: nothing is given up. */
export type VideoView = { camera: string; step: string; reason: string | null; faults: string[]; blursFaces: boolean };

export type UnitView = {
  unit: string;
  callSign: string;
  profile: Profile;
  light: boolean;
  online: boolean;
  status: string | null;
  statusSinceUtcUs: number | null;
  position: PositionView | null;
  news2: ScoreView | null;
  /** What stands, worst first; of a unit that is not heard, the last known. */
  alarms: StandingAlarm[];
  link: LinkView;
  encounterId: string | null;
  runId: string | null;
  nodes: NodeView[];
  cameras: string[];
  video: VideoView[];
  clock: ClockView;
};

export type StreamRecord = {
  stream: string;
  seq: number;
  capturedUtcUs: number;
  clock: string;
  clockErrorUs: number | null;
  receivedUtcUs: number | null;
  lane: "live" | "backfill";
  body: Fields;
};

export const HANDOFF_STATES = ["queued", "accepted", "failed"] as const;
export type HandoffState = (typeof HANDOFF_STATES)[number];

export type Handoff = {
  handoverId: string;
  hospitalId: string;
  state: HandoffState;
  attempts: number;
  detail: string | null;
  updatedUtcUs: number | null;
};

export type FeedMessage =
  | { t: "hello"; nowUtcUs: number; server: "hub" | "vehicle"; software: string }
  | { t: "tick"; nowUtcUs: number }
  | { t: "fleet"; full: boolean; units: UnitView[] }
  | { t: "record"; unit: string; record: StreamRecord }
  | { t: "backfilled"; unit: string; stream: string; firstUtcUs: number; lastUtcUs: number; records: number }
  | { t: "encounter"; unit: string; encounterId: string; state: "open" | "closed"; openedUtcUs: number }
  | { t: "advice"; unit: string; advice: Advice }
  | { t: "handoff"; unit: string; encounterId: string; handoff: Handoff }
  | { t: "room"; unit: string; room: RoomView }
  | { t: "voices"; unit: string; conversation: Conversation }
  | { t: "room_event"; unit: string; event: Happening }
  | { t: "ring"; ring: RingLine }
  | { t: "replaced"; encounterId: string }
  | { t: "state"; state: Fields };

/** What to send from now on; replaces the watch before it. */
export type Watch = { fleet: boolean; units: readonly string[]; waveforms: boolean };

/** `room`: the encounter in whose room this screen is; null is in none. */
export function encodeWatch(watch: Watch, room: string | null = null): string {
  const { fleet, units, waveforms } = watch;
  return JSON.stringify({ t: "watch", fleet, units, waveforms, ...(room === null ? {} : { room }) });
}

/**
 * Return the message in `text`; null for a kind that this version does not know.
 *
 * @throws WireError, SyntaxError: the message is not what the protocol says.
 */
export function decodeFeed(text: string): FeedMessage | null {
  const f = Fields.of(JSON.parse(text));
  switch (f.text("t")) {
    case "hello":
      return {
        t: "hello",
        nowUtcUs: f.number("now_utc_us"),
        server: f.oneOf("server", ["hub", "vehicle"]),
        software: f.text("software"),
      };
    case "tick":
      return { t: "tick", nowUtcUs: f.number("now_utc_us") };
    case "fleet":
      return { t: "fleet", full: f.flag("full"), units: f.list("units", readUnit) };
    case "record":
      return { t: "record", unit: f.text("unit"), record: readRecord(f) };
    case "backfilled":
      return {
        t: "backfilled",
        unit: f.text("unit"),
        stream: f.text("stream"),
        firstUtcUs: f.number("first_utc_us"),
        lastUtcUs: f.number("last_utc_us"),
        records: f.number("records"),
      };
    case "encounter":
      return {
        t: "encounter",
        unit: f.text("unit"),
        encounterId: f.text("encounter_id"),
        state: f.oneOf("state", ["open", "closed"]),
        openedUtcUs: f.number("opened_utc_us"),
      };
    case "advice":
      return { t: "advice", unit: f.text("unit"), advice: readAdvice(f) };
    case "handoff":
      return {
        t: "handoff",
        unit: f.text("unit"),
        encounterId: f.text("encounter_id"),
        handoff: readHandoff(f),
      };
    case "room":
      return { t: "room", unit: f.text("unit"), room: readRoomView(f) };
    case "voices":
      return { t: "voices", unit: f.text("unit"), conversation: readConversation(f) };
    case "room_event":
      return { t: "room_event", unit: f.text("unit"), event: readHappening(f) };
    case "ring":
      return { t: "ring", ring: readRingLine(f) };
    case "replaced":
      return { t: "replaced", encounterId: f.text("encounter_id") };
    case "state":
      return { t: "state", state: f };
    default:
      return null;
  }
}

export function readUnit(value: unknown, path = "unit"): UnitView {
  const f = Fields.of(value, path);
  const position = f.objectOr("position");
  const news2 = f.objectOr("news2");
  return {
    unit: f.text("unit"),
    callSign: f.text("call_sign"),
    profile: f.oneOf("profile", PROFILES),
    light: f.flag("light"),
    online: f.flag("online"),
    status: f.textOr("status"),
    statusSinceUtcUs: f.numberOr("status_since_utc_us"),
    position:
      position === null
        ? null
        : {
            latitudeDeg: position.number("latitude_deg"),
            longitudeDeg: position.number("longitude_deg"),
            capturedUtcUs: position.number("captured_utc_us"),
            speedMps: position.numberOr("speed_mps"),
            headingDeg: position.numberOr("heading_deg"),
          },
    news2:
      news2 === null
        ? null
        : {
            low: news2.number("low"),
            high: news2.number("high"),
            band: news2.text("band"),
            capturedUtcUs: news2.number("captured_utc_us"),
            missing: news2.texts("missing"),
          },
    alarms: f.list("alarms", (item, path) => readStanding(Fields.of(item, path))),
    link: readLink(f.object("link")),
    encounterId: f.textOr("encounter_id"),
    runId: f.textOr("run_id"),
    nodes: f.list("nodes", readNode),
    cameras: f.texts("cameras"),
    video: f.list("video", readVideo),
    clock: { source: f.textOr("clock"), errorUs: f.numberOr("clock_error_us") },
  };
}

export function readVideo(value: unknown, path = "video"): VideoView {
  const f = Fields.of(value, path);
  return {
    camera: f.text("camera"),
    step: f.text("step"),
    reason: f.textOr("reason"),
    faults: f.texts("faults"),
    blursFaces: f.flag("blurs_faces"),
  };
}

export function readLink(f: Fields): LinkView {
  return {
    state: f.oneOf("state", LINK_STATES),
    waitingRecords: f.numberOr("waiting_records"),
    waitingBytes: f.numberOr("waiting_bytes"),
    drainS: f.numberOr("drain_s"),
    roundTripMs: f.numberOr("round_trip_ms"),
    lastHeardUtcUs: f.numberOr("last_heard_utc_us"),
    video: f.textOr("video"),
  };
}

export function readNode(value: unknown, path = "node"): NodeView {
  const f = Fields.of(value, path);
  return { node: f.text("node"), atUtcUs: f.number("at_utc_us"), source: f.text("source") };
}

/** A record of the feed, or of `GET …/records`, which has the same fields. */
export function readRecord(f: Fields): StreamRecord {
  return {
    stream: f.text("stream"),
    seq: f.number("seq"),
    capturedUtcUs: f.number("captured_utc_us"),
    clock: f.textOr("clock") ?? "unset",
    clockErrorUs: f.numberOr("clock_error_us"),
    receivedUtcUs: f.numberOr("received_utc_us"),
    lane: f.oneOf("lane", ["live", "backfill"]),
    body: f.object("body"),
  };
}

export function readHandoff(f: Fields): Handoff {
  return {
    handoverId: f.text("handover_id"),
    hospitalId: f.text("hospital_id"),
    state: f.oneOf("state", HANDOFF_STATES),
    attempts: f.numberOr("attempts") ?? 0,
    detail: f.textOr("detail"),
    updatedUtcUs: f.numberOr("updated_utc_us"),
  };
}

