// How a wrong file may be refused: by an error of this project, in a sentence that a person can read.
const names = [
  "ConfigError",
  "FormatError",
  "LogitsError",
  "MemoryError",
  "OptionError",
  "PromptError",
  "SourceError",
  "TokenizerError",
  "WeightError",
];

/** @returns the error's name; throws the error itself when it is none of this project's, or says too little or too much */
export function namedError(error: unknown): string {
  if (!(error instanceof Error) || !names.includes(error.name)) throw error;
  if (error.message.length <= 2000 && /: |, /.test(error.message)) return error.name;
  throw new Error(`${error.name} with an unreadable message: ${error.message.slice(0, 300)}`, { cause: error });
}
