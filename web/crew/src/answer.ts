import { type Advice, API, type DoseUnit, postJson, type Route } from "@goldenhour/shared";

const path = (orderId: string, what: string) => `/advice/${encodeURIComponent(orderId)}/${what}`;

/** What the crew may say to an advice. The agent journals it first, so it works with the hub gone. */
export const answer = {
  seen: (orderId: string): Promise<unknown> => postJson(path(orderId, "seen")),
  readBack: (orderId: string, dose: number, unit: DoseUnit, route: Route): Promise<unknown> =>
    postJson(path(orderId, "read_back"), { dose, unit, route }),
  confirm: (orderId: string): Promise<unknown> => postJson(path(orderId, "confirm")),
  administered: (orderId: string, agoS: number, dose: number | null): Promise<unknown> =>
    postJson(path(orderId, "administered"), { ago_s: agoS, dose }),
  decline: (orderId: string, reason: string): Promise<unknown> => postJson(path(orderId, "decline"), { reason }),
};

/** Where the vehicle has the picture of an advice. */
export const pictureAt = (advice: Advice): string => `${API}${path(advice.adviceId, "picture")}`;
