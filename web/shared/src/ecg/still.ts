/** A page of ECG that stays: every lead's last seconds, copied, whatever the ring forgets. Pure. */

import { type Lead, type LeadName, leadsOf } from "./leads.ts";
import type { WaveRing } from "./ring.ts";

/** The longest page: 10 s, as a 12-lead recording is. Source: AHA/ACCF/HRS 2007, part I. */
export const PAGE_S = 10;

export type Still = {
  /** One past its last sample, and when that was taken. */
  endIndex: number;
  endUtcUs: number;
  rateHz: number;
  leads: ReadonlyMap<LeadName, Lead>;
};

/** Return the page of `ring` that ends before sample `endIndex`. */
export function stillOf(ring: WaveRing, endIndex: number): Still {
  const count = Math.round(PAGE_S * ring.rateHz);
  const begin = endIndex - count;
  const copy = (lead: Lead): Lead => {
    const values = Float32Array.from({ length: count }, (_, i) => lead.read(begin + i));
    return { ...lead, read: (index) => values[index - begin] ?? Number.NaN };
  };
  const leads = new Map([...leadsOf(ring)].map(([name, lead]) => [name, copy(lead)]));
  return { endIndex, endUtcUs: ring.utcOf(endIndex), rateHz: ring.rateHz, leads };
}

/** Whether anything was recorded of it. */
export function isBlank(still: Still): boolean {
  const begin = still.endIndex - Math.round(PAGE_S * still.rateHz);
  for (const lead of still.leads.values()) {
    for (let index = begin; index < still.endIndex; index += 1) if (!Number.isNaN(lead.read(index))) return false;
  }
  return true;
}
