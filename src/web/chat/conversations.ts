// Conversations, kept in this browser (IndexedDB) over a reload; where it keeps nothing, until the page is left.
import { signal } from "@preact/signals";
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Summary } from "../../api/language-model.ts";
import type { ToolCallDelta } from "../../chat/answer-parser.ts";
import type { SamplingOptions } from "../../sampling/options.ts";

export interface StoredToken {
  readonly id: number;
  readonly text: string;
  readonly logprob: number;
  /** The likeliest tokens in its place. */
  readonly top: readonly { readonly id: number; readonly text: string; readonly logprob: number }[];
}

export interface Turn {
  readonly role: "user" | "assistant" | "tool";
  readonly content: string;
  readonly reasoning?: string;
  readonly calls?: readonly ToolCallDelta[];
  /** Of a tool's result. */
  readonly callId?: string;
  readonly name?: string;
  /** Of an answer: what it was made from and how. */
  readonly promptIds?: readonly number[];
  readonly tokens?: readonly StoredToken[];
  readonly summary?: Summary;
  readonly sampling?: Partial<SamplingOptions>;
  readonly model?: string;
  readonly isStopped?: boolean;
}

export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly system: string;
  readonly turns: readonly Turn[];
  readonly changed: number;
}

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
}

/** In the order in which they were last changed, the newest first. */
export const conversations = signal<readonly Conversation[]>([]);
export const currentId = signal("");
/** Whether those that are kept are here. */
export const isLoaded = signal(false);
/** Why nothing is kept, if so. */
export const keepingProblem = signal("");

let database: Promise<IDBPDatabase<Schema>> | undefined;

function open(): Promise<IDBPDatabase<Schema>> {
  database ??= openDB<Schema>("lfm2-page", 1, {
    upgrade(db) {
      db.createObjectStore("conversations", { keyPath: "id" });
    },
  });
  return database;
}

async function kept(work: (db: IDBPDatabase<Schema>) => Promise<unknown>): Promise<void> {
  try {
    await work(await open());
  } catch (error) {
    keepingProblem.value = `This browser keeps no conversations: ${(error as Error).message}`;
  }
}

let loading: Promise<void> | undefined;

/** Once. */
export function loadConversations(): Promise<void> {
  loading ??= load();
  return loading;
}

async function load(): Promise<void> {
  await kept(async (db) => {
    const all = await db.getAll("conversations");
    conversations.value = all.sort((a, b) => b.changed - a.changed);
  });
  currentId.value = conversations.value[0]?.id ?? newConversation().id;
  isLoaded.value = true;
}

export function newConversation(): Conversation {
  const unused = conversations.value.find(({ turns }) => turns.length === 0);
  const conversation = unused ?? { id: crypto.randomUUID(), title: "", system: "", turns: [], changed: Date.now() };
  if (unused === undefined) conversations.value = [conversation, ...conversations.value];
  currentId.value = conversation.id;
  return conversation;
}

export function conversation(id: string = currentId.value): Conversation | undefined {
  return conversations.value.find((one) => one.id === id);
}

export function change(id: string, changes: Partial<Omit<Conversation, "id">>, keep = true): void {
  const before = conversation(id);
  if (before === undefined) return; // deleted while it was answered
  const after = { ...before, ...changes, changed: Date.now() };
  conversations.value = conversations.value.map((one) => (one.id === id ? after : one));
  if (keep) void kept((db) => db.put("conversations", after));
}

/** The one that was last deleted, until the page is left. */
export const deleted = signal<Conversation | undefined>(undefined);

export function remove(id: string): void {
  deleted.value = conversation(id);
  conversations.value = conversations.value.filter((one) => one.id !== id);
  if (currentId.value === id) currentId.value = conversations.value[0]?.id ?? newConversation().id;
  void kept((db) => db.delete("conversations", id));
}

export function bringBack(): void {
  const found = deleted.value;
  if (found === undefined) return;
  deleted.value = undefined;
  conversations.value = [found, ...conversations.value];
  currentId.value = found.id;
  void kept((db) => db.put("conversations", found));
}

export function titleOf({ title, turns }: Conversation): string {
  return title || turns[0]?.content.slice(0, 60) || "New conversation";
}

export const FORMAT = "lfm2-conversations";

export function exported(which: readonly Conversation[]): string {
  return JSON.stringify({ format: FORMAT, version: 1, conversations: which }, null, 1);
}

/** Puts them in front of those that are kept. */
export async function add(read: readonly Conversation[]): Promise<void> {
  // What is kept would take their place if it came later.
  await loadConversations();
  conversations.value = [...read, ...conversations.value];
  if (read.length > 0) currentId.value = read[0].id;
  await kept(async (db) => {
    for (const one of read) await db.put("conversations", one);
  });
}
