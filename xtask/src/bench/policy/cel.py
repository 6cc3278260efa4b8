"""Evaluations a second of one condition with cel-cpp (Google's own) or with cel-python, the facts converted anew for each."""
import json, sys, time

which, text, facts = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
names = ("change", "release", "risk", "stage")
facts = {name: facts[name] for name in names}
if which == "cel-cpp":
    from cel_expr_python import cel

    env = cel.NewEnv(variables={name: cel.Type.DYN for name in names})
    program = env.compile(text)
    once = lambda: program.eval(data=facts).value()
else:
    import celpy

    env = celpy.Environment()
    program = env.program(env.compile(text))
    once = lambda: bool(program.evaluate(celpy.json_to_cel(facts)))
assert once() is True, once()
count, began = 0, time.perf_counter()
while time.perf_counter() - began < 2:
    once()
    count += 1
print(count / (time.perf_counter() - began))
