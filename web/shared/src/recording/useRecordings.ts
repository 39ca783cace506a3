import { useEffect, useState } from "react";

import { getRecordings, type Recordings } from "../api/recordings.ts";

const LOOK_MS = 5_000;

/** What there is of the last `spanUs`, looked up again every few seconds; null before the first answer. */
export function useRecordings(unit: string, nowUtcUs: () => number, spanUs: number): { found: Recordings; fromUtcUs: number; toUtcUs: number } | null {
  const [state, setState] = useState<{ unit: string; found: Recordings; fromUtcUs: number; toUtcUs: number } | null>(null);
  useEffect(() => {
    const ended = new AbortController();
    const look = async () => {
      const toUtcUs = nowUtcUs();
      const fromUtcUs = toUtcUs - spanUs;
      try {
        const found = await getRecordings(unit, fromUtcUs, toUtcUs, ended.signal);
        if (!ended.signal.aborted) setState({ unit, found, fromUtcUs, toUtcUs });
      } catch {
        // The strip stays as it was; it is asked for again soon.
      }
    };
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [unit, nowUtcUs, spanUs]);
  return state?.unit === unit ? state : null;
}
