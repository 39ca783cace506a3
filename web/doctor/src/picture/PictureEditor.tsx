import { cameraText, Card, clockText, ErrorNote, type LinkView, type Room, sendPicture } from "@goldenhour/shared";
import { Button, TextInput } from "@mantine/core";
import { type PointerEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { ensureEncounter } from "../encounter.ts";
import { fitted, within } from "./fit.ts";
import { canvasOf, type Grabbed } from "./grab.ts";
import { begun, type Colour, COLOUR_NAMES, COLOURS, drawMark, extended, isSeen, type Mark, type Point, textSizePx, type Tool, TOOLS } from "./marks.ts";

/** A hand that trembles while it taps draws nothing. */
const LEAST_PX = 6;
const MOST_MARKS = 200;

/**
 * A frozen picture to draw on and send. It stands in the page, so that alarms and vital signs stay in
 * sight while somebody draws.
 */
export function PictureEditor({ room, link, grabbed, onClose }: { room: Room; link: LinkView | null; grabbed: Grabbed; onClose: () => void }) {
  const { t } = useTranslation();
  const [marks, setMarks] = useState<readonly Mark[]>([]);
  const [tool, setTool] = useState<Tool>("pen");
  const [colour, setColour] = useState<Colour>("yellow");
  const [caption, setCaption] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.scrollIntoView({ block: "nearest" });
    box.current?.focus({ preventScroll: true });
  }, [grabbed]);
  const undo = () => {
    setMarks((before) => before.slice(0, -1));
  };
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      const jpeg = await encoded(grabbed.canvas, marks);
      const text = caption.trim() === "" ? t("picture.plain") : caption.trim();
      const { source, capturedUtcUs } = grabbed;
      room.advise(await sendPicture(await ensureEncounter(room), { jpeg, text, source, capturedUtcUs: Math.round(capturedUtcUs) }));
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const isDown = link !== null && (link.state === "lost" || link.state === "store-and-forward");
  const what = grabbed.source === "ecg" ? t("ecg.title") : cameraText(t, grabbed.source);
  return (
    <Card
      title={t("picture.title")}
      className="doc-picture"
      tools={
        <>
          <b className="gh-num">
            {what} · {clockText(grabbed.capturedUtcUs, true)}
          </b>
          <button type="button" className="gh-tool" data-testid="picture-cancel" onClick={onClose}>
            {t("picture.cancel")}
          </button>
        </>
      }
    >
      <div
        ref={box}
        tabIndex={-1}
        className="doc-picture-box"
        data-testid="picture-editor"
        onKeyDown={(event) => {
          if (event.target instanceof HTMLInputElement) return;
          if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
          if (event.key === "Escape") onClose();
        }}
      >
        <div className="doc-picture-tools">
          <span role="group" aria-label={t("picture.tools")}>
            {TOOLS.map((each) => (
              <button
                key={each}
                type="button"
                className="gh-tool"
                data-testid={`picture-tool-${each}`}
                aria-pressed={tool === each}
                onClick={() => {
                  setTool(each);
                }}
              >
                <ToolShape tool={each} /> {t(`picture.tool.${each}`)}
              </button>
            ))}
          </span>
          <span role="group" aria-label={t("picture.colours")}>
            {COLOUR_NAMES.map((each) => (
              <button
                key={each}
                type="button"
                className="doc-picture-colour"
                data-testid={`picture-colour-${each}`}
                aria-label={t(`picture.colour.${each}`)}
                aria-pressed={colour === each}
                style={{ background: COLOURS[each] }}
                onClick={() => {
                  setColour(each);
                }}
              />
            ))}
          </span>
          <button type="button" className="gh-tool" data-testid="picture-undo" disabled={marks.length === 0} onClick={undo}>
            ↶ {t("picture.undo")}
          </button>
        </div>
        <Board
          picture={grabbed.canvas}
          alt={what}
          marks={marks}
          tool={tool}
          colour={colour}
          onMark={(mark) => {
            setMarks((before) => [...before, mark].slice(-MOST_MARKS));
          }}
        />
        <form
          className="doc-picture-send"
          onSubmit={(event) => {
            event.preventDefault();
            if (!isBusy) void send();
          }}
        >
          <TextInput
            data-testid="picture-caption"
            aria-label={t("picture.caption")}
            placeholder={t("picture.caption")}
            maxLength={200}
            value={caption}
            onChange={(event) => {
              setCaption(event.currentTarget.value);
            }}
          />
          <Button type="submit" data-testid="picture-send" loading={isBusy}>
            {t("picture.send")}
          </Button>
        </form>
        {isDown && <p className="gh-dim doc-advice-down">{t("advice.waitsLink")}</p>}
        {error !== null && <ErrorNote error={error} />}
      </div>
    </Card>
  );
}

