#!/usr/bin/env python3
"""Measure a Worklist Service (UPS-RS): create, claim and search among many workitems. Standard library only.

    python3 worklist_bench.py http://127.0.0.1:8080/dicomweb --workitems 100000 --connections 8

Every answer is checked; a wrong one ends the run.
"""

import argparse
import http.client
import json
import random
import threading
import time
import uuid
from urllib.parse import urlsplit

JSON = "application/dicom+json"


def element(vr, *values):
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def workitem(number):
    dice = random.Random(number)
    code = {"00080100": element("SH", "C%d" % dice.randrange(20)), "00080102": element("SH", "99T"), "00080104": element("LO", "c")}
    start = "2024%02d%02d%02d%02d00" % (dice.randint(1, 12), dice.randint(1, 28), dice.randrange(24), dice.randrange(60))
    request = {
        "0020000D": element("UI", "1.2.3.%d" % number), "00080050": element("SH", "A%d" % number), "00080051": element("SQ"),
        "00400026": element("SQ"), "00400027": element("SQ"), "00401001": element("SH", "R%d" % number),
        "00321060": element("LO", "x"), "00321064": element("SQ"),
    }
    empty = {
        "00741210": "SQ", "00404026": "SQ", "00404027": "SQ", "00400400": "LT", "00100021": "LO", "00100024": "SQ",
        "00101002": "SQ", "00380010": "LO", "00380014": "SQ", "00081080": "LO", "00081084": "SQ", "00741002": "SQ",
        "00741216": "SQ",
    }
    members = {tag: element(vr) for tag, vr in empty.items()}
    members.update({
        "00741000": element("CS", "SCHEDULED"), "00741200": element("CS", ("LOW", "MEDIUM", "HIGH")[number % 3]),
        "00741204": element("LO", "Step %d" % number), "00741202": element("LO", "LIST%d" % dice.randrange(50)),
        "00404005": element("DT", start), "00404041": element("CS", dice.choice(("READY", "INCOMPLETE"))),
        "00404018": element("SQ", code), "00404025": element("SQ", code), "0040A370": element("SQ", request),
        "00404021": element("SQ", {"0020000D": element("UI", "1.2.3.%d" % number)}),
        "00100010": element("PN", {"Alphabetic": "Patient^%d" % (number % 5000)}),
        "00100020": element("LO", "P%d" % (number % 5000)), "00100030": element("DA", "19700101"), "00100040": element("CS", "O"),
    })
    return members


class Connection:
    def __init__(self, url):
        self.parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(self.parts.hostname, self.parts.port)

    def ask(self, method, path, payload=None, expected=(200,)):
        headers = {"Accept": JSON, **({"Content-Type": JSON} if payload is not None else {})}
        body = None if payload is None else json.dumps([payload])
        self.connection.request(method, self.parts.path + path, body, headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status not in expected:
            raise SystemExit("%s %s: %d %s" % (method, path, response.status, text[:200]))
        return text


def spread(url, connections, jobs, work):
    """Run `work(connection, job)` for all jobs over so many connections; return the seconds of each, and of all."""
    seconds, lock, pending = [], threading.Lock(), iter(jobs)

    def run():
        connection = Connection(url)
        while True:
            with lock:
                job = next(pending, None)
            if job is None:
                return
            began = time.perf_counter()
            work(connection, job)
            took = time.perf_counter() - began
            with lock:
                seconds.append(took)

    threads = [threading.Thread(target=run) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds, time.perf_counter() - began


def show(name, seconds, total):
    seconds = sorted(seconds)
    at = lambda share: seconds[min(len(seconds) - 1, int(len(seconds) * share))] * 1000
    print("%-46s %8.1f ops/s  p50 %7.2f ms  p95 %7.2f ms  p99 %7.2f ms" % (name, len(seconds) / total, at(0.5), at(0.95), at(0.99)), flush=True)


SEARCHES = {
    "scheduled": lambda _: "ProcedureStepState=SCHEDULED",
    "scheduled, one worklist, ready": lambda n: "ProcedureStepState=SCHEDULED&WorklistLabel=LIST%d&InputReadinessState=READY" % (n % 50),
    "scheduled, one code": lambda n: "ProcedureStepState=SCHEDULED&ScheduledWorkitemCodeSequence.CodeValue=C%d" % (n % 20),
    "one patient": lambda n: "PatientID=P%d" % (n % 5000),
    "a name": lambda n: "PatientName=patient^%d*" % (n % 5000),
    "a day": lambda n: "ScheduledProcedureStepStartDateTime=2024%02d%02d" % (n % 12 + 1, n % 28 + 1),
    "one accession number": lambda n: "ReferencedRequestSequence.AccessionNumber=A%d" % (n % 1000),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--workitems", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--searches", type=int, default=300)
    options = parser.parse_args()
    known = [("2.25.%d" % uuid.uuid4().int, number) for number in range(options.workitems)]
    create = lambda connection, job: connection.ask("POST", "/workitems?workitem=" + job[0], workitem(job[1]), (201,))
    show("create", *spread(options.url, options.connections, known, create))

    def claim(connection, job):
        payload = {"00081195": element("UI", "2.25.%d" % uuid.uuid4().int), "00741000": element("CS", "IN PROGRESS")}
        connection.ask("PUT", "/workitems/%s/state" % job[0], payload)

    show("claim", *spread(options.url, options.connections, random.Random(1).sample(known, 2000), claim))
    retrieve = lambda connection, job: connection.ask("GET", "/workitems/" + job[0])
    show("retrieve", *spread(options.url, options.connections, random.Random(2).sample(known, 2000), retrieve))
    for name, query in SEARCHES.items():
        search = lambda connection, n, query=query: connection.ask("GET", "/workitems?limit=50&" + query(n), None, (200, 204))
        show("search of 50, " + name, *spread(options.url, 1, range(options.searches), search))


if __name__ == "__main__":
    main()
