// A load test for k6: makes one link, then follows it. `k6 run -e URL=http://127.0.0.1:8131 load.js`.

import { check } from "k6";
import http from "k6/http";

export const options = { vus: 4, duration: "5s" };

export function setup() {
  return http.post(__ENV.URL, "https://example.com/a").body.trim();
}

export default function (name) {
  const followed = http.get(`${__ENV.URL}/${name}`, { redirects: 0 });
  check(followed, { "it leads on": (answer) => answer.status === 302 });
}
