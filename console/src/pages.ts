// Lists that come page by page.
import { useEffect, useState } from "preact/hooks";
import { call } from "./api/connect";

/** A list as far as it was read. */
export interface Pages<Item> {
  /** Null before the first answer. */
  items: Item[] | null;
  more: boolean;
  error: unknown;
  /** Reads the first page again. */
  again: () => Promise<void>;
  /** Reads the next page. */
  next: () => Promise<void>;
  /** Changes what is shown without asking. */
  change: (items: (items: Item[]) => Item[]) => void;
}

type Answer<Item> = { nextPageToken?: string } & Record<string, Item[] | string | undefined>;

/** The list `field` of the answers of `path`; read anew when the request changes. */
export function usePages<Item>(path: string, request: object, field: string): Pages<Item> {
  const [items, setItems] = useState<Item[] | null>(null);
  const [token, setToken] = useState("");
  const [error, setError] = useState<unknown>(null);
  const asked = JSON.stringify(request);
  const read = async (pageToken: string): Promise<void> => {
    setError(null);
    try {
      const page = await call<Answer<Item>>(path, { ...request, pageToken });
      const fresh = (page[field] as Item[] | undefined) ?? [];
      setItems((before) => [...(pageToken ? (before ?? []) : []), ...fresh]);
      setToken(page.nextPageToken ?? "");
    } catch (refused) {
      setError(refused);
    }
  };
  useEffect(() => void read(""), [path, asked]);
  return {
    items,
    more: token !== "",
    error,
    again: () => read(""),
    next: () => read(token),
    change: (change) => setItems((before) => change(before ?? [])),
  };
}
