// Where a server of ours listens: `lfm2 serve` and `lfm2 web`.
import { type Command, Option } from "commander";
import type { Hono } from "hono";
import { type Listening, listen } from "../../server/node-listen.ts";
import { UsageError } from "../exit.ts";
import { integerOf } from "./option-values.ts";

export interface AddressFlags {
  readonly host: string;
  readonly port: number;
}

export function addAddressOptions(command: Command, port: number, host = "where to listen"): Command {
  const portOption = new Option("--port <number>", "0: any that is free").argParser(integerOf("--port", 0, 65_535));
  return command.option("--host <name>", host, "127.0.0.1").addOption(portOption.default(port));
}

/** @throws UsageError where the address is another's */
export function listenAt(app: Hono, { host, port }: AddressFlags): Promise<Listening> {
  return listen(app, host, port).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError({
      subject: "--port",
      expected: "an address that is free",
      found: `${host}:${port} (${error.code})`,
      remedy: "Choose another one, or end the program that has it.",
    });
  });
}
