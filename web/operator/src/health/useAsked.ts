import { useEffect, useState } from "react";

export type Asked<A> = { answer: A | null; error: unknown };

/** Ask now and again every `everyMs`; the last answer stays while an error does. `ask` is to be stable. */
export function useAsked<A>(ask: (signal: AbortSignal) => Promise<A>, everyMs: number): Asked<A> {
  const [asked, setAsked] = useState<Asked<A>>({ answer: null, error: null });
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const once = async () => {
      try {
        const answer = await ask(stop.signal);
        setAsked({ answer, error: null });
      } catch (error) {
        if (stop.signal.aborted) return;
        setAsked((before) => ({ answer: before.answer, error }));
      }
      if (!stop.signal.aborted) timer = setTimeout(() => void once(), everyMs);
    };
    void once();
    return () => {
      stop.abort();
      if (timer !== null) clearTimeout(timer);
    };
  }, [ask, everyMs]);
  return asked;
}
