import { useTranslation } from "react-i18next";

import type { T } from "../i18n/index.ts";
import { clockText } from "../units/index.ts";
import { cameraText } from "../video/given.ts";
import type { Advice, AdvicePicture } from "../wire/advice.ts";

/** Of what a picture is, and when that was so: it is never taken for the present. */
export function pictureText(t: T, picture: AdvicePicture): string {
  const what = picture.source === "ecg" ? t("ecg.title") : cameraText(t, picture.source);
  return t("picture.of", { what, time: clockText(picture.capturedUtcUs, true) });
}

/** How an advice stands, in the word for its kind: a picture that was confirmed was seen. */
export function stateText(t: T, advice: Advice, state: string = advice.state): string {
  if (advice.picture !== null && state === "confirmed") return t("advice.state.seen");
  return t(`advice.state.${state}`, { defaultValue: state });
}

/** A picture that a doctor sent, or why it is not to be seen; its room is kept while it loads. */
export function SentPicture({ advice, src }: { advice: Advice; src: string }) {
  const { t } = useTranslation();
  const { picture } = advice;
  if (picture === null) return null;
  return (
    <figure className="gh-picture" data-testid="sent-picture" data-standing={picture.standing} style={{ "--shape": picture.widthPx / picture.heightPx } as React.CSSProperties}>
      {picture.standing === "here" ? (
        <img src={src} width={picture.widthPx} height={picture.heightPx} alt={`${pictureText(t, picture)}: ${advice.text}`} draggable={false} />
      ) : (
        <div className="gh-picture-none" role="status" style={{ aspectRatio: `${picture.widthPx} / ${picture.heightPx}` }}>
          {t(`picture.${picture.standing}`)}
        </div>
      )}
      <figcaption className="gh-num">{pictureText(t, picture)}</figcaption>
    </figure>
  );
}
