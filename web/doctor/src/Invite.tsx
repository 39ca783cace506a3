import { clockText, type Directory, ErrorNote, getDirectory, getGuests, type Guest, inviteByName, inviteGuest, revokeGuest, type Room, spanText, useNow } from "@goldenhour/shared";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

const VALID_MIN = [15, 60, 240, 720] as const;

/** Bring others in: a colleague or a team by name, who are rung; anybody else by a link for this encounter. */
export function Invite({ room }: { room: Room }) {
  const { t } = useTranslation();
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  const encounterId = room.encounter?.encounterId ?? null;
  if (encounterId === null) return null;
  return (
    <>
      <button
        type="button"
        className="gh-tool"
        data-testid="invite"
        onClick={() => {
          setOpen(true);
        }}
      >
        {t("invite.title")}
      </button>
      {isOpen && (
        <dialog
          ref={dialog}
          className="doc-dialog gh-card"
          aria-label={t("invite.title")}
          onClose={() => {
            setOpen(false);
          }}
        >
          <header className="gh-card-head">
            <h2 className="gh-card-title">{t("invite.title")}</h2>
            <div className="gh-spacer" />
            <button
              type="button"
              className="gh-tool"
              data-testid="invite-close"
              onClick={() => {
                dialog.current?.close();
              }}
            >
              {t("common.close")}
            </button>
          </header>
          <ByName encounterId={encounterId} />
          <ByLink encounterId={encounterId} />
        </dialog>
      )}
    </>
  );
}

function ByName({ encounterId }: { encounterId: string }) {
  const { t } = useTranslation();
  const [directory, setDirectory] = useState<Directory | null>(null);
  const [rung, setRung] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const abort = new AbortController();
    getDirectory(abort.signal).then(setDirectory, (failure: unknown) => {
      if (!abort.signal.aborted) setError(failure);
    });
    return () => {
      abort.abort();
    };
  }, []);
  const ring = (name: string, whom: Record<string, string>) => {
    setError(null);
    inviteByName(encounterId, whom).then(() => {
      setRung(name);
    }, setError);
  };
  return (
    <section className="doc-invite">
      <h3>{t("invite.byName")}</h3>
      <div className="doc-asks">
        {directory?.teams.map((each) => (
          <button key={each.teamId} type="button" className="doc-ask" title={each.organisation} data-testid={`invite-team-${each.teamId}`} onClick={() => { ring(each.name, { team_id: each.teamId }); }}>
            {each.name}
          </button>
        ))}
        {directory?.doctors.map((each) => (
          <button key={each.username} type="button" className="doc-ask" title={each.organisation} data-testid={`invite-doctor-${each.username}`} onClick={() => { ring(each.name, { username: each.username }); }}>
            {each.name}
          </button>
        ))}
      </div>
      {rung !== null && <p role="status">{t("room.event.rung", { name: rung })}</p>}
      {error !== null && <ErrorNote error={error} />}
    </section>
  );
}

function ByLink({ encounterId }: { encounterId: string }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [validMin, setValidMin] = useState<number>(60);
  const [link, setLink] = useState<string | null>(null);
  const [guests, setGuests] = useState<readonly Guest[]>([]);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(() => {
    getGuests(encounterId).then(setGuests, setError);
  }, [encounterId]);
  useEffect(load, [load]);
  const make = () => {
    setError(null);
    inviteGuest(encounterId, name.trim(), validMin * 60).then((path) => {
      setLink(`${window.location.origin}${path}`);
      setName("");
      load();
    }, setError);
  };
  return (
    <section className="doc-invite">
      <h3>{t("invite.byLink")}</h3>
      <p className="gh-dim">{t("invite.byLinkHint")}</p>
      <form
        className="doc-order-row"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== "") make();
        }}
      >
        <TextInput size="xs" label={t("invite.name")} data-testid="guest-name" maxLength={80} value={name} onChange={(event) => { setName(event.currentTarget.value); }} />
        <NativeSelect
          size="xs"
          label={t("order.valid")}
          value={String(validMin)}
          data={VALID_MIN.map((each) => ({ value: String(each), label: spanText(t, each * 60_000_000) }))}
          onChange={(event) => {
            setValidMin(Number(event.currentTarget.value));
          }}
        />
        <Button size="xs" type="submit" data-testid="guest-make" disabled={name.trim() === ""} className="doc-invite-make">
          {t("invite.make")}
        </Button>
      </form>
      {link !== null && (
        <p className="doc-link" role="status">
          <output data-testid="guest-link">{link}</output>
          <button
            type="button"
            className="doc-ask"
            onClick={() => {
              void navigator.clipboard.writeText(link);
            }}
          >
            {t("invite.copy")}
          </button>
        </p>
      )}
      <ul className="doc-guests gh-num">
        {guests.map((each) => (
          <GuestRow
            key={each.guestId}
            guest={each}
            onRevoke={() => {
              revokeGuest(encounterId, each.guestId).then(load, setError);
            }}
          />
        ))}
      </ul>
      {error !== null && <ErrorNote error={error} />}
    </section>
  );
}

function GuestRow({ guest, onRevoke }: { guest: Guest; onRevoke: () => void }) {
  const { t } = useTranslation();
  const now = useNow();
  const isOver = guest.revokedUtcUs !== null || guest.expiresUtcUs <= now;
  const how = guest.revokedUtcUs !== null ? t("invite.revoked") : isOver ? t("advice.state.expired") : t("invite.until", { time: clockText(guest.expiresUtcUs) });
  return (
    <li data-testid={`guest-${guest.guestId}`} data-over={isOver}>
      <b>{guest.name}</b> <span className="gh-dim">{how}</span>
      {guest.openedUtcUs !== null && <span className="gh-dim"> · {t("invite.opened", { time: clockText(guest.openedUtcUs) })}</span>}
      <span className="gh-spacer" />
      {!isOver && (
        <button type="button" className="doc-ask" data-testid="guest-revoke" onClick={onRevoke}>
          {t("invite.revoke")}
        </button>
      )}
    </li>
  );
}
