"""Counters of all workers of one server, without a process between them (Prometheus text format 0.0.4).

Each worker owns a mapped file in the run folder: records of a name and a number, which it alone writes. Any worker
can answer `/metrics` by reading all files. A lock on the file tells the living from the dead: what a dead worker
counted is added to the totals of the server, so that no counter ever falls.

    <run>/metrics-<pid>-<random>.bin   a worker
    <run>/metrics-totals.json          what dead workers counted
    <run>/metrics.lock                 held while the dead are added up
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import secrets
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

_RECORD_BYTES: Final = 256
_RECORDS: Final = 4096
_NAME_BYTES: Final = _RECORD_BYTES - 16
_HEADER: Final = struct.Struct("<dH")
_DOUBLES: Final = _RECORD_BYTES // 8
_SEPARATOR: Final = "\x1f"
_TOTALS: Final = "metrics-totals.json"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Kind(Enum):
    """How the numbers of several workers become one."""

    COUNTER = "counter"
    """Sum over the living and the dead."""
    HISTOGRAM = "histogram"
    """The same; numbers of buckets, a sum and a count."""
    GAUGE = "gauge"
    """Sum over the living."""
    PEAK = "peak"
    """Greatest of the living."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its label values."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


REQUESTS: Final = Family("hilum_http_requests_total", Kind.COUNTER, "Requests answered.", ("route", "method", "status"))
SECONDS: Final = Family(
    "hilum_http_request_seconds", Kind.HISTOGRAM, "Seconds from request to last byte handed over.", ("route", "method")
)
BYTES_IN: Final = Family("hilum_http_received_bytes_total", Kind.COUNTER, "Bytes of request payloads.")
BYTES_OUT: Final = Family("hilum_http_sent_bytes_total", Kind.COUNTER, "Bytes of response payloads.")
IN_FLIGHT: Final = Family("hilum_http_requests_in_flight", Kind.GAUGE, "Requests being answered.")
INSTANCES: Final = Family("hilum_instances_total", Kind.COUNTER, "Instances offered for storage.", ("outcome",))
FALLBACKS: Final = Family(
    "hilum_pydicom_fallback_total", Kind.COUNTER, "Objects that pydicom had to read.", ("reason",)
)
LOOP_LAG: Final = Family(
    "hilum_event_loop_lag_seconds", Kind.PEAK, "Delay of the event loop's timer, worst worker of the last second."
)
RESIDENT: Final = Family("hilum_resident_memory_bytes", Kind.GAUGE, "Resident memory of all workers.")
WORKERS: Final = Family("hilum_workers", Kind.GAUGE, "Living workers.")

FAMILIES: Final = (
    REQUESTS,
    SECONDS,
    BYTES_IN,
    BYTES_OUT,
    IN_FLIGHT,
    INSTANCES,
    FALLBACKS,
    LOOP_LAG,
    RESIDENT,
    WORKERS,
)
_SUFFIXES: Final = ("_bucket", "_sum", "_count")


