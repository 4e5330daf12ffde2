// The visitor's token: from an attribute, a function or a URL of the page; kept in memory alone, and got anew before it expires.
import { CallError } from "../api/connect";

type Source = () => string | Promise<string>;

// So long before its end a token is not used any more.
const MARGIN_MS = 30_000;

/** When a token (JWT) expires, in milliseconds since 1970; infinite where it does not say. */
export function expiry(token: string): number {
  try {
    const claims = token.split(".")[1] ?? "";
    const { exp } = JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/")));
    return typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY; // an API key
  }
}

/** Where the page of this script tag gives tokens. */
export function sourceOf(script: HTMLScriptElement): Source {
  return () => {
    const { token, tokenFunction, tokenUrl } = script.dataset;
    if (tokenFunction) return called(tokenFunction);
    return tokenUrl ? fetched(tokenUrl) : (token ?? "");
  };
}

async function called(name: string): Promise<string> {
  const given = (window as unknown as Record<string, unknown>)[name];
  if (typeof given !== "function") throw new CallError("unauthenticated", `the page has no function ${name}`);
  return String((await given()) ?? "");
}

async function fetched(url: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    throw new CallError("offline", String(error));
  }
  if (response.status >= 500) throw new CallError("unavailable", `HTTP ${response.status}`);
  if (!response.ok) throw new CallError("unauthenticated", `HTTP ${response.status}`);
  const text = (await response.text()).trim();
  return text.startsWith("{") ? String(JSON.parse(text).token ?? "") : text;
}

/** The token that calls are made with. */
export class Tokens {
  private kept = "";
  private coming: Promise<string> | null = null;

  constructor(private readonly source: Source) {}

  /** A token that is good for a while; asked for once, however many wait. Throws CallError where the page gives none. */
  async token(): Promise<string> {
    if (this.kept && Date.now() < expiry(this.kept) - MARGIN_MS) return this.kept;
    this.coming ??= this.get().finally(() => {
      this.coming = null;
    });
    return this.coming;
  }

  private async get(): Promise<string> {
    let token: string;
    try {
      token = await this.source();
    } catch (error) {
      throw error instanceof CallError ? error : new CallError("unauthenticated", String(error));
    }
    if (!token) throw new CallError("unauthenticated", "the page gives no token");
    this.kept = token;
    return token;
  }

  /** Whether there is another token by now than the one that was refused. */
  async renew(refused: string): Promise<boolean> {
    if (this.kept === refused) this.kept = "";
    try {
      return (await this.token()) !== refused;
    } catch {
      return false;
    }
  }
}
