import { useCallback, useEffect, useRef, useState } from "react";

import { type Ask, type LineState, type MicProblem, VoiceLine } from "./line.ts";

const AGAIN_MS = 3_000;
/** The seat in the room may be on its way while the first offer is. */
const FIRST_AGAIN_MS = 400;

export type Voice = {
  /** "off": not in a room, or no room for sound; "joining" until sound can pass, again after a loss. */
  phase: "off" | "joining" | "on";
  isMuted: boolean;
  /** The browser plays nothing before a press. */
  isHushed: boolean;
  problem: MicProblem | null;
  /** Talk or be silent. */
  toggle: () => void;
  listen: () => void;
};

/**
 * Be in a conversation for as long as `room` names one and `ask` is the way into it; joined muted, and
 * muted again after the room has changed. What was unmuted is unmuted again after a loss.
 */
export function useVoice(room: string | null, ask: Ask, bps: number): Voice {
  const [state, setState] = useState<LineState | null>(null);
  const [attempt, setAttempt] = useState(0);
  const line = useRef<VoiceLine | null>(null);
  const wantsToTalk = useRef(false);
  const asking = useRef(ask);
  const limit = useRef(bps);
  useEffect(() => {
    asking.current = ask;
    limit.current = bps;
    void line.current?.limit(bps);
  }, [ask, bps]);
  useEffect(
    () => () => {
      wantsToTalk.current = false;
    },
    [room],
  );
  useEffect(() => {
    if (room === null || typeof RTCPeerConnection === "undefined") return undefined;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const again = () => {
      timer ??= setTimeout(() => {
        setAttempt((count) => count + 1);
      }, attempt === 0 ? FIRST_AGAIN_MS : AGAIN_MS);
    };
    const mine = new VoiceLine((now) => {
      setState(now);
      if (now.isLost) again();
    });
    line.current = mine;
    void mine.limit(limit.current);
    mine.join((offer) => asking.current(offer)).then(() => (wantsToTalk.current ? mine.unmute() : undefined), again);
    return () => {
      if (timer !== null) clearTimeout(timer);
      mine.close();
      line.current = null;
      setState(null);
    };
  }, [room, attempt]);
  const toggle = useCallback(() => {
    const mine = line.current;
    if (mine === null) return;
    void mine.listen();
    wantsToTalk.current = state?.isMuted ?? true;
    void (wantsToTalk.current ? mine.unmute() : mine.mute());
  }, [state]);
  const listen = useCallback(() => {
    void line.current?.listen();
  }, []);
  const phase = room === null ? "off" : state?.isUp === true ? "on" : "joining";
  return { phase, isMuted: state?.isMuted ?? true, isHushed: state?.isHushed ?? false, problem: state?.problem ?? null, toggle, listen };
}
