// There is no room for a file that would be kept.
import { SourceError } from "../sources/source-error.ts";

export class NoRoomError extends SourceError {}
