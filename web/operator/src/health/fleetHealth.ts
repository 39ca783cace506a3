/** Fleet health as the hub tells it: what is wrong with each vehicle, and how its streams stand. */

import { cameraText, Fields, getJson, LINK_STATES, type LinkState, type T, wordOf } from "@goldenhour/shared";

export const SEVERITIES = ["fault", "warning", "note"] as const;
export type Severity = (typeof SEVERITIES)[number];

const PROBLEMS = ["link", "waiting", "disk", "clock", "device", "camera", "video", "gap", "open-gap"] as const;

export type Problem = { code: (typeof PROBLEMS)[number]; severity: Severity; subject: string | null };

export type Device = { name: string; state: string; heard: number; rejected: [string, number][]; lastHeardUtcUs: number | null };

export type UnitHealth = {
  unit: string;
  callSign: string;
  light: boolean;
  link: LinkState;
  reportedUtcUs: number | null;
  waitingRecords: number | null;
  waitingBytes: number | null;
  drainS: number | null;
  rateBps: number | null;
  diskFreeBytes: number | null;
  clock: string | null;
  clockErrorUs: number | null;
  software: string | null;
  cameras: string[];
  devices: Device[];
  problems: Problem[];
};

const readDevice = (item: unknown, path: string): Device => {
  const f = Fields.of(item, path);
  return {
    name: f.text("name"),
    state: f.text("state"),
    heard: f.number("heard"),
    rejected: f.object("rejected").entries(),
    lastHeardUtcUs: f.numberOr("last_heard_utc_us"),
  };
};

const readUnit = (item: unknown, path: string): UnitHealth => {
  const f = Fields.of(item, path);
  return {
    unit: f.text("unit"),
    callSign: f.text("call_sign"),
    light: f.flag("light"),
    link: f.oneOf("link", LINK_STATES),
    reportedUtcUs: f.numberOr("reported_utc_us"),
    waitingRecords: f.numberOr("waiting_records"),
    waitingBytes: f.numberOr("waiting_bytes"),
    drainS: f.numberOr("drain_s"),
    rateBps: f.numberOr("rate_bps"),
    diskFreeBytes: f.numberOr("disk_free_bytes"),
    clock: f.textOr("clock"),
    clockErrorUs: f.numberOr("clock_error_us"),
    software: f.textOr("software"),
    cameras: f.texts("cameras"),
    devices: f.list("devices", readDevice),
    problems: f.list("problems", (each, at) => {
      const p = Fields.of(each, at);
      return { code: p.oneOf("code", PROBLEMS), severity: p.oneOf("severity", SEVERITIES), subject: p.textOr("subject") };
    }),
  };
};

/** Every vehicle, what is wrong first. */
export async function getFleetHealth(signal?: AbortSignal): Promise<UnitHealth[]> {
  return Fields.of(await getJson("/fleet/health", signal), "health").list("units", readUnit);
}

export type StreamState = {
  stream: string;
  /** Everything up to here has come. */
  watermark: number;
  /** Came above a hole that is still to be filled. */
  above: number;
  /** The newest that the vehicle is known to have accepted. */
  accepted: number;
  /** How many the vehicle said that it still has to send; null before it has said so. */
  waits: number | null;
};

export type Gap = { stream: string; firstSeq: number; lastSeq: number; reason: string; fromUtcUs: number | null; toUtcUs: number | null; isOpen: boolean };

export type UnitStreams = { streams: StreamState[]; earlierJournals: number; gaps: Gap[]; announcedUtcUs: number | null };

type Ledger = { journal: string; stream: string; watermark: number; above: number; newest: number; lastUtcUs: number };

const readLedger = (item: unknown, path: string): Ledger => {
  const f = Fields.of(item, path);
  const ranges = f.list("ranges", (span) => (Array.isArray(span) ? [Number(span[0]), Number(span[1])] as const : ([0, -1] as const)));
  return {
    journal: f.text("journal"),
    stream: f.text("stream"),
    watermark: f.number("watermark"),
    above: ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0),
    newest: Math.max(f.number("watermark"), ...ranges.map(([, last]) => last)),
    lastUtcUs: f.number("last_received_utc_us"),
  };
};

/** Read the account of a unit's streams; of several journals, the one heard last is shown. */
export function readStreams(answer: unknown): UnitStreams {
  const f = Fields.of(answer, "streams");
  const ledgers = f.list("streams", readLedger);
  const newest = ledgers.reduce<Ledger | null>((best, each) => (best === null || each.lastUtcUs > best.lastUtcUs ? each : best), null);
  const told = new Map(
    f.list("announced", (item, path) => {
      const a = Fields.of(item, path);
      return [a.text("stream"), { accepted: a.number("last_seq"), waits: a.number("waiting_records") }] as const;
    }),
  );
  const current = ledgers.filter((each) => each.journal === newest?.journal);
  const names = [...new Set([...current.map((each) => each.stream), ...told.keys()])].sort();
  return {
    streams: names.map((stream) => {
      const ledger = current.find((each) => each.stream === stream);
      const said = told.get(stream);
      return {
        stream,
        watermark: ledger?.watermark ?? 0,
        above: ledger?.above ?? 0,
        accepted: Math.max(said?.accepted ?? 0, ledger?.newest ?? 0),
        waits: said?.waits ?? null,
      };
    }),
    earlierJournals: Math.max(0, new Set(ledgers.map((each) => each.journal)).size - 1),
    gaps: f.list("gaps", (item, path) => {
      const g = Fields.of(item, path);
      return {
        stream: g.text("stream"),
        firstSeq: g.number("first_seq"),
        lastSeq: g.number("last_seq"),
        reason: g.text("reason"),
        fromUtcUs: g.numberOr("first_captured_utc_us"),
        toUtcUs: g.numberOr("last_captured_utc_us"),
        isOpen: g.flag("is_open"),
      };
    }),
    announcedUtcUs: f.numberOr("announced_utc_us"),
  };
}

export async function getStreams(unit: string, signal?: AbortSignal): Promise<UnitStreams> {
  return readStreams(await getJson(`/units/${encodeURIComponent(unit)}/streams`, signal));
}

/** How bad it is: the worst of its problems, or "well". */
export function severityOf(unit: UnitHealth): Severity | "well" {
  return SEVERITIES.find((each) => unit.problems.some((problem) => problem.severity === each)) ?? "well";
}

/** One problem in words. */
export function problemText(t: T, problem: Problem, devices: readonly Device[]): string {
  const subject = problem.subject ?? "";
  switch (problem.code) {
    case "link":
      return t("health.problem.link", { subject: wordOf(t, "link", subject) });
    case "device": {
      const state = devices.find((each) => each.name === subject)?.state ?? "";
      return t("health.problem.device", { subject: wordOf(t, "device.name", subject), state: wordOf(t, "device.state", state) });
    }
    case "camera": {
      const [camera = "", fault = ""] = subject.split("/");
      return t("health.problem.camera", { camera: cameraText(t, camera), fault: wordOf(t, "video.fault", fault) });
    }
    case "video":
      return t("health.problem.video", { subject: wordOf(t, "video.step", subject) });
    case "waiting":
    case "disk":
    case "clock":
    case "gap":
    case "open-gap":
      return t(`health.problem.${problem.code}`);
  }
}
