// The base of all errors, in parts: a person reads the message, a program the fields.

export interface ErrorParts {
  /** What is at fault: an option, a file, a tensor or a key in it. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string | number;
  /** What to do, in whole sentences. */
  readonly remedy?: string;
  /** Options of this library that `remedy` names. A door that has other names for them can put its own there. */
  readonly options?: readonly string[];
  /** Said in place of `subject: expected …, found ….`, where that would not read well. */
  readonly sentence?: string;
}

/** Anything else that is thrown is a defect, or comes from the caller, as an abort's reason does. */
export class Lfm2Error extends Error {
  override readonly name: string = "Lfm2Error";
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
  /** "" where there is nothing to be said. */
  readonly remedy: string;
  declare readonly options?: readonly string[];
  declare readonly sentence?: string;

  constructor(parts: ErrorParts, { cause }: ErrorOptions = {}) {
    const { subject, expected, found, remedy = "", options, sentence } = parts;
    super(messageOf(parts), cause === undefined ? undefined : { cause });
    this.subject = subject;
    this.expected = expected;
    this.found = String(found);
    this.remedy = remedy;
    // Set only where there are any: Node prints every field of an uncaught error.
    if (options !== undefined) this.options = options;
    if (sentence !== undefined) this.sentence = sentence;
  }

  /** Which error this is, across threads as well, where classes are lost: `OptionError`, `SourceError`, … */
  get kind(): string {
    return this.name;
  }
}

function messageOf({ subject, expected, found, remedy, sentence }: ErrorParts): string {
  const said = sentence ?? `${subject}: expected ${expected}, found ${found}.`;
  return remedy ? `${said} ${remedy}` : said;
}

/** A message at the end of a sentence, which may have a full stop of its own. */
export function asSentence(message: string): string {
  return /[.!?…]$/.test(message) ? message : `${message}.`;
}

/** An error as another thread or process can be sent it. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  /** Absent where the error is none of this project's. */
  readonly parts?: ErrorParts;
}

export function plainError(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const { name, message } = thrown;
  return thrown instanceof Lfm2Error ? { name, message, parts: partsOf(thrown) } : { name, message };
}

/** An error of another thread under its own name, with its fields. Its class and cause stay there. */
export function revivedError({ name, message, parts }: PlainError): Error {
  const error = parts === undefined ? new Error(message) : new Lfm2Error(parts);
  return Object.assign(error, { name });
}

export function partsOf({ subject, expected, found, remedy, options, sentence }: Lfm2Error): ErrorParts {
  return { subject, expected, found, remedy, options, sentence };
}
