"""Every setting: its default, unit and meaning. Read once by `cli`, passed down as values.

Order: the TOML file, then `HILUM_*` variables (`HILUM_SEARCH__MAX_RESULTS`), then options; later wins.
"""

from __future__ import annotations

import re
from enum import Enum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEGABYTE = 1024 * 1024

DISPLAY_FIELDS = frozenset({"studyUIDs", "patientID", "viewerType", "diagnosticQuality", "keyImagesOnly"})
"""What `viewer.image_display_url` may hold in braces."""


def _split_commas(value: object) -> object:
    """Turn the comma-separated text of a variable into a list."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


def _check_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ip_network(text, strict=False)
    return texts


def _check_template(text: str) -> str:
    """Check a URL with names in braces."""
    if text and not text.startswith(("http://", "https://", "/")):
        raise ValueError("it must start with http://, https:// or /")
    bare = re.sub(rf"\{{({'|'.join(DISPLAY_FIELDS)})\}}", "", text)
    if re.search(r"[{}\x00-\x20\x7f]", bare):
        raise ValueError(f"it may hold no spaces, and in braces only {', '.join(sorted(DISPLAY_FIELDS))}")
    return text


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]


class Section(BaseModel):
    """A group of settings; a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class MissingAccept(Enum):
    """What a request without an Accept header gets."""

    STANDARD = "standard"
    REFUSE = "406"
    ANY = "any"


class HttpSettings(Section):
    """How requests are read and answered."""

    dicomweb_root: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = "/dicomweb"
    """Path of the RESTful services of PS3.18; '' serves them at the top."""
    soap_root: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")] = "/wado-ws"
    """Path of the SOAP service."""
    uri_root: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")] = "/wado"
    """Path of the URI Service (WADO-URI)."""
    viewer_root: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")] = "/viewer"
    """Path of the OHIF viewer that `hilum viewer install` installs."""
    image_display_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")] = "/iid/ihe-iid"
    """Path of requests to display images (IHE Invoke Image Display, RAD-106)."""
    public_url: Annotated[str, Field(pattern=r"^(https?://[^/?#@\s]+(/[A-Za-z0-9._~-]+)*/?)?$")] = ""
    """Scheme, host and prefix in front of every root as user agents see them, such as
    `https://pacs.example.org/imaging`; '' derives them from the request."""
    trusted_proxies: Annotated[Texts, AfterValidator(_check_networks)] = ()
    """Addresses whose `Forwarded` and `X-Forwarded-*` headers are believed."""
    allowed_hosts: Texts = ()
    """Host names that requests may carry beside loopback, the bound name and the host of `public_url`."""
    missing_accept: MissingAccept = MissingAccept.STANDARD
    """A request without Accept: `standard` refuses it with 406 (PS3.18 8.7.5), but answers a Store in JSON, for no
    object is to be lost for a header; `406` refuses that too, before the payload is read; `any` reads it as `*/*`,
    as many user agents need."""
    max_parts: PositiveInt = 20_000
    """Most parts of one multipart request, and most instances that the metadata of one may describe."""
    max_object_bytes: PositiveInt = 64 * 1024 * MEGABYTE
    """Largest object of one part, in bytes."""
    upload_buffer_bytes: PositiveInt = 64 * MEGABYTE
    """Memory of a worker for bytes that have come and are not yet in staging."""
    idle_timeout_s: PositiveFloat = 120.0
    """Seconds that an upload or a download may stand still before it is given up."""


class CorsSettings(Section):
    """Which pages of other origins a browser lets use this server."""

    allowed_origins: Texts = ()
    """Origins such as `https://viewer.example.org`, beside loopback ones; `*` allows all."""


