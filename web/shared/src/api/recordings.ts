/** What a vehicle recorded of its cameras, as the hub has it. */

import type { Segment } from "../recording/timeline.ts";
import { Fields } from "../wire/decode.ts";
import { getJson } from "./client.ts";

export type Recordings = { here: Segment[]; coming: Segment[] };

const readSegment = (value: unknown, path: string): Segment => {
  const f = Fields.of(value, path);
  return { segment: f.text("segment"), camera: f.text("camera"), firstUtcUs: f.number("first_utc_us"), lastUtcUs: f.number("last_utc_us") };
};

/** The segments that begin in the span; `coming` are still on the vehicle. */
export async function getRecordings(unit: string, fromUtcUs: number, toUtcUs: number, signal?: AbortSignal): Promise<Recordings> {
  const query = new URLSearchParams({ from_utc_us: String(Math.floor(fromUtcUs)), to_utc_us: String(Math.ceil(toUtcUs)) });
  const f = Fields.of(await getJson(`/units/${encodeURIComponent(unit)}/recordings?${query.toString()}`, signal), "recordings");
  return { here: f.list("segments", readSegment), coming: f.list("coming", readSegment) };
}

/** Where a segment is played from. */
export function segmentUrl(unit: string, segment: string): string {
  return `/api/v1/units/${encodeURIComponent(unit)}/recordings/${encodeURIComponent(segment)}`;
}
