import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.wire.forwarded import MAX_HOPS, Hop, HostPort, parse_forwarded, parse_host, parse_x_forwarded


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("localhost", "localhost", None),
        ("Localhost.:8080", "localhost", 8080),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:8080", "[::1]", 8080),
        ("a-b_c.example", "a-b_c.example", None),
    ],
)
def test_hosts_are_read_with_their_port(text: str, name: str, port: int | None) -> None:
    assert parse_host(text) == HostPort(name, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "a/b",
        "a@b",
        "a:",
        "a:x",
        "a:65536",
        "::1",
        "[::1",
        "a\0",
        "a\r\nb",
        "é",
        "-a",
        "a:1:2",
        "a" * 300,
        "a,b",
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert parse_host(text) is None


def test_forwarded_names_the_nearest_proxy_last() -> None:
    hops = parse_forwarded('For="[2001:db8::17]:4711";Proto=https;host="pacs.example.org:8443", for=10.0.0.1')

    assert hops == (
        Hop("2001:db8::17", "https", HostPort("pacs.example.org", 8443)),
        Hop("10.0.0.1"),
    )


@pytest.mark.parametrize("text", ["for", "for=1;;", 'for="', "for=a b", "=", "for=1.2.3.4 host=x", "x" * 20_000])
def test_a_malformed_forwarded_header_tells_nothing(text: str) -> None:
    assert parse_forwarded(text) == ()


def test_values_that_are_no_address_scheme_or_host_are_left_out() -> None:
    assert parse_forwarded('for=_hidden;proto=ftp;host="a/b"') == (Hop(),)


def test_x_forwarded_lists_are_aligned_at_their_ends() -> None:
    hops = parse_x_forwarded(
        {
            "x-forwarded-for": "1.1.1.1, 10.0.0.2",
            "x-forwarded-proto": "https",
            "x-forwarded-host": "pacs.example.org, inner",
            "x-forwarded-port": "8443",
            "x-forwarded-prefix": "/imaging/",
        }
    )

    assert hops == (
        Hop("1.1.1.1", "", HostPort("pacs.example.org", None)),
        Hop("10.0.0.2", "https", HostPort("inner", 8443), "/imaging"),
    )


@pytest.mark.parametrize("prefix", ["//evil.example", "/a/../b?c", "a", "/a b", "/%2e"])
def test_a_prefix_is_a_plain_path(prefix: str) -> None:
    (hop,) = parse_x_forwarded({"x-forwarded-prefix": prefix})

    assert hop.prefix == ""


def test_long_chains_are_cut_at_the_far_end() -> None:
    hops = parse_x_forwarded({"x-forwarded-for": ", ".join(f"10.0.0.{i}" for i in range(100))})

    assert (len(hops), hops[-1].address) == (MAX_HOPS, "10.0.0.99")


@given(st.text(st.sampled_from('forhst=;,"\\[]:. 19a/'), max_size=60))
@settings(max_examples=300)
def test_no_header_is_an_error(text: str) -> None:
    assert isinstance(parse_forwarded(text), tuple)
    assert isinstance(parse_x_forwarded({"x-forwarded-host": text, "x-forwarded-for": text}), tuple)
