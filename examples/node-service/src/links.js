// Short links: a name of six letters for an address, always the same for the same address.

import { createHash } from "node:crypto";

export const ADDRESS_CHARS_MAX = 2_000;

/** Why an address gets no link. */
export class BadAddress extends Error {}

/** Links and what they stand for, in memory. */
export class Links {
  #addresses = new Map();

  /** The name for an address: the beginning of its digest, longer where that is taken. */
  add(text) {
    const address = parsed(text);
    const digest = createHash("sha256").update(address).digest("base64url");
    for (let length = 6; length <= digest.length; length += 1) {
      const name = digest.slice(0, length);
      const known = this.#addresses.get(name);
      if (known === undefined || known === address) {
        this.#addresses.set(name, address);
        return name;
      }
    }
    throw new BadAddress("two addresses have one digest");
  }

  /** The address, or nothing. */
  find(name) {
    return this.#addresses.get(name);
  }
}

function parsed(text) {
  if (text.length > ADDRESS_CHARS_MAX) {
    throw new BadAddress(`an address has at most ${ADDRESS_CHARS_MAX} characters`);
  }
  if (!URL.canParse(text)) {
    throw new BadAddress("that is no address");
  }
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new BadAddress(`${url.protocol} is not followed; use https:`);
  }
  return url.href;
}
