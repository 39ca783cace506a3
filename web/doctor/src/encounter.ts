import { openEncounter, type Room } from "@goldenhour/shared";

/** The room's open encounter, opened where there is none. */
export async function ensureEncounter(room: Room): Promise<string> {
  if (room.encounter !== null) return room.encounter.encounterId;
  const opened = await openEncounter(room.unit);
  room.setEncounter({ encounterId: opened.encounterId, openedUtcUs: opened.openedUtcUs });
  return opened.encounterId;
}
