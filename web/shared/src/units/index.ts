/** The only place where a unit of measure is changed for a reader. Inside, everything is SI or the bedside's own. */

/** Speed as a driver reads it, whole km/h. */
export function kmhOf(speedMps: number): number {
  return Math.round(speedMps * 3.6);
}

/** Bytes as a reader says them: three significant places at most, binary nowhere. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  if (bytes < 1_000_000) return `${trim(bytes / 1_000)} kB`;
  if (bytes < 1_000_000_000) return `${trim(bytes / 1_000_000)} MB`;
  return `${trim(bytes / 1_000_000_000)} GB`;
}

function trim(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** Millivolts of a value in the UCUM unit of a channel; null where the unit is no voltage. */
export function millivoltsPer(unit: string): number | null {
  switch (unit) {
    case "nV":
      return 1e-6;
    case "uV":
      return 1e-3;
    case "mV":
      return 1;
    case "V":
      return 1e3;
    default:
      return null;
  }
}

/** Local wall clock of a UTC stamp, 24 hours: "14:03" or "14:03:22". */
export function clockText(utcUs: number, withSeconds = false): string {
  const at = new Date(utcUs / 1_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return withSeconds ? `${minutes}:${two(at.getSeconds())}` : minutes;
}

export type Span = { unit: "s" | "min" | "h" | "d"; value: number; rest: number };

/** A length of time cut to what a reader can use: 0–119 s, then minutes, then hours with minutes. */
export function spanOf(us: number): Span {
  const seconds = Math.max(0, Math.floor(us / 1_000_000));
  if (seconds < 120) return { unit: "s", value: seconds, rest: 0 };
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return { unit: "min", value: minutes, rest: seconds % 60 };
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return { unit: "h", value: hours, rest: minutes % 60 };
  return { unit: "d", value: Math.floor(hours / 24), rest: hours % 24 };
}

/** A stop watch: "3:07", "1:03:07". */
export function stopwatchText(us: number): string {
  const seconds = Math.max(0, Math.floor(us / 1_000_000));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