class Metrics:
    """The counters of this worker, and the sight of all. Counting belongs to the thread of the event loop."""

    def __init__(self, folder: Path) -> None:
        """Begin to count.

        Args:
            folder: run folder of the server, the same for all its workers; made if missing.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._path = folder / f"metrics-{os.getpid()}-{secrets.token_hex(4)}.bin"
        # A reader must not see the file without its lock: it would take this worker for dead.
        with _locked(folder):
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.ftruncate(self._descriptor, _RECORDS * _RECORD_BYTES)
        self._map = mmap.mmap(self._descriptor, _RECORDS * _RECORD_BYTES)
        self._numbers = memoryview(self._map).cast("d")
        self._places: dict[tuple[str, ...], int] = {}
        self._histograms: dict[tuple[str, str], list[int]] = {}
        self._mirrored: list[tuple[Family, Callable[[], Mapping[str, int]]]] = []
        self.add(WORKERS, (), 1)

    @staticmethod
    def begin(folder: Path) -> None:
        """Forget what an earlier run of the server counted; called once, before its workers start."""
        for path in folder.glob("metrics-*"):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop counting; what was counted stays."""
        self._numbers.release()
        self._map.close()
        os.close(self._descriptor)

    # Counting.

    def add(self, family: Family, labels: tuple[str, ...], amount: float) -> None:
        """Add to a counter or a gauge."""
        self._numbers[self._place((family.name, *labels))] += amount

    def put(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        """Set a gauge, or a counter that is kept elsewhere."""
        self._numbers[self._place((family.name, *labels))] = value

    def mirror(self, family: Family, counts: Callable[[], Mapping[str, int]]) -> None:
        """Take over, at each `sample`, counts of this process that are kept elsewhere, by the family's one label."""
        self._mirrored.append((family, counts))

    def sample(self, *, loop_lag_s: float) -> None:
        """Take down what is not counted but measured: memory, lag of the event loop, and what is mirrored."""
        self.put(LOOP_LAG, (), loop_lag_s)
        self.put(RESIDENT, (), _resident_bytes())
        for family, counts in self._mirrored:
            for label, value in tuple(counts().items()):
                self.put(family, (label,), value)

    def count_request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            route: template of its path; '' where no resource matches.
            method: as sent.
            status: of its answer; 0 if the user agent was gone before one.
            seconds: from request to last byte.
        """
        route = route or "unmatched"
        method = method if method in _METHODS else "other"
        numbers = self._numbers
        numbers[self._place((REQUESTS.name, route, method, str(status)))] += 1
        places = self._histograms.get((route, method)) or self._histogram(route, method)
        numbers[places[-2]] += seconds
        numbers[places[-1]] += 1
        for bound, place in zip(_BUCKETS, places, strict=False):
            if seconds <= bound:
                # Each number is of one bucket alone; the page adds them up, as the format wants them.
                numbers[place] += 1
                break

    def _histogram(self, route: str, method: str) -> list[int]:
        name = SECONDS.name
        names: list[tuple[str, ...]] = [(f"{name}_bucket", route, method, repr(bound)) for bound in _BUCKETS]
        names += [(f"{name}_sum", route, method), (f"{name}_count", route, method)]
        places = self._histograms[route, method] = [self._place(key) for key in names]
        return places

    def _place(self, key: tuple[str, ...]) -> int:
        """Return the index of the number of `key`; the last record takes what finds no room."""
        place = self._places.get(key)
        if place is not None:
            return place
        number = len(self._places) + 1
        name = _SEPARATOR.join(key).encode("utf-8", "replace")
        if number >= _RECORDS or len(name) > _NAME_BYTES:
            # Record 0 has no name: what is counted there is not shown.
            return 0
        start = number * _RECORD_BYTES
        self._map[start + 16 : start + 16 + len(name)] = name
        # The length comes last: a reader passes over a record without one.
        _HEADER.pack_into(self._map, start, 0.0, len(name))
        self._places[key] = number * _DOUBLES
        return number * _DOUBLES

    # Reading.

    def page(self) -> str:
        """Return the numbers of all workers in the text format; reads files, so it belongs into a worker thread."""
        with _locked(self._folder):
            totals = _read_totals(self._folder)
            living: list[dict[str, float]] = []
            dead: list[Path] = []
            for path in sorted(self._folder.glob("metrics-*.bin")):
                if _is_alive(path):
                    living.append(_read_worker(path))
                    continue
                dead.append(path)
                if path.name not in totals.merged:
                    totals.add(_read_worker(path), path.name)
            if dead:
                # Written before the files go: a crash between leaves files that are known to be in the totals.
                totals.write(self._folder)
            for path in dead:
                path.unlink(missing_ok=True)
        return _page(_summed(living, totals.values))


@dataclass(slots=True)
class _Totals:
    values: dict[str, float]
    merged: list[str]

    def add(self, values: Mapping[str, float], name: str) -> None:
        for key, value in values.items():
            if _kind(key) in (Kind.COUNTER, Kind.HISTOGRAM):
                self.values[key] = self.values.get(key, 0.0) + value
        self.merged.append(name)

    def write(self, folder: Path) -> None:
        draft = folder / f"{_TOTALS}.new"
        draft.write_text(json.dumps({"values": self.values, "merged": self.merged[-1000:]}))
        draft.replace(folder / _TOTALS)


def _read_totals(folder: Path) -> _Totals:
    try:
        stored = json.loads((folder / _TOTALS).read_text())
    except FileNotFoundError:
        return _Totals({}, [])
    return _Totals(stored["values"], stored["merged"])


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / "metrics.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_alive(path: Path) -> bool:
    """Say whether the worker of a file lives: it holds the lock as long as it does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read_worker(path: Path) -> dict[str, float]:
    data = path.read_bytes()
    values: dict[str, float] = {}
    for start in range(_RECORD_BYTES, len(data) - _RECORD_BYTES + 1, _RECORD_BYTES):
        value, length = _HEADER.unpack_from(data, start)
        if not length:
            break
        values[data[start + 16 : start + 16 + length].decode("utf-8", "replace")] = value
    return values


def _kind(key: str) -> Kind:
    name = key.partition(_SEPARATOR)[0]
    return next((family.kind for family in FAMILIES if family.name == name), Kind.HISTOGRAM)


def _summed(living: Sequence[Mapping[str, float]], totals: Mapping[str, float]) -> dict[str, float]:
    result: defaultdict[str, float] = defaultdict(float, totals)
    for values in living:
        for key, value in values.items():
            result[key] = max(result[key], value) if _kind(key) is Kind.PEAK else result[key] + value
    return result


def _page(values: Mapping[str, float]) -> str:
    by_name: defaultdict[str, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
    for key, value in values.items():
        name, *labels = key.split(_SEPARATOR)
        by_name[name].append((tuple(labels), value))
    lines: list[str] = []
    for family in FAMILIES:
        kind = "gauge" if family.kind is Kind.PEAK else family.kind.value
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {kind}"]
        if family.kind is Kind.HISTOGRAM:
            lines += _histogram_lines(family, by_name)
        else:
            lines += [_line(family.name, family.labels, *item) for item in sorted(by_name[family.name])]
    return "\n".join(lines) + "\n"


def _histogram_lines(family: Family, by_name: Mapping[str, Sequence[tuple[tuple[str, ...], float]]]) -> Iterator[str]:
    buckets, sums, counts = (dict(by_name.get(family.name + suffix, ())) for suffix in _SUFFIXES)
    for labels, count in sorted(counts.items()):
        running = 0.0
        for bound in _BUCKETS:
            running += buckets.get((*labels, repr(bound)), 0.0)
            yield _line(f"{family.name}_bucket", (*family.labels, "le"), (*labels, repr(bound)), running)
        yield _line(f"{family.name}_bucket", (*family.labels, "le"), (*labels, "+Inf"), count)
        yield _line(f"{family.name}_sum", family.labels, labels, sums.get(labels, 0.0))
        yield _line(f"{family.name}_count", family.labels, labels, count)


def _line(name: str, label_names: Sequence[str], labels: Sequence[str], value: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in zip(label_names, labels, strict=True))
    number = str(int(value)) if value == int(value) else repr(value)
    return f"{name}{{{pairs}}} {number}" if pairs else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident_bytes() -> int:
    with Path("/proc/self/statm").open("rb") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE
