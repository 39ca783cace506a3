import { postJson } from "@goldenhour/shared";

/** What the crew may say to an advice. The agent journals it first, so it works with the hub gone. */
export const answer = {
  seen: (orderId: string): Promise<unknown> => postJson(`/advice/${encodeURIComponent(orderId)}/seen`),
  confirm: (orderId: string): Promise<unknown> => postJson(`/advice/${encodeURIComponent(orderId)}/confirm`),
  decline: (orderId: string, reason: string): Promise<unknown> =>
    postJson(`/advice/${encodeURIComponent(orderId)}/decline`, { reason }),
};
