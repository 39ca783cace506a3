import { getConversation, getHappenings, getRoomView } from "../api/consult.ts";
import { getAdvice, getHandoffs } from "../api/hub.ts";
import type { Room } from "./room.ts";

/**
 * Fetch what stands of an encounter. Law: an answer never takes back what the feed has told since it
 * was asked for. What fails comes whole over the feed with its next change.
 */
export async function fetchEncounter(room: Room, encounterId: string, signal: AbortSignal): Promise<void> {
  const { view: viewBefore, conversation: conversationBefore } = room;
  await Promise.allSettled([
    getAdvice(encounterId, signal).then((all) => {
      for (const each of all) room.advise(each);
    }),
    getRoomView(encounterId, signal).then((view) => {
      if (room.view === viewBefore) room.setView(view);
    }),
    getConversation(encounterId, signal).then((conversation) => {
      if (room.conversation === conversationBefore) room.setConversation(conversation);
    }),
    getHappenings(encounterId, signal).then((all) => {
      for (const each of all) room.happened(each);
    }),
    getHandoffs(encounterId, signal).then((all) => {
      for (const each of all) room.handoff(each);
    }),
  ]);
}