type BoardProps = { picture: HTMLCanvasElement; alt: string; marks: readonly Mark[]; tool: Tool; colour: Colour; onMark: (mark: Mark) => void };

/** The picture under the hand: by mouse, pen or finger, one pointer at a time. */
function Board({ picture, alt, marks, tool, colour, onMark }: BoardProps) {
  const { t } = useTranslation();
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const [drawing, setDrawing] = useState<{ pointer: number; mark: Mark } | null>(null);
  const [typing, setTyping] = useState<{ at: Point; text: string } | null>(null);
  const { width, height } = picture;
  useEffect(() => {
    const context = canvasRef.current?.getContext("2d");
    if (context === null || context === undefined) return;
    context.drawImage(picture, 0, 0);
    for (const mark of marks) drawMark(context, mark, width);
    if (drawing !== null) drawMark(context, drawing.mark, width);
  }, [picture, width, marks, drawing]);
  const pointOf = (event: PointerEvent<HTMLElement>): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };
  const write = () => {
    if (typing === null) return;
    const mark: Mark = { kind: "text", colour, at: typing.at, text: typing.text.trim() };
    if (isSeen(mark, LEAST_PX)) onMark(mark);
    setTyping(null);
  };
  return (
    <div className="doc-picture-board" style={{ aspectRatio: `${width} / ${height}`, "--shape": width / height } as React.CSSProperties}>
      <canvas
        ref={canvasRef}
        width={width}
        height={height}
        data-testid="picture-board"
        data-marks={marks.length}
        role="img"
        aria-label={alt}
        onPointerDown={(event) => {
          if (event.button !== 0 || drawing !== null) return;
          event.preventDefault(); // keeps the focus where it is, and a finger from scrolling
          if (typing !== null) {
            write();
            return;
          }
          const at = pointOf(event);
          if (tool === "text") {
            setTyping({ at, text: "" });
            return;
          }
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrawing({ pointer: event.pointerId, mark: begun(tool, colour, at) });
        }}
        onPointerMove={(event) => {
          if (drawing?.pointer !== event.pointerId) return;
          setDrawing({ pointer: event.pointerId, mark: extended(drawing.mark, pointOf(event)) });
        }}
        onPointerUp={(event) => {
          if (drawing?.pointer !== event.pointerId) return;
          const mark = extended(drawing.mark, pointOf(event));
          if (isSeen(mark, LEAST_PX)) onMark(mark);
          setDrawing(null);
        }}
        onPointerCancel={() => {
          setDrawing(null);
        }}
      />
      {typing !== null && (
        <input
          autoFocus
          data-testid="picture-words"
          aria-label={t("picture.tool.text")}
          maxLength={60}
          value={typing.text}
          style={{
            left: `${(typing.at[0] / width) * 100}%`,
            top: `${(typing.at[1] / height) * 100}%`,
            color: COLOURS[colour],
            fontSize: `${(textSizePx(width) / width) * 100}cqw`,
          }}
          onChange={(event) => {
            setTyping({ at: typing.at, text: event.currentTarget.value });
          }}
          onBlur={write}
          onKeyDown={(event) => {
            if (event.key === "Enter") write();
            if (event.key === "Escape") setTyping(null);
          }}
        />
      )}
    </div>
  );
}

function ToolShape({ tool }: { tool: Tool }) {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {tool === "pen" && <path d="M2 13c3-8 4 2 7-3s2-6 5-7" />}
      {tool === "arrow" && <path d="M2 14 13 3M7 3h6v6" />}
      {tool === "circle" && <ellipse cx="8" cy="8" rx="6.5" ry="5" />}
      {tool === "text" && <path d="M3 4V3h10v1M8 3v10M6.5 13h3" />}
    </svg>
  );
}

/** The picture with its marks, in base64, as small as it must be. */
async function encoded(picture: HTMLCanvasElement, marks: readonly Mark[]): Promise<string> {
  const blob = await fitted(({ sidePx, quality }) => {
    const { widthPx, heightPx } = within(picture.width, picture.height, sidePx);
    const [canvas, context] = canvasOf(widthPx, heightPx);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, widthPx, heightPx);
    context.scale(widthPx / picture.width, heightPx / picture.height);
    for (const mark of marks) drawMark(context, mark, picture.width);
    return new Promise((resolve, reject) => {
      canvas.toBlob(
        (made) => {
          if (made === null) reject(new Error("the picture cannot be encoded"));
          else resolve(made);
        },
        "image/jpeg",
        quality,
      );
    });
  });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(""));
}
