import { Fields, FULL_BPS, postJson, remove, useVoice, type Voice } from "@goldenhour/shared";

import type { VehicleState } from "./state.ts";

async function ask(offer: string): Promise<{ answer: string; end: () => void }> {
  const joined = Fields.of(await postJson("/room/voice", { sdp: offer }), "voice");
  const session = joined.text("session");
  const end = () => {
    remove(`/room/voice/${encodeURIComponent(session)}`).catch(() => undefined); // it may have ended by itself
  };
  return { answer: joined.text("sdp"), end };
}

/** Whose conversation the tablet is to be in: that of the patient in care, once somebody has come. */
export function conversationOf(state: VehicleState | null): string | null {
  if (state === null) return null;
  const { encounterId, room, voice } = state;
  return voice.bps > 0 && room.people.length > 0 ? encounterId : null;
}

/** The crew's own sound, on whichever page of the tablet they are. */
export function useCrewVoice(state: VehicleState | null): Voice {
  return useVoice(conversationOf(state), ask, state?.voice.bps ?? FULL_BPS);
}
