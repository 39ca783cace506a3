import {
  ageOf,
  agoText,
  bytesText,
  cameraText,
  ClockNote,
  clockText,
  faultsText,
  givenText,
  kmhOf,
  LinkIndicator,
  missingText,
  scoreText,
  spanText,
  TimeNodes,
  type UnitView,
  useNow,
  useUnit,
  wordOf,
} from "@goldenhour/shared";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** All that is known of one unit: where, how it is linked, how its run goes. */
export function UnitPanel({ unit: id, isFollowing, onFollow, onClose }: {
  unit: string;
  isFollowing: boolean;
  onFollow: (isOn: boolean) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const unit = useUnit(id);
  const now = useNow();
  if (unit === undefined) return null;
  return (
    <aside className="op-panel gh-card gh-num" data-testid="unit-panel" data-unit={id} aria-label={t("operator.panel", { call: unit.callSign })}>
      <header>
        <div>
          <h2>{unit.callSign}</h2>
          <span className="gh-dim">
            {t(`profile.${unit.profile}`)} · {unit.unit}
          </span>
        </div>
        <div className="gh-spacer" />
        <button
          type="button"
          className="gh-tool"
          data-testid="follow"
          aria-pressed={isFollowing}
          onClick={() => {
            onFollow(!isFollowing);
          }}
        >
          {t(isFollowing ? "operator.following" : "operator.follow")}
        </button>
        <button type="button" className="gh-tool" data-testid="panel-close" aria-label={t("common.close")} onClick={onClose}>
          ✕
        </button>
      </header>
      <div className="op-panel-lines">
        <div className="op-panel-line">
          <span className="gh-status" data-status={unit.status ?? "none"}>
            {wordOf(t, "status", unit.status ?? "none")}
          </span>
          {unit.statusSinceUtcUs !== null && <span className="gh-dim">{spanText(t, now - unit.statusSinceUtcUs)}</span>}
        </div>
        <div className="op-panel-line">
          <LinkIndicator link={unit.link} seenFrom="hub" />
        </div>
        <ClockNote clock={unit.clock} />
        {unit.news2 !== null && (
          <div className="op-panel-line">
            <span className="gh-band" data-band={unit.news2.band}>
              NEWS2 {scoreText(unit.news2.low, unit.news2.high)}
            </span>
            {unit.news2.missing.length > 0 && <span className="gh-dim">{missingText(t, unit.news2.missing)}</span>}
          </div>
        )}
      </div>
      <Facts unit={unit} now={now} />
      <h3>{t("node.title")}</h3>
      <TimeNodes nodes={unit.nodes} />
    </aside>
  );
}

function Facts({ unit, now }: { unit: UnitView; now: number }) {
  const { t } = useTranslation();
  const { position, link } = unit;
  const aged = ageOf(position?.capturedUtcUs, now, "position");
  return (
    <dl className="op-facts">
      <Fact name={t("operator.position")} isStale={aged.kind === "stale"}>
        {position === null || aged.kind === "none"
          ? t("operator.noPosition")
          : `${position.latitudeDeg.toFixed(5)}, ${position.longitudeDeg.toFixed(5)} · ${agoText(t, aged.ageUs)}`}
      </Fact>
      {position !== null && (
        <Fact name={t("operator.columns.speed")} isStale={aged.kind === "stale"}>
          {position.speedMps === null ? "—" : t("unit.kmh", { value: kmhOf(position.speedMps) })}
          {position.headingDeg !== null && ` · ${Math.round(position.headingDeg)}°`}
        </Fact>
      )}
      <Fact name={t("link.lastHeard")}>
        {link.lastHeardUtcUs === null ? "—" : `${clockText(link.lastHeardUtcUs, true)} · ${agoText(t, now - link.lastHeardUtcUs)}`}
      </Fact>
      <Fact name={t("link.records")}>
        {link.waitingRecords === null ? "—" : `${link.waitingRecords.toLocaleString()} · ${bytesText(link.waitingBytes ?? 0)}`}
      </Fact>
      <Fact name={t("link.trip")}>{link.roundTripMs === null ? "—" : t("link.roundTrip", { ms: Math.round(link.roundTripMs) })}</Fact>
      {link.drainS !== null && <Fact name={t("link.drain")}>{spanText(t, link.drainS * 1_000_000)}</Fact>}
      <Fact name={t("operator.cameras")}>{unit.cameras.length === 0 ? t("common.none") : <Cameras unit={unit} />}</Fact>
    </dl>
  );
}

/** Each camera in one line: what travels of its picture and why not more, what is wrong with it. */
function Cameras({ unit }: { unit: UnitView }) {
  const { t } = useTranslation();
  return (
    <ul className="op-cameras">
      {unit.cameras.map((camera) => {
        const given = unit.video.find((each) => each.camera === camera);
        const words = given === undefined ? [] : [givenText(t, given) ?? wordOf(t, "video.step", given.step), faultsText(t, given.faults)];
        return (
          <li key={camera} data-testid={`camera-line-${camera}`}>
            {[cameraText(t, camera), ...words].filter((each) => each !== null).join(" · ")}
          </li>
        );
      })}
    </ul>
  );
}

function Fact({ name, isStale = false, children }: { name: string; isStale?: boolean; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd data-stale={isStale}>{children}</dd>
    </>
  );
}
