/**
 * Reading what came over a wire. Law: a field is the type that it claims, or the message is refused
 * whole; nothing is guessed. `null` and absent both mean "not known".
 */

export class WireError extends Error {
  constructor(readonly path: string) {
    super(`the field "${path}" is missing or of the wrong kind`);
    this.name = "WireError";
  }
}

/** A JSON object whose fields are read one by one, each by its kind. */
export class Fields {
  private constructor(
    private readonly raw: Readonly<Record<string, unknown>>,
    private readonly path: string,
  ) {}

  static of(value: unknown, path = "message"): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new WireError(path);
    return new Fields(value as Readonly<Record<string, unknown>>, path);
  }

  private get(name: string): unknown {
    return this.raw[name] ?? null;
  }

  private refuse(name: string): never {
    throw new WireError(`${this.path}.${name}`);
  }

  textOr(name: string): string | null {
    const value = this.get(name);
    if (value === null) return null;
    return typeof value === "string" ? value : this.refuse(name);
  }

  text(name: string): string {
    return this.textOr(name) ?? this.refuse(name);
  }

  numberOr(name: string): number | null {
    const value = this.get(name);
    if (value === null) return null;
    return typeof value === "number" && Number.isFinite(value) ? value : this.refuse(name);
  }

  number(name: string): number {
    return this.numberOr(name) ?? this.refuse(name);
  }

  flag(name: string, absent = false): boolean {
    const value = this.get(name);
    if (value === null) return absent;
    return typeof value === "boolean" ? value : this.refuse(name);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.text(name);
    return allowed.find((each) => each === value) ?? this.refuse(name);
  }

  objectOr(name: string): Fields | null {
    const value = this.get(name);
    return value === null ? null : Fields.of(value, `${this.path}.${name}`);
  }

  object(name: string): Fields {
    return this.objectOr(name) ?? this.refuse(name);
  }

  list<T>(name: string, read: (item: unknown, path: string) => T): T[] {
    const value = this.get(name);
    if (value === null) return [];
    if (!Array.isArray(value)) return this.refuse(name);
    return value.map((item: unknown, index) => read(item, `${this.path}.${name}[${index}]`));
  }

  texts(name: string): string[] {
    return this.list(name, (item, path) => {
      if (typeof item !== "string") throw new WireError(path);
      return item;
    });
  }

  /** Every name of this object whose value is a number, with it; others are passed over. */
  entries(): [string, number][] {
    return Object.entries(this.raw).filter((each): each is [string, number] => typeof each[1] === "number");
  }

  /** Every name of this object whose value is a text, with it; others are passed over. */
  allTexts(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.raw).filter((each): each is [string, string] => typeof each[1] === "string"));
  }

  /** A field that may be a number or a text, as in the parts of a score. */
  numberOrText(name: string): number | string | null {
    const value = this.get(name);
    if (value === null || typeof value === "number" || typeof value === "string") return value;
    return this.refuse(name);
  }
}
