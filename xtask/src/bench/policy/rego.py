"""Evaluations a second of the example's rules with rego-cpp, the input read anew for each as we do."""
import json, sys, time
from regopy import Interpreter

top, document = sys.argv[1], open(sys.argv[2]).read()
rego = Interpreter()
for module in ("lib/change.rego", "release/rules.rego"):
    rego.add_module(module, open(f"{top}/{module}").read())
rego.add_data({"settings": {"protected_stages": ["production"], "teams": ["payments", "shop"]}})
query = rego.build("[data.release.deny, data.release.violation, data.release.warn]")


def once():
    rego.set_input_term(document)
    return rego.query_bundle(query)


said = json.loads(str(once()))["expressions"][0]
print(json.dumps(sorted(m if isinstance(m, str) else m["msg"] for rule in said for m in rule)), file=sys.stderr)
count, began = 0, time.perf_counter()
while time.perf_counter() - began < 2:
    once()
    count += 1
print(count / (time.perf_counter() - began))
