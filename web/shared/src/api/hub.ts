/** The hub's API as the screens use it: one function a call, each reading what it gets. */

import type { RecordGap } from "../feed/room.ts";
import { Fields } from "../wire/decode.ts";
import { type Advice, readAdvice } from "../wire/advice.ts";
import {
  type Handoff,
  type NodeView,
  readHandoff,
  readNode,
  readRecord,
  type StreamRecord,
} from "../wire/feed.ts";
import { decodeWaves, type WaveBlock } from "../wire/wave.ts";
import { getBytes, getJson, postJson } from "./client.ts";
import { Problem } from "./problem.ts";

export type Encounter = { encounterId: string; unit: string; state: string; openedUtcUs: number; openedBy: string | null };

const readEncounter = (value: unknown): Encounter => {
  const f = Fields.of(value, "encounter");
  return {
    encounterId: f.text("encounter_id"),
    unit: f.text("unit"),
    state: f.textOr("state") ?? "open",
    openedUtcUs: f.number("opened_utc_us"),
    openedBy: f.textOr("opened_by"),
  };
};

/** A list that comes bare or under a name: the API wraps the longer ones. */
function listOf<T>(value: unknown, name: string, read: (item: unknown, path: string) => T): T[] {
  return Array.isArray(value)
    ? value.map((item: unknown, index) => read(item, `${name}[${index}]`))
    : Fields.of(value, name).list(name, read);
}

export type Records = { records: StreamRecord[]; gaps: RecordGap[] };

const MOST_PAGES = 64;

/** All records of one stream in the span, oldest first; a `Problem` where there are more than pages to hold them. */
export async function getRecords(
  unit: string,
  stream: string,
  fromUtcUs: number,
  toUtcUs: number | null,
  signal?: AbortSignal,
): Promise<Records> {
  const query = new URLSearchParams({ stream, from_utc_us: String(Math.floor(fromUtcUs)) });
  if (toUtcUs !== null) query.set("to_utc_us", String(Math.ceil(toUtcUs)));
  const records: StreamRecord[] = [];
  let gaps: RecordGap[] = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await getJson(`/units/${encodeURIComponent(unit)}/records?${query.toString()}`, signal);
    const f = Fields.of(answer, "records");
    for (const record of f.list("records", (item, path) => readRecord(Fields.of(item, path)))) records.push(record);
    if (page === 0) gaps = f.list("gaps", (item, path) => readGap(Fields.of(item, path), stream));
    const next = f.textOr("next");
    if (next === null) return { records, gaps };
    query.set("after", next);
  }
  throw new Problem(413, "span_too_long", `${stream}: more than ${records.length} records`, null);
}

const readGap = (gap: Fields, stream: string): RecordGap => ({
  stream: gap.textOr("stream") ?? stream,
  firstUtcUs: gap.numberOr("first_captured_utc_us"),
  lastUtcUs: gap.numberOr("last_captured_utc_us"),
  reason: gap.textOr("reason") ?? "",
});

/** The ECG from `fromUtcUs` on: until `toUtcUs`, or as much as one answer holds. */
export async function getWaves(unit: string, fromUtcUs: number, toUtcUs: number | null, signal?: AbortSignal): Promise<WaveBlock[]> {
  const query = new URLSearchParams({ group: "ecg", from_utc_us: String(Math.floor(fromUtcUs)) });
  if (toUtcUs !== null) query.set("to_utc_us", String(Math.floor(toUtcUs)));
  return decodeWaves(await getBytes(`/units/${encodeURIComponent(unit)}/waveform?${query.toString()}`, signal));
}

export async function getNodes(unit: string, signal?: AbortSignal): Promise<NodeView[]> {
  return Fields.of(await getJson(`/units/${encodeURIComponent(unit)}/nodes`, signal), "nodes").list("nodes", readNode);
}

/** Open an encounter; where one is open already, that one comes back. */
export async function openEncounter(unit: string): Promise<Encounter> {
  return readEncounter(await postJson("/encounters", { unit }));
}

export async function openEncounters(signal?: AbortSignal): Promise<Encounter[]> {
  return listOf(await getJson("/encounters?state=open", signal), "encounters", readEncounter);
}

export async function getAdvice(encounterId: string, signal?: AbortSignal): Promise<Advice[]> {
  const answer = await getJson(`/encounters/${encodeURIComponent(encounterId)}/advice`, signal);
  return listOf(answer, "advice", (item, path) => readAdvice(Fields.of(item, path)));
}

export async function sendAdvice(encounterId: string, text: string, validForS: number): Promise<Advice> {
  const path = `/encounters/${encodeURIComponent(encounterId)}/advice`;
  return readAdvice(Fields.of(await postJson(path, { text, valid_for_s: validForS }), "advice"));
}

export async function getHandoffs(encounterId: string, signal?: AbortSignal): Promise<Handoff[]> {
  const answer = await getJson(`/encounters/${encodeURIComponent(encounterId)}/handoffs`, signal);
  return listOf(answer, "handoffs", (item, path) => readHandoff(Fields.of(item, path)));
}

export type Hospital = { hospitalId: string; name: string };

export const readHospital = (value: unknown, path = "hospital"): Hospital => {
  const f = Fields.of(value, path);
  return { hospitalId: f.text("hospital_id"), name: f.text("name") };
};

export async function getHospitals(signal?: AbortSignal): Promise<Hospital[]> {
  return listOf(await getJson("/hospitals", signal), "hospitals", readHospital);
}
