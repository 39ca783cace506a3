/** The twelve leads: which are stored, and which follow from I and II by Einthoven's and Goldberger's laws. */

import type { WaveRing } from "./ring.ts";

export const LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"] as const;
export type LeadName = (typeof LEADS)[number];

export type Lead = {
  name: LeadName;
  /** Millivolts at a sample index; NaN where there is none. */
  read: (index: number) => number;
  /** Calculated from I and II, not stored. */
  isDerived: boolean;
  source: string | null;
};

const PREFIX = /^MDC_ECG_(?:LEAD|ELEC_POTL)_/;

/** Source: III = II − I; aVR = −(I + II)/2; aVL = I − II/2; aVF = II − I/2 (Goldberger, 1942). */
const DERIVED: Partial<Record<LeadName, readonly [ofI: number, ofII: number]>> = {
  III: [-1, 1],
  aVR: [-0.5, -0.5],
  aVL: [1, -0.5],
  aVF: [-0.5, 1],
};

/** Return the leads that `ring` can show, in the order of the paper. */
export function leadsOf(ring: WaveRing): Map<LeadName, Lead> {
  const stored = new Map<string, string>();
  for (const code of ring.codes()) {
    if (PREFIX.test(code)) stored.set(code.replace(PREFIX, ""), code);
  }
  const leads = new Map<LeadName, Lead>();
  for (const name of LEADS) {
    const lead = storedLead(ring, stored, name) ?? derivedLead(ring, stored, name);
    if (lead !== null) leads.set(name, lead);
  }
  return leads;
}

function storedLead(ring: WaveRing, stored: ReadonlyMap<string, string>, name: LeadName): Lead | null {
  const code = stored.get(name.toUpperCase());
  const read = code === undefined ? null : ring.reader(code);
  if (code === undefined || read === null) return null;
  return { name, read, isDerived: false, source: ring.sourceOf(code) };
}

function derivedLead(ring: WaveRing, stored: ReadonlyMap<string, string>, name: LeadName): Lead | null {
  const weights = DERIVED[name];
  const one = storedLead(ring, stored, "I");
  const two = storedLead(ring, stored, "II");
  if (weights === undefined || one === null || two === null) return null;
  const [ofI, ofII] = weights;
  return {
    name,
    read: (index) => ofI * one.read(index) + ofII * two.read(index),
    isDerived: true,
    source: one.source,
  };
}
