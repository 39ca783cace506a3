import { describe, expect, test } from "vitest";

import { readScore, readVitals } from "./bodies.ts";
import { FEED } from "./captured.ts";
import { Fields } from "./decode.ts";
import { decodeFeed } from "./feed.ts";

describe("feed messages written by the server", () => {
  test("are all understood", () => {
    for (const [kind, text] of Object.entries(FEED)) expect(decodeFeed(text)?.t).toBe(kind);
  });

  test("keep what is not known as not known", () => {
    const fleet = decodeFeed(FEED.fleet);
    expect(fleet).toMatchObject({
      full: true,
      units: [
        {
          callSign: "粤A-120-01",
          encounterId: null,
          position: { speedMps: 12.5, headingDeg: null },
          news2: { low: 5, high: 8, missing: ["temperature"] },
          link: { state: "thin", video: "360p", drainS: null },
        },
      ],
    });
  });

  test("a pulse of zero is a finding, an absent one is none", () => {
    const message = decodeFeed(FEED.record);
    expect(message?.t).toBe("record");
    const body = message?.t === "record" ? message.record.body : Fields.of({});
    expect(readVitals(body).values).toEqual({ heart_rate_bpm: 0, spo2_pct: 97 });
  });

  test("of a kind that this version does not know are passed over", () => {
    expect(decodeFeed('{"t":"weather","rain_mm":3}')).toBeNull();
  });

  test.each([
    ["a text for a number", FEED.tick.replace("2", '"2"')],
    ["an unknown link state", FEED.fleet.replace('"thin"', '"superb"')],
    ["a unit without an id", FEED.fleet.replace('"unit":"A01",', "")],
    ["a list for an object", "[1]"],
    ["half a message", FEED.hello.slice(0, 20)],
  ])("with %s are refused whole", (_what, text) => {
    expect(() => decodeFeed(text)).toThrow();
  });

  test("a score says what it lacks", () => {
    const score = readScore(
      Fields.of({
        kind: "score",
        score: "news2",
        edition: "RCP 2017",
        low: 5,
        high: 8,
        band: "high",
        parts: [{ kind: "part", parameter: "temperature" }, { kind: "part", parameter: "consciousness", value: "A", points: 0 }],
        missing: ["temperature"],
      }),
    );
    expect(score.parts[0]).toEqual({ parameter: "temperature", value: null, points: null, measuredUtcUs: null });
    expect(score.parts[1]).toMatchObject({ value: "A", points: 0 });
  });
});
