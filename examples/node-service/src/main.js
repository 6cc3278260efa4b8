// `node links.mjs PORT`: serves until it is ended.

import { service } from "./service.js";

service().listen(Number(process.argv[2]), "127.0.0.1");
