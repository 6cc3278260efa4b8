import { expect, test } from "vitest";

import { ADDRESS_CHARS_MAX, BadAddress, Links } from "../src/links.js";

test("an address has one name, however often it is added", () => {
  const links = new Links();
  expect(links.add("https://example.com/a")).toBe(links.add("https://example.com/a"));
});

test("a name leads to its address", () => {
  const links = new Links();
  expect(links.find(links.add("https://example.com/a?b=c"))).toBe("https://example.com/a?b=c");
});

test("a name that nobody made leads nowhere", () => {
  expect(new Links().find("abcdef")).toBeUndefined();
});

test.each(["", "example", "javascript:alert(1)", "file:///etc/passwd", "https://" + "a".repeat(ADDRESS_CHARS_MAX)])(
  "%.30s is refused",
  (text) => {
    expect(() => new Links().add(text)).toThrow(BadAddress);
  },
);
