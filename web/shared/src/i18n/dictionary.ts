import type { en } from "./en.ts";

type Same<T> = T extends string ? string : T extends readonly string[] ? readonly string[] : { readonly [K in keyof T]: Same<T[K]> };

/** What every language must say: the keys of the English dictionary. */
export type Dictionary = Same<typeof en>;
