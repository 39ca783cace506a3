import { useCallback, useSyncExternalStore } from "react";

const PREFIX = "#/unit/";

function read(): string | null {
  const { hash } = window.location;
  return hash.startsWith(PREFIX) ? decodeURIComponent(hash.slice(PREFIX.length)) : null;
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => {
    window.removeEventListener("hashchange", onChange);
  };
}

/** The open unit, kept in the address so that a page can be sent to a colleague or loaded again. */
export function useUnitRoute(): [string | null, (unit: string | null) => void] {
  const unit = useSyncExternalStore(subscribe, read);
  const goTo = useCallback((next: string | null) => {
    window.location.hash = next === null ? "#/" : `${PREFIX}${encodeURIComponent(next)}`;
  }, []);
  return [unit, goTo];
}

const GUEST = "#/guest/";

/** The token of the guest link that this page was opened by; empty once it is a cookie; null for everybody else. */
export function readGuestToken(): string | null {
  const { hash } = window.location;
  return hash.startsWith(GUEST) ? decodeURIComponent(hash.slice(GUEST.length)) : null;
}
