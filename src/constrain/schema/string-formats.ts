// The values of `format` that are understood, as patterns.

const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const LONG = "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])";
const SHORT = "(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)";
const FEBRUARY = "02-(?:0[1-9]|1\\d|2[0-8])";
const LEAP_YEAR = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
const DATE = `(?:\\d{4}-(?:${LONG}|${SHORT}|${FEBRUARY})|${LEAP_YEAR}-02-29)`;
const OCTET = "(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])";
const ATOM = "[A-Za-z0-9_+-]{1,20}";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?";

/**
 * Each is narrower than what the format allows: seconds below 60, addresses of plain words.
 *
 * @source RFC 3339, RFC 4122, RFC 5321
 */
export const STRING_FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  "date-time": `${DATE}T${TIME}`,
  uuid: "[\\da-fA-F]{8}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{12}",
  ipv4: `${OCTET}(?:\\.${OCTET}){3}`,
  email: `${ATOM}(?:\\.${ATOM}){0,2}@${LABEL}(?:\\.${LABEL}){1,3}`,
};
