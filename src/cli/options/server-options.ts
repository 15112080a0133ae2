// Options about a server that is compared: how it is asked.
import { type Command, Option } from "commander";
import { isAddress, type ServerOptions } from "../../oracle/served/completions-server.ts";
import { integerOf } from "./option-values.ts";
import { refuseFlags } from "./refused-flags.ts";

export interface ServerFlags {
  readonly serverKey?: string;
  readonly serverTimeout?: number;
}

export function addServerOptions(command: Command): Command {
  return command
    .addOption(new Option("--server-key <key>", "what a server's address asks for").env("LFM2_SERVER_KEY"))
    .option(
      "--server-timeout <seconds>",
      "how long an answer of a server may take; 120 by default",
      integerOf("--server-timeout", 1, 86_400),
    );
}

/** @throws UsageError where there is no server */
export function serverOptions(
  path: string | undefined,
  { serverKey: apiKey, serverTimeout }: ServerFlags,
  signal: AbortSignal,
): ServerOptions {
  // A key of the environment may be there for another time.
  if (path === undefined || !isAddress(path))
    refuseFlags({ "--server-timeout": serverTimeout }, "anything but a server's address");
  return { apiKey, signal, ...(serverTimeout !== undefined && { timeoutMs: 1000 * serverTimeout }) };
}
