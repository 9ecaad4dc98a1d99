from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from hilum.web.gate.metrics import (
    BYTES_OUT,
    FALLBACKS,
    FAMILIES,
    IN_FLIGHT,
    INSTANCES,
    LOOP_LAG,
    REQUESTS,
    Metrics,
)

WORKER = """
import sys, os
from pathlib import Path
from hilum.web.gate.metrics import *
metrics = Metrics(Path(sys.argv[1]))
metrics.add(BYTES_OUT, (), 100)
metrics.add(IN_FLIGHT, (), 1)
metrics.count_request(route="/studies", method="GET", status=200, seconds=0.2)
print("ready", flush=True)
sys.stdin.read()
os._exit(1)
"""


def lines(metrics: Metrics) -> dict[str, float]:
    pairs = [line.rpartition(" ") for line in metrics.page().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in pairs}


def test_requests_are_counted_by_route_method_and_status(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)

    for status, seconds in ((200, 0.003), (200, 0.2), (404, 100)):
        metrics.count_request(route="/studies", method="GET", status=status, seconds=seconds)
    metrics.count_request(route="", method="BREW", status=405, seconds=0)

    found = lines(metrics)
    assert found['hilum_http_requests_total{route="/studies",method="GET",status="200"}'] == 2
    assert found['hilum_http_requests_total{route="unmatched",method="other",status="405"}'] == 1
    bucket = 'hilum_http_request_seconds_bucket{route="/studies",method="GET",le="%s"}'
    assert [found[bucket % bound] for bound in ("0.0025", "0.005", "0.1", "0.25", "60.0", "+Inf")] == [0, 1, 1, 2, 2, 3]
    assert found['hilum_http_request_seconds_count{route="/studies",method="GET"}'] == 3
    assert found['hilum_http_request_seconds_sum{route="/studies",method="GET"}'] == 100.203
    metrics.close()


def test_every_family_is_explained(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)

    page = metrics.page()

    for family in FAMILIES:
        assert f"# HELP {family.name} {family.help}\n# TYPE {family.name} " in page
    metrics.close()


def test_any_worker_tells_of_all_and_keeps_what_dead_ones_counted(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.add(BYTES_OUT, (), 7)
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()

        living = lines(metrics)

    dead = [lines(metrics), lines(metrics)]

    assert (living["hilum_workers"], living["hilum_http_sent_bytes_total"]) == (2, 107)
    assert living["hilum_http_requests_in_flight"] == 1
    for found in dead:
        assert (found["hilum_workers"], found["hilum_http_sent_bytes_total"]) == (1, 107)
        assert found.get("hilum_http_requests_in_flight", 0) == 0
        assert found['hilum_http_request_seconds_bucket{route="/studies",method="GET",le="0.25"}'] == 1
    assert len(list(tmp_path.glob("metrics-*.bin"))) == 1
    metrics.close()


def test_the_dead_are_added_once_even_if_their_file_stays(tmp_path: Path) -> None:
    gone = Metrics(tmp_path)
    gone.add(BYTES_OUT, (), 5)
    gone.close()
    (path,) = tmp_path.glob("metrics-*.bin")
    content = path.read_bytes()
    metrics = Metrics(tmp_path)
    assert lines(metrics)["hilum_http_sent_bytes_total"] == 5

    path.write_bytes(content)

    assert lines(metrics)["hilum_http_sent_bytes_total"] == 5
    metrics.close()


def test_a_new_run_begins_at_nothing(tmp_path: Path) -> None:
    gone = Metrics(tmp_path)
    gone.add(BYTES_OUT, (), 5)
    gone.close()

    Metrics.begin(tmp_path)

    metrics = Metrics(tmp_path)
    assert lines(metrics).get("hilum_http_sent_bytes_total", 0) == 0
    metrics.close()


def test_a_peak_is_the_greatest_and_mirrored_counts_are_taken_over(tmp_path: Path) -> None:
    first, second = Metrics(tmp_path), Metrics(tmp_path)
    outcomes = Counter({"stored": 3})
    first.mirror(INSTANCES, lambda: outcomes)
    second.mirror(FALLBACKS, lambda: {"deflated": 2})

    first.sample(loop_lag_s=0.5)
    outcomes["stored"] += 1
    first.sample(loop_lag_s=0.25)
    second.sample(loop_lag_s=0.125)

    found = lines(second)
    assert found[LOOP_LAG.name] == 0.25
    assert found['hilum_instances_total{outcome="stored"}'] == 4
    assert found['hilum_pydicom_fallback_total{reason="deflated"}'] == 2
    assert found["hilum_resident_memory_bytes"] > 1_000_000
    first.close()
    second.close()


def test_what_finds_no_room_is_not_shown_and_harms_nothing(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)

    for number in range(5000):
        metrics.add(REQUESTS, ("/r", "GET", str(number)), 1)
    metrics.add(REQUESTS, ("x" * 300, "GET", "200"), 1)
    metrics.add(IN_FLIGHT, (), 1)

    assert sum(name.startswith("hilum_http_requests_total") for name in lines(metrics)) == 4094
    metrics.close()


def test_label_values_are_escaped(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)

    metrics.add(INSTANCES, ('a"b\\c\nd',), 1)

    assert 'hilum_instances_total{outcome="a\\"b\\\\c\\nd"} 1' in metrics.page()
    metrics.close()