class SearchSettings(Section):
    """Limits of the Search transactions."""

    max_results: PositiveInt = 1000
    """Most matches in one response (`maxResults` of PS3.18 8.3.4.4.1)."""
    empty: Literal[204, 200] = 204
    """Status of a search without matches: 204 (PS3.18 8.3.4.4.1), or 200 with an empty list."""
    over_limit: Literal["page", "refuse"] = "page"
    """More matches than `max_results` and no smaller `limit` in the request: `page` answers the first ones with a
    Warning, `refuse` answers 413."""
    instance_keys: Texts = ()
    """Keywords or tags of instance-level attributes that are indexed for searches across studies."""
    scan_limit: PositiveInt = 10_000
    """Most instances that a search on keys outside the index may look through; above it the answer is 413."""


class StoreSettings(Section):
    """What the Store transaction and `hilum import` accept."""

    duplicates: Literal["reject", "replace", "keep"] = "reject"
    """A different object under a stored SOP Instance UID: `reject` fails it (0111H), `replace` puts it in the
    place of the first, `keep` answers success with a warning; the first stays with `reject` and `keep`."""
    reserve_bytes: NonNegativeInt = 256 * MEGABYTE
    """Free space of the data folder below which nothing more is stored (503, A700)."""
    bulk_threshold_bytes: Annotated[int, Field(ge=64)] = 1024
    """Binary values longer than this become bulk data URIs in metadata; shorter ones are inline, at least those of up
    to 64 bytes, such as the numbers that describe an image."""
    header_bytes: PositiveInt = 256 * MEGABYTE
    """Most bytes of an object's header (all but its pixel data)."""
    nesting: PositiveInt = 64
    """Deepest nesting of sequences."""
    inflated_bytes: PositiveInt = 16 * 1024 * MEGABYTE
    """Largest inflated size of a deflated object."""
    inflation_ratio: PositiveInt = 200
    """Largest ratio of inflated to deflated size (checked from 64 MB on)."""
    metadata_bytes: PositiveInt = 32 * MEGABYTE
    """Largest sum of the metadata (JSON, XML) of one Store request, in bytes."""
    image_bytes: PositiveInt = 256 * MEGABYTE
    """Largest image file (JPEG, PNG, ...) that is made an instance, and largest image that is decoded for that."""


class RetrieveSettings(Section):
    """How stored instances are given out."""

    bulk_data_uris: Literal["absolute", "relative"] = "absolute"
    """Form of bulk data URIs in metadata; `relative` starts at the path, without scheme and host. Whatever a user agent
    puts in front of it, the service's URL or that of a study, series or instance, leads to the same bulk data."""
    max_frame_pixels: PositiveInt = 128 * 1024 * 1024
    """Most samples of one frame that is decoded or encoded."""
    codec_threads: NonNegativeInt = 0
    """Frames that a worker decodes or encodes at once; 0: one a core."""
    frame_cache_bytes: NonNegativeInt = 64 * MEGABYTE
    """Memory of a worker for the frames that it decoded or encoded last; 0: none is kept."""
    series_record_bytes: PositiveInt = 64 * MEGABYTE
    """Largest series whose metadata is kept as one record; above it, it is streamed instance by instance."""


class RenderingSettings(Section):
    """How instances are shown as images, video and documents."""

    jobs: NonNegativeInt = 0
    """Renderings that a worker makes at once; 0: one a core."""
    waiting: PositiveInt = 256
    """Renderings that may wait in a worker; what comes beyond them is answered 503. A rendering whose user agent has
    gone is not begun."""
    max_pixels: PositiveInt = 64 * 1024 * 1024
    """Most pixels of one rendered representation, over all of its frames."""
    max_document_bytes: PositiveInt = 256 * MEGABYTE
    """Largest object that is rendered as a document."""
    thumbnail_side: Annotated[int, Field(ge=16, le=1024)] = 128
    """Longest side of a thumbnail for which no viewport is asked, in pixels."""
    cache_bytes: NonNegativeInt = 64 * MEGABYTE
    """Memory of a worker for finished thumbnails, video and animations."""


class CodingSettings(Section):
    """Content codings of text payloads."""

    cache_bytes: NonNegativeInt = 32 * MEGABYTE
    """Memory of a worker for compressed metadata that are asked for again; 0 keeps none."""


class CommitmentSettings(Section):
    """The Storage Commitment Service."""

    keep_days: PositiveInt = 3650
    """Days for which a committed instance can neither be deleted nor replaced."""
    result_days: PositiveInt = 90
    """Days for which results can be asked for; then the answer is 410."""
    at_once: NonNegativeInt = 50
    """Most instances that are checked while the user agent waits; more are answered with 202."""
    at_once_bytes: NonNegativeInt = 128 * MEGABYTE
    """Most bytes of instances that are checked while the user agent waits."""
    max_instances: PositiveInt = 100_000
    """Most instances that one request may name."""
    max_request_bytes: PositiveInt = 64 * MEGABYTE
    """Largest request."""


class NonPatientSettings(Section):
    """The Non-Patient Instance Service."""

    max_bytes: PositiveInt = 64 * MEGABYTE
    """Largest color palette, hanging protocol, implant template, procedure protocol or inventory."""


class SoapSettings(Section):
    """The SOAP service (WADO-WS, IHE RAD-69)."""

    enabled: bool = True
    """Whether the service is there; off: 404."""
    repository_unique_id: str = ""
    """OID by which manifests name this archive; '' names it by none."""
    home_community_id: Annotated[str, Field(pattern=r"^(urn:oid:[0-2](\.(0|[1-9][0-9]*))+)?$")] = ""
    """`urn:oid:...` of this archive's affinity domain."""
    strict_repository: bool = False
    """Refuse documents of another repository than `repository_unique_id`; user agents often send placeholders."""
    unknown_document_code: Literal["XDSMissingDocument", "XDSDocumentUniqueIdError", "urn:dicom:wado:0017"] = (
        "XDSMissingDocument"
    )
    """Error code for a document that is not here, of RetrieveImagingDocumentSet; others name `urn:dicom:wado:0017`."""
    registry_response_namespace: Literal["wado", "rs"] = "wado"
    """Namespace of the status element of rendered responses: the schema says `wado`, the prose `rs`."""
    inline_xpath: bool = False
    """Put what XPath filters select into the message, and not into parts of their own."""
    refuse_security_header: bool = False
    """Make a WS-Security header that must be understood a fault; else it is passed over, with a line in the log."""
    max_request_bytes: PositiveInt = 16 * MEGABYTE
    """Largest message."""
    max_documents: PositiveInt = 10_000
    """Most documents that one message may ask for."""
    max_rendered: PositiveInt = 1000
    """Most rendered documents of one response; an error row stands for each that is asked for beyond them."""
    max_rendered_bytes: PositiveInt = 1024 * MEGABYTE
    """Most bytes of the rendered documents of one response, which lie in a temporary file until they are sent."""
    filter_timeout_s: PositiveFloat = 5.0
    """Seconds of processor time that the XPath filters of one document may take."""
    message_timeout_s: PositiveFloat = 30.0
    """Seconds that the XPath filters of all documents of one message may take."""


class TrashSettings(Section):
    """Deleted studies, series and instances."""

    keep_days: NonNegativeInt = 30
    """Days after which the trash is emptied for good."""
    http_delete: bool = False
    """Whether DELETE on a study, a series or an instance moves it to the trash; if not, these have no such method
    (405)."""


