import { afterEach, expect, test, vi } from "vitest";

import type { Conversation, RoomView } from "../wire/room.ts";
import { fetchEncounter } from "./encounter.ts";
import { Room } from "./room.ts";

const EMPTY = { room: { encounter_id: "e", people: [], rings: [] }, voices: { encounter_id: "e", voices: [], crew_bps: null } };
const SPEAKING: Conversation = { encounterId: "e", voices: [{ who: "w", isOn: true, isSpeaking: true }], crewBps: null };
const JOINED: RoomView = {
  encounterId: "e",
  people: [{ who: "w", name: "Dr Chen", organisation: "", role: "doctor", joinedUtcUs: 1, isLost: false }],
  rings: [],
};

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Answer that nobody is in the room and nobody speaks, once `until` is over. */
function hub(until: Promise<void>): void {
  vi.stubGlobal("fetch", async (url: string) => {
    await until;
    if (url.endsWith("/room")) return Response.json(EMPTY.room);
    if (url.endsWith("/voices")) return Response.json(EMPTY.voices);
    return Response.json({ title: "not here" }, { status: 404 });
  });
}

function opened(): Room {
  const room = new Room("A-001");
  room.setEncounter({ encounterId: "e", openedUtcUs: 1 });
  return room;
}

test("an answer that the feed has overtaken takes nobody out of the room, and no voice away", async () => {
  const room = opened();
  let answer: () => void = () => undefined;
  hub(new Promise((resolve) => (answer = resolve)));
  const fetched = fetchEncounter(room, "e", new AbortController().signal);
  room.setView(JOINED);
  room.setConversation(SPEAKING);
  answer();
  await fetched;
  expect(room.view).toBe(JOINED);
  expect(room.conversation).toBe(SPEAKING);
});

test("an answer is taken where the feed has told nothing", async () => {
  const room = opened();
  hub(Promise.resolve());
  await fetchEncounter(room, "e", new AbortController().signal);
  expect(room.view?.people).toEqual([]);
  expect(room.conversation?.voices).toEqual([]);
});
