// What ajv says of a text under a schema.
import { Ajv2020 } from "ajv/dist/2020.js";

/** Formats are held to by the patterns below, written from the RFCs; ajv has none of its own. */
const formats = {
  date: (text: string) =>
    /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00:00Z`).toISOString().startsWith(text),
  time: (text: string) => /^\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text),
  "date-time": (text: string) => !Number.isNaN(Date.parse(text)) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text),
  uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i,
  ipv4: (text: string) =>
    text.split(".").length === 4 &&
    text.split(".").every((part) => /^\d{1,3}$/.test(part) && String(Number(part)) === part && Number(part) < 256),
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
};
const ajv = new Ajv2020({ strict: false, ownProperties: true, formats });

export function validates(schema: unknown, text: string): string | true {
  return ajv.validate(schema as object, JSON.parse(text)) || ajv.errorsText();
}