class WorklistSettings(Section):
    """The Worklist Service (UPS-RS)."""

    replay_s: NonNegativeInt = 300
    """Seconds for which a receiver of event reports that was away gets what it missed; 0: nothing."""
    ae_title: Annotated[str, Field(pattern=r"^[ -\[\]-~]{1,16}$")] = "HILUM"
    """Requesting AE in reports of cancellation requests that name none."""
    receivers: Texts = ()
    """AE titles that are told of starts and stops of the server without any subscription."""
    max_receivers: PositiveInt = 500
    """Most open connections of receivers of event reports to one worker process."""
    default_label: Annotated[str, Field(min_length=1, max_length=64)] = "Worklist"
    """Worklist Label of workitems that are created without one."""
    missing_uid: Literal["assign", "refuse"] = "assign"
    """A new workitem without a UID: `assign` gives it one, `refuse` answers 400."""
    missing_type_2: Literal["add", "refuse"] = "add"
    """A new workitem that lacks attributes of type 2: `add` adds them empty and warns, `refuse` answers 400."""
    missing_reason: Literal["fill", "refuse"] = "fill"
    """A performer cancels without a Discontinuation Reason Code: `fill` puts in "Discontinued for unspecified
    reason", `refuse` answers 409."""
    deletion_locks: Literal["grant", "refuse"] = "grant"
    """Whether subscriptions may keep workitems from being deleted."""
    keep_days: NonNegativeInt = 90
    """Days after which completed and canceled workitems without a deletion lock are deleted."""
    max_bytes: PositiveInt = 4 * MEGABYTE
    """Largest workitem, in bytes of JSON; also the largest payload of a request."""


class ViewerSettings(Section):
    """The viewer that opens images."""

    image_display_url: Annotated[str, AfterValidator(_check_template)] = ""
    """Where a request to display images (IHE RAD-106) is sent on to, such as
    `https://viewer.example.org/?studies={studyUIDs}`; '' is the viewer on board. What may stand in braces: `studyUIDs`
    (with commas between them), `patientID`, `viewerType`, `diagnosticQuality` and `keyImagesOnly`."""
    max_displayed_studies: Annotated[int, Field(ge=1, le=200)] = 50
    """Most studies that one request to display images opens; of a patient's, the newest."""


class LogSettings(Section):
    """What the server writes to standard error."""

    format: Literal["text", "json"] = "text"
    """`json`: one object a line."""
    requests: bool = True
    """One line a request: method, route, status, milliseconds, bytes; never query values."""


class Settings(BaseSettings):
    """Read once at start, passed down, never changed."""

    model_config = SettingsConfigDict(
        env_prefix="HILUM_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address to bind."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """Port to bind."""
    data: Path = Path("data")
    """Folder of the index (SQLite), the blobs and the staging area."""
    workers: NonNegativeInt = 0
    """Worker processes; 0: one a core."""
    shutdown_timeout_s: PositiveInt = 30
    """Seconds that running requests get to finish once the server is told to end."""
    index_url: str = ""
    """`postgresql://...` or `sqlite:///...`; '': SQLite in the data folder."""
    blobs_url: str = ""
    """`file:///...`; '': a folder in the data folder."""
    tls_cert: Path | None = None
    """Certificate chain, PEM; with `tls_key` the server speaks HTTPS."""
    tls_key: Path | None = None
    """Private key, PEM."""
    token_file: Path | None = None
    """File of bearer tokens, one a line; requests must carry one. Read again when it changes."""
    allow_anonymous: bool = False
    """Serve addresses other than loopback without tokens."""

    http: HttpSettings = HttpSettings()
    cors: CorsSettings = CorsSettings()
    search: SearchSettings = SearchSettings()
    store: StoreSettings = StoreSettings()
    retrieve: RetrieveSettings = RetrieveSettings()
    rendering: RenderingSettings = RenderingSettings()
    commitment: CommitmentSettings = CommitmentSettings()
    non_patient: NonPatientSettings = NonPatientSettings()
    soap: SoapSettings = SoapSettings()
    trash: TrashSettings = TrashSettings()
    coding: CodingSettings = CodingSettings()
    worklist: WorklistSettings = WorklistSettings()
    viewer: ViewerSettings = ViewerSettings()
    log: LogSettings = LogSettings()
