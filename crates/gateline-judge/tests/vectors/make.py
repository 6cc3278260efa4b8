"""Makes the vectors that the tests of gateline-judge read. Python is needed only for this.

    python3 -m venv v && v/bin/pip install numpy scipy numba
    v/bin/python make.py REFERENCE

REFERENCE is the folder with gateline_ref.py, gateline_ref2.py, canary_sim.py, canary_sim2.py and gauge_sim.py of the study.
"""
import contextlib, io, json, math, pathlib, random, sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import gateline_ref as one
import gateline_ref2 as two


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


def ticks(seed, count, scale):
    draw = random.Random(seed)
    found = []
    for tick in range(count):
        weight = (0.05, 0.10, 0.25, 0.50)[min(3, tick // 10)]
        canary, stable = int(scale * weight * draw.uniform(0.8, 1.2)), int(scale * (1 - weight) * draw.uniform(0.8, 1.2))
        bad = lambda n, rate: sum(draw.random() < rate for _ in range(n)) * draw.choice((1, 1, 1, 3))
        found.append([canary, min(canary, bad(canary, 0.01)), stable, min(stable, bad(stable, 0.006))])
    found[7][0] = 0
    found[9][1] = found[9][3] = 0
    return found


def tempered():
    cases = []
    fixed = [([375, 8, 7125, 36], 8), ([3750, 19, 3750, 19], 40)]
    series = [[list(t)] * n for t, n in fixed] + [ticks(11, 60, 7500), ticks(12, 200, 700)]
    for (tol, phi), counts in zip([(2.0, 3.0), (2.0, 3.0), (1.5, 1.0), (3.0, 6.5)], series):
        metric, after = one.RatioMetric(tol=tol, phi=phi), []
        for t in counts:
            metric.update(*t)
            after.append([metric.log_e_harm(), metric.log_e_ni(), *metric.cs()])
        cases.append(dict(tolerance=tol, design_effect=phi, ticks=counts, after=after))
    write("tempered.json", cases)


def clumped():
    cases = []
    windows = [{1: 3.0, 2: 3.1, 4: 3.2, 8: 3.4, 16: 3.5, 32: 3.6}, {1: 1.0, 2: 1.2}, {1: 6.0, 4: 11.0}]
    series = [[[375, 8, 7125, 36]] * 14, ticks(21, 60, 7500), ticks(22, 200, 700)]
    for table, counts in zip(windows, series):
        F, P, T = two.calibrate(table)
        per_tick = 7500.0 if len(counts) < 200 else 700.0
        metric, after = two.RatioMetric2(2.0, F, P, T, 0.005, per_tick), []
        for t in counts:
            metric.update(*t)
            after.append([metric.log_e_harm(), metric.upper(), *metric.posterior(), metric.rate()])
        cases.append(dict(clumps=F, whole=P, temper=T, rate=0.005, requests_per_tick=per_tick, ticks=counts, after=after))
    write("clumped.json", cases)


def simulated():
    """Rollouts of the published simulation, tick by tick, with what its judge said of them."""
    import numpy as np
    import canary_sim as first
    import canary_sim2 as second

    cases = []
    plan = [
        ("tempered", "moderate", 50, {}, 6, 100),
        ("tempered", "moderate", 50, dict(mult=3.0), 6, 110),
        ("tempered", "heavy", 500, dict(add=0.5), 2, 30),
        ("clumped", "moderate", 50, {}, 6, 100),
        ("clumped", "heavy", 50, dict(mult=5.0, start=30), 6, 90),
        ("clumped", "moderate", 5, {}, 4, 120),
    ]
    for recipe, noise, rps, fault, rollouts, count in plan:
        world = second.World1(R=rollouts, noise=noise, rps=rps, fault=dict(fault), seed=7 * rps + len(cases))
        # numba compiles the update of the second judge; both are told the same noise
        judge = first.Seq("g", paced=True, cat=True) if recipe == "tempered" else second.Seq2(**second.V2)
        judge.start(world)
        if recipe == "tempered":
            effects = [[[float(p)] * 2 for p in row] for row in judge.ph]
            rates = [[world.base[m]] * rollouts for m in ("err", "s95", "s99")]
        else:
            effects = [[[float(a), float(b)] for a, b in zip(*rows)] for rows in zip(world.phi1, world.phimax)]
            rates = world.hist_rate.tolist()
        runs = [dict(effects=[m[r] for m in effects], rates=[m[r] for m in rates], ticks=[], after=[]) for r in range(rollouts)]
        for t in range(count):
            weight = np.where(judge.status == 1, 0.0, np.where(judge.status == 2, 1.0, judge.w))
            seen = world.step(t, weight)
            running = judge.status == 0
            judge.tick(t, seen)
            slow = lambda h, i: h[:, i + 1:].sum(1)
            columns = [seen["nC"], seen["nB"], seen["xC"], seen["xB"]] + [
                slow(seen[h], i) for i in (world.i95, world.i99) for h in ("hC", "hB")]
            for r in range(rollouts):
                if running[r]:
                    runs[r]["ticks"].append([int(c[r]) for c in columns])
                    runs[r]["after"].append([int(judge.status[r]), float(judge.w[r]), float(judge.logE[r])])
        cases.append(dict(recipe=recipe, rps=rps, tolerances=[float(x) for x in judge.th_t], runs=runs))
    write("simulated.json", cases)


def gauges():
    import numpy as np
    with contextlib.redirect_stdout(io.StringIO()):
        source = (pathlib.Path(sys.argv[1]) / "gauge_sim.py").read_text().split("rng=np.random")[0]
    space = {}
    exec(source, space)
    draw = np.random.default_rng(3)
    cases = []
    for shift in (0.0, 0.1, 0.3):
        blocks = draw.normal(shift, 0.05, (1, 40))
        odds = space["gauge_logE"](blocks, 0.05, np.array([0.0025]), 0.4)
        cases.append(dict(margin=0.05, variance=0.0025, memory=0.4, blocks=blocks[0].tolist(),
                          after=[None if not math.isfinite(x) else float(x) for x in odds[0]]))
    write("gauges.json", cases)


tempered()
clumped()
simulated()
gauges()
