import { describe, expect, test } from "vitest";

import { readStreams, severityOf, type UnitHealth } from "./fleetHealth.ts";

const ledger = (journal: string, stream: string, watermark: number, lastUtcUs: number, ranges: number[][] = []) => ({
  journal,
  stream,
  watermark,
  ranges,
  last_received_utc_us: lastUtcUs,
});

describe("the account of a unit's streams", () => {
  test("is that of the journal heard last, beside what the vehicle says", () => {
    const read = readStreams({
      streams: [ledger("old", "vitals", 900, 10), ledger("new", "vitals", 20, 30, [[25, 29], [40, 40]]), ledger("new", "link", 7, 31)],
      announced: [{ stream: "vitals", last_seq: 50, acked_through: 20, waiting_records: 24, waiting_bytes: 999 }],
      announced_utc_us: 5,
      gaps: [],
    });
    expect(read.streams).toEqual([
      { stream: "link", watermark: 7, above: 0, accepted: 7, waits: null },
      { stream: "vitals", watermark: 20, above: 6, accepted: 50, waits: 24 },
    ]);
    expect(read.earlierJournals).toBe(1);
  });

  test("is shown before anything has come, from the vehicle's word alone", () => {
    const told = { stream: "waveform", last_seq: 3, acked_through: 0, waiting_records: 3, waiting_bytes: 1 };
    const read = readStreams({ streams: [], announced: [told], announced_utc_us: 5, gaps: [] });
    expect(read.streams).toEqual([{ stream: "waveform", watermark: 0, above: 0, accepted: 3, waits: 3 }]);
    expect(read.earlierJournals).toBe(0);
  });
});

test("a vehicle is as bad as its worst problem", () => {
  const unit = (...severities: ("fault" | "warning" | "note")[]) =>
    ({ problems: severities.map((severity) => ({ code: "gap", severity, subject: null })) }) as unknown as UnitHealth;
  expect(severityOf(unit("note", "fault", "warning"))).toBe("fault");
  expect(severityOf(unit("note"))).toBe("note");
  expect(severityOf(unit())).toBe("well");
});
