/** Orders of drugs, advice taken back, rings, the room and its guests. */

import { type Advice, type DoseUnit, PATIENT_CLASSES, type PatientClass, readAdvice, type Route, ROUTES, UNITS } from "../wire/advice.ts";
import { Fields } from "../wire/decode.ts";
import { type Conversation, type Happening, readConversation, readHappening, readRingLine, readRoomView, type RingLine, type RoomView } from "../wire/room.ts";
import { API, getJson, postJson, postText } from "./client.ts";

export type Range = { least: number; most: number };

/** One way of giving a drug, with the usual range and whose word that is. */
export type Use = Range & {
  route: Route;
  classes: PatientClass[];
  unit: DoseUnit;
  perKg: boolean;
  cap: number | null;
  rate: (Range & { unit: string }) | null;
  source: string;
};

export type Drug = { drug: string; nameEn: string; nameZh: string; uses: Use[] };

export type Formulary = { edition: string; note: string; drugs: Drug[] };

export async function getFormulary(signal?: AbortSignal): Promise<Formulary> {
  const f = Fields.of(await getJson("/formulary", signal), "formulary");
  return { edition: f.text("edition"), note: f.textOr("note") ?? "", drugs: f.list("drugs", readDrug) };
}

function readDrug(value: unknown, path: string): Drug {
  const f = Fields.of(value, path);
  return { drug: f.text("drug"), nameEn: f.text("name_en"), nameZh: f.text("name_zh"), uses: f.list("uses", readUse) };
}

function readUse(value: unknown, path: string): Use {
  const f = Fields.of(value, path);
  const rate = f.objectOr("rate");
  const classes = f.texts("classes");
  return {
    route: f.oneOf("route", ROUTES),
    classes: PATIENT_CLASSES.filter((each) => classes.includes(each)),
    unit: f.oneOf("unit", UNITS),
    least: f.number("least"),
    most: f.number("most"),
    perKg: f.flag("per_kg"),
    cap: f.numberOr("cap"),
    rate: rate === null ? null : { unit: rate.text("unit"), least: rate.number("least"), most: rate.number("most") },
    source: f.text("source"),
  };
}

/** The usual range of `use` for a patient of this weight; null while the weight is needed and not known. */
export function usualOf(use: Use, weightKg: number | null): Range | null {
  if (!use.perKg) return { least: use.least, most: use.most };
  if (weightKg === null) return null;
  const bounded = (perKg: number) => Math.round(Math.min(perKg * weightKg, use.cap ?? Infinity) * 1000) / 1000;
  return { least: bounded(use.least), most: bounded(use.most) };
}

export type DrugOrder = {
  drug: string;
  dose: number;
  unit: DoseUnit;
  route: Route;
  rate: number | null;
  rateUnit: string | null;
  patientClass: PatientClass;
  weightKg: number | null;
  overrideReason: string | null;
  remark: string | null;
  validForS: number;
};

export async function orderDrug(encounterId: string, order: DrugOrder): Promise<Advice> {
  const answer = await postJson(`/encounters/${encodeURIComponent(encounterId)}/orders`, {
    drug: order.drug,
    dose: order.dose,
    unit: order.unit,
    route: order.route,
    rate: order.rate,
    rate_unit: order.rateUnit,
    patient_class: order.patientClass,
    weight_kg: order.weightKg,
    override_reason: order.overrideReason,
    remark: order.remark,
    valid_for_s: order.validForS,
  });
  return readAdvice(Fields.of(answer, "order"));
}

/** A JPEG in base64, what goes with it, and when what it shows was so. */
export type PictureToSend = { jpeg: string; text: string; source: string; capturedUtcUs: number };

export async function sendPicture(encounterId: string, { jpeg, text, source, capturedUtcUs }: PictureToSend): Promise<Advice> {
  const body = { jpeg, text, source, captured_utc_us: capturedUtcUs };
  return readAdvice(Fields.of(await postJson(ofEncounter(encounterId, "pictures"), body), "advice"));
}

/** Where the hub has the picture of an advice. */
export function pictureUrl(advice: Advice): string {
  return `${API}${ofEncounter(advice.encounterId, "advice")}/${encodeURIComponent(advice.adviceId)}/picture`;
}

export async function withdrawAdvice(encounterId: string, adviceId: string): Promise<Advice> {
  const path = `/encounters/${encodeURIComponent(encounterId)}/advice/${encodeURIComponent(adviceId)}/withdraw`;
  return readAdvice(Fields.of(await postJson(path), "advice"));
}

const ofEncounter = (encounterId: string, what: string) => `/encounters/${encodeURIComponent(encounterId)}/${what}`;

export async function getRoomView(encounterId: string, signal?: AbortSignal): Promise<RoomView> {
  return readRoomView(Fields.of(await getJson(ofEncounter(encounterId, "room"), signal), "room"));
}

