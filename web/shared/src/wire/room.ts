/** The room as screens are told of it. Mirrors `protocols/live/room.py`, which is the code of record. */

import { Fields } from "./decode.ts";
import type { ScoreView } from "./feed.ts";

export const CALL_STATES = ["waiting", "ringing", "answered", "declined", "timed_out", "not_needed"] as const;
export type CallState = (typeof CALL_STATES)[number];
export const RING_STATES = ["ringing", "answered", "unanswered", "cancelled", "expired"] as const;
export type RingState = (typeof RING_STATES)[number];

export type Call = { name: string; organisation: string; step: number; state: CallState };
export type Ring = { ringId: string; target: string; state: RingState; calls: Call[] };
/** `who` is the same in the conversation; null where the server is older than that. */
export type Seat = { who: string | null; name: string; organisation: string; role: string; joinedUtcUs: number; isLost: boolean };

/** Who is in a room and how its rings stand. */
export type RoomView = { encounterId: string; people: Seat[]; rings: Ring[] };

/** Somebody in a room's conversation; `isOn`: sound comes from their microphone. */
export type Heard = { who: string; isOn: boolean; isSpeaking: boolean };

/** The conversation of a room; `crewBps`: the most that one voice may use on the vehicle's link. */
export type Conversation = { encounterId: string; voices: Heard[]; crewBps: number | null };

/** The vehicle's place in a conversation. */
export const CREW = "crew";

/** One thing that happened in a room; `number` is null for a step of an advice. */
export type Happening = { number: number | null; atUtcUs: number; kind: string; by: string | null; facts: Record<string, string> };

/** A ring for whoever reads this: the one line that matters. */
export type RingLine = {
  ringId: string;
  encounterId: string;
  unit: string;
  callSign: string;
  target: string;
  state: RingState;
  call: CallState;
  askedBy: string;
  askedUtcUs: number;
  complaint: string | null;
  sex: string | null;
  ageYears: number | null;
  news2: ScoreView | null;
  etaUtcUs: number | null;
};

export function readSeat(value: unknown, path = "seat"): Seat {
  const f = Fields.of(value, path);
  return { who: f.textOr("who"), name: f.text("name"), organisation: f.text("organisation"), role: f.text("role"), joinedUtcUs: f.number("joined_utc_us"), isLost: f.flag("is_lost") };
}

export function readRing(value: unknown, path = "ring"): Ring {
  const f = Fields.of(value, path);
  return {
    ringId: f.text("ring_id"),
    target: f.text("target"),
    state: f.oneOf("state", RING_STATES),
    calls: f.list("calls", (item, at) => {
      const call = Fields.of(item, at);
      return { name: call.text("name"), organisation: call.text("organisation"), step: call.number("step"), state: call.oneOf("state", CALL_STATES) };
    }),
  };
}

export function readRoomView(f: Fields): RoomView {
  return { encounterId: f.text("encounter_id"), people: f.list("people", readSeat), rings: f.list("rings", readRing) };
}

export function readHeard(value: unknown, path = "voice"): Heard {
  const f = Fields.of(value, path);
  return { who: f.text("who"), isOn: f.flag("is_on"), isSpeaking: f.flag("is_speaking") };
}

export function readConversation(f: Fields): Conversation {
  return { encounterId: f.text("encounter_id"), voices: f.list("voices", readHeard), crewBps: f.numberOr("crew_bps") };
}

export function readHappening(f: Fields): Happening {
  return { number: f.numberOr("number"), atUtcUs: f.number("at_utc_us"), kind: f.text("kind"), by: f.textOr("by"), facts: f.object("facts").allTexts() };
}

export function readRingLine(f: Fields): RingLine {
  const news2 = f.objectOr("news2");
  return {
    ringId: f.text("ring_id"),
    encounterId: f.text("encounter_id"),
    unit: f.text("unit"),
    callSign: f.text("call_sign"),
    target: f.text("target"),
    state: f.oneOf("state", RING_STATES),
    call: f.oneOf("call", CALL_STATES),
    askedBy: f.text("asked_by"),
    askedUtcUs: f.number("asked_utc_us"),
    complaint: f.textOr("complaint"),
    sex: f.textOr("sex"),
    ageYears: f.numberOr("age_years"),
    news2:
      news2 === null
        ? null
        : { low: news2.number("low"), high: news2.number("high"), band: news2.text("band"), capturedUtcUs: news2.number("captured_utc_us"), missing: news2.texts("missing") },
    etaUtcUs: f.numberOr("eta_utc_us"),
  };
}
