import { afterEach, expect, test, vi } from "vitest";

import type { RoomView } from "../wire/room.ts";
import { fetchEncounter } from "./encounter.ts";
import { Room } from "./room.ts";

const EMPTY_ROOM = { encounter_id: "e", people: [], rings: [] };
const JOINED: RoomView = {
  encounterId: "e",
  people: [{ who: "w", name: "Dr Chen", organisation: "", role: "doctor", joinedUtcUs: 1, isLost: false }],
  rings: [],
};

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Answer each request for the room with `body`, once `until` is over. */
function hub(body: unknown, until: Promise<void>): void {
  vi.stubGlobal("fetch", async (url: string) => {
    await until;
    return url.endsWith("/room") ? Response.json(body) : Response.json({ title: "not here" }, { status: 404 });
  });
}

test("an answer that the feed has overtaken takes nobody out of the room", async () => {
  const room = new Room("A-001");
  let answer: () => void = () => undefined;
  hub(EMPTY_ROOM, new Promise((resolve) => (answer = resolve)));
  const fetched = fetchEncounter(room, "e", new AbortController().signal);
  room.setView(JOINED);
  answer();
  await fetched;
  expect(room.view).toBe(JOINED);
});

test("an answer is taken where the feed has told nothing", async () => {
  const room = new Room("A-001");
  hub(EMPTY_ROOM, Promise.resolve());
  await fetchEncounter(room, "e", new AbortController().signal);
  expect(room.view?.encounterId).toBe("e");
});