/** Everything that happened in the room and is not a step of an advice. */
export async function getHappenings(encounterId: string, signal?: AbortSignal): Promise<Happening[]> {
  const answer = await getJson(ofEncounter(encounterId, "record"), signal);
  return Fields.of(answer, "record").list("entries", (item, path) => readHappening(Fields.of(item, path)));
}

export async function sayToRoom(encounterId: string, text: string): Promise<void> {
  await postJson(ofEncounter(encounterId, "texts"), { text });
}

export async function getRings(signal?: AbortSignal): Promise<RingLine[]> {
  const answer = await getJson("/rings", signal);
  return Fields.of(answer, "rings").list("rings", (item, path) => readRingLine(Fields.of(item, path)));
}

export async function joinRing(ringId: string): Promise<void> {
  await postJson(`/rings/${encodeURIComponent(ringId)}/join`);
}

export async function declineRing(ringId: string): Promise<void> {
  await postJson(`/rings/${encodeURIComponent(ringId)}/decline`);
}

export type Directory = { teams: { teamId: string; name: string; organisation: string }[]; doctors: { username: string; name: string; organisation: string }[] };

export async function getDirectory(signal?: AbortSignal): Promise<Directory> {
  const f = Fields.of(await getJson("/directory", signal), "directory");
  return {
    teams: f.list("teams", (item, path) => {
      const team = Fields.of(item, path);
      return { teamId: team.text("team_id"), name: team.text("name"), organisation: team.text("organisation") };
    }),
    doctors: f.list("doctors", (item, path) => {
      const doctor = Fields.of(item, path);
      return { username: doctor.text("username"), name: doctor.text("name"), organisation: doctor.text("organisation") };
    }),
  };
}

/** Ring a team, a doctor or the doctors of a hospital. */
export async function inviteByName(encounterId: string, whom: Record<string, string>): Promise<void> {
  await postJson(ofEncounter(encounterId, "rings"), whom);
}

export type Guest = { guestId: string; name: string; invitedBy: string; expiresUtcUs: number; revokedUtcUs: number | null; openedUtcUs: number | null };

export async function getGuests(encounterId: string): Promise<Guest[]> {
  const answer = await getJson(ofEncounter(encounterId, "guests"));
  return Fields.of(answer, "guests").list("guests", (item, path) => {
    const f = Fields.of(item, path);
    return {
      guestId: f.text("guest_id"),
      name: f.text("name"),
      invitedBy: f.text("invited_by"),
      expiresUtcUs: f.number("expires_utc_us"),
      revokedUtcUs: f.numberOr("revoked_utc_us"),
      openedUtcUs: f.numberOr("opened_utc_us"),
    };
  });
}

/** Make a link for somebody; returns its path on this hub, which is shown this once. */
export async function inviteGuest(encounterId: string, name: string, validForS: number): Promise<string> {
  const answer = await postJson(ofEncounter(encounterId, "guests"), { name, valid_for_s: validForS });
  return Fields.of(answer, "guest").text("path");
}

export async function revokeGuest(encounterId: string, guestId: string): Promise<void> {
  await postJson(ofEncounter(encounterId, `guests/${encodeURIComponent(guestId)}/revoke`));
}

/** What a guest was let into. */
export type GuestWho = { name: string; unit: string; callSign: string; encounterId: string; invitedBy: string; expiresUtcUs: number };

const readGuestWho = (value: unknown): GuestWho => {
  const f = Fields.of(value, "guest");
  return {
    name: f.text("name"),
    unit: f.text("unit"),
    callSign: f.text("call_sign"),
    encounterId: f.text("encounter_id"),
    invitedBy: f.text("invited_by"),
    expiresUtcUs: f.number("expires_utc_us"),
  };
};

export async function openGuestLink(token: string): Promise<GuestWho> {
  return readGuestWho(await postJson("/guest", { token }));
}

export async function whoIsGuest(): Promise<GuestWho> {
  return readGuestWho(await getJson("/guest"));
}

export async function getConversation(encounterId: string, signal?: AbortSignal): Promise<Conversation> {
  return readConversation(Fields.of(await getJson(ofEncounter(encounterId, "voices"), signal), "voices"));
}

/**
 * Join the conversation of an encounter at the hub.
 *
 * @throws Problem: there is no seat in the room, or the encounter is closed.
 */
export async function joinConversation(unit: string, encounterId: string, offer: string): Promise<{ answer: string; end: () => void }> {
  const given = Fields.of(await postJson("/media/tokens", { unit, camera: encounterId, action: "talk" }), "token");
  const authorization = `Bearer ${given.text("token")}`;
  const path = `/media/talk/${encodeURIComponent(unit)}/${encodeURIComponent(given.text("camera"))}`;
  const { text, location } = await postText(path, offer, { "content-type": "application/sdp", authorization });
  const end = () => {
    if (location !== null) void fetch(location, { method: "DELETE", headers: { authorization }, keepalive: true }).catch(() => undefined);
  };
  return { answer: text, end };
}
