from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.types import Message

from hilum.archive.ingest import FailureReason, Ingested
from hilum.config import HttpSettings
from hilum.errors import OutOfResources, RequestCutShort
from hilum.store.blobs.folder import FolderBlobs
from hilum.store.blobs.protocol import Staged
from hilum.web.transfer.ingesting import ingest_parts
from hilum.web.transfer.pool import Pool
from hilum.web.transfer.receive import Inflow, Uploads
from hilum.wire.multipart import closing_delimiter, part_header

BOUNDARY = "b"
LARGEST = 1000
SCOPE = {"type": "http", "method": "POST", "path": "/", "headers": []}


def part(content: bytes) -> bytes:
    return part_header(BOUNDARY, content_type="application/dicom") + content + b"\r\n"


def ingested(folder: Path, *messages: Message) -> tuple[list[Ingested] | None, list[bytes]]:
    """Return the results of a payload (None: its user agent went away), and the parts that the consumer was given."""
    FolderBlobs.create(folder)
    blobs = FolderBlobs(folder)
    uploads = Uploads(Pool("work", threads=4), HttpSettings(max_object_bytes=LARGEST, dicomweb_root=""))
    given: list[bytes] = []
    coming = iter(messages)

    def consume(_headers: Mapping[str, str], staged: Staged) -> list[Ingested]:
        content = bytes(staged.buffer())
        staged.discard()
        given.append(content)
        if content == b"full":
            raise OutOfResources("No room.")
        return [Ingested(text=content.decode())] * content.count(b"x")

    async def receive() -> Message:
        return next(coming)

    async def run() -> list[Ingested] | None:
        try:
            request = Request(SCOPE, Inflow(receive))
            return await ingest_parts(request, BOUNDARY, uploads=uploads, stage=blobs.stage, consume=consume)
        except RequestCutShort:
            return None

    return asyncio.run(run()), given


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


def test_results_stand_in_the_order_of_the_parts_and_a_bad_one_costs_no_other(tmp_path: Path) -> None:
    contents = [b"1x", b"full", b"2xx", b"l" * (LARGEST + 1), *(b"%dx" % number for number in range(3, 9))]
    payload = b"".join(map(part, contents)) + closing_delimiter(BOUNDARY)

    chunks = [body(payload[at : at + 50], more=True) for at in range(0, len(payload), 50)]

    results, given = ingested(tmp_path, *chunks, body(b""))

    assert results is not None
    full, large = (FailureReason.OUT_OF_RESOURCES,) * 2
    assert [one.failure or one.text for one in results] == [
        *("1x", full, "2xx", "2xx", large),
        *(f"{number}x" for number in range(3, 9)),
    ]
    assert sorted(given) == sorted(content for content in contents if len(content) <= LARGEST)


def test_a_part_that_no_delimiter_follows_fails(tmp_path: Path) -> None:
    results, given = ingested(tmp_path, body(part(b"1x") + part(b"2x")))

    assert results is not None
    assert [one.failure or one.text for one in results] == ["1x", FailureReason.CANNOT_UNDERSTAND]
    assert given == [b"1x"]


def test_what_is_complete_is_ingested_though_the_user_agent_goes_away(tmp_path: Path) -> None:
    messages = body(part(b"1x") + part(b"2x") + part(b"3"), more=True), {"type": "http.disconnect"}

    results, given = ingested(tmp_path, *messages)

    assert results is None
    assert sorted(given) == [b"1x", b"2x"]
