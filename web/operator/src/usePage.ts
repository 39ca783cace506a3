import { useSyncExternalStore } from "react";

export const PAGES = ["map", "health"] as const;
export type Page = (typeof PAGES)[number];

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => {
    window.removeEventListener("hashchange", listener);
  };
}

function read(): Page {
  return PAGES.find((page) => window.location.hash === `#${page}`) ?? "map";
}

/** The page that the address names, so that it can be kept as a bookmark and on a wall of screens. */
export function usePage(): Page {
  return useSyncExternalStore(subscribe, read);
}
