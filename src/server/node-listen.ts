// The server on a port.
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import type { Hono } from "hono";

export interface Listening {
  /** Where it is reached. */
  readonly url: string;
  /** Takes no more requests; resolves when those under way have been answered, or `graceMs` have passed. */
  close(graceMs: number): Promise<void>;
}

/** Of headers and bodies that come slowly. */
const RECEIVE_MS = 60_000;

/** @throws what the system says where the address cannot be taken */
export function listen(app: Hono, host: string, port: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server: ServerType = serve({ fetch: app.fetch, hostname: host, port });
    if ("requestTimeout" in server) {
      server.headersTimeout = RECEIVE_MS;
      server.requestTimeout = RECEIVE_MS;
    }
    server.once("error", reject);
    server.once("listening", () => {
      const { address, port: taken, family } = server.address() as AddressInfo;
      const name = family === "IPv6" ? `[${address}]` : address;
      resolve({ url: `http://${name}:${taken}`, close: (graceMs) => close(server, graceMs) });
    });
  });
}

function close(server: ServerType, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      if ("closeAllConnections" in server) server.closeAllConnections();
    }, graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    if ("closeIdleConnections" in server) server.closeIdleConnections();
  });
}
