// Which of a checkpoint's templates writes a conversation.
import { ChatError } from "./messages.ts";

export interface Templates {
  /** The one without a name, or called "default". */
  readonly chatTemplate: string | undefined;
  /** The others, by name. */
  readonly namedTemplates?: ReadonlyMap<string, string>;
}

/**
 * The template called "tool_use" where there are tools and it is there, else the default one; undefined when there is
 * no template at all.
 *
 * @throws ChatError that lists the names, when there are only others
 * @source transformers 5.18.0, tokenization_utils_base.py, get_chat_template
 */
export function chooseTemplate({ chatTemplate, namedTemplates }: Templates, hasTools: boolean): string | undefined {
  const forTools = hasTools ? namedTemplates?.get("tool_use") : undefined;
  if (forTools !== undefined) return forTools;
  const names = [...(namedTemplates?.keys() ?? [])];
  if (chatTemplate !== undefined || names.length === 0) return chatTemplate;
  throw new ChatError({
    subject: "Chat template",
    expected: `one called "default"${hasTools ? ' or "tool_use"' : ""}`,
    found: names.join(", "),
    remedy: "Name one of them so in the model's files.",
  });
}
