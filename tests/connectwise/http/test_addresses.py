"""The address of a connection, and which addresses may be called (C2, C6)."""

from ipaddress import ip_network

import pytest

from exports.connectwise.http.addresses import AddressPolicy, AddressRefusedError
from exports.connectwise.http.sites import Site, SiteError, parse_site

PUBLIC_ONLY = AddressPolicy()


def listing(*networks: str) -> AddressPolicy:
    return AddressPolicy(tuple(ip_network(network) for network in networks))


@pytest.mark.parametrize(
    ("pasted", "site"),
    [
        ("na.myconnectwise.net", "https://na.myconnectwise.net"),
        ("  https://NA.myconnectwise.net./ ", "https://na.myconnectwise.net"),
        ("https://na.myconnectwise.net/v4_6_release/apis/3.0/", "https://na.myconnectwise.net"),
        ("na.myconnectwise.net/v4_6_release", "https://na.myconnectwise.net"),
        ("//cw.example.com", "https://cw.example.com"),
        ("cw.example.com:8443", "https://cw.example.com:8443"),
        ("https://cw.example.com:443/x", "https://cw.example.com"),
        ("http://cw.example.com:80", "http://cw.example.com"),
        ("http://cw.example.com:443", "http://cw.example.com:443"),
        ("HTTP://localhost:8001", "http://localhost:8001"),
        ("cw.example.com:", "https://cw.example.com"),
        ("psa_1", "https://psa_1"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("ｃｗ。example", "https://cw.example"),
        ("[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://[2001:db8:0:0::1]/x", "https://[2001:db8::1]"),
        ("2001:db8::1", "https://[2001:db8::1]"),
        ("2852039166", "https://169.254.169.254"),
        ("127.1", "https://127.0.0.1"),
        ("0x7f.1", "https://127.0.0.1"),
        ("0177.0.0.01:8443", "https://127.0.0.1:8443"),
        ("１２７.0.0.1", "https://127.0.0.1"),
    ],
)
@pytest.mark.rule("C2")
def test_a_pasted_site_keeps_scheme_host_and_port(pasted: str, site: str) -> None:
    assert str(parse_site(pasted, allow_http=True)) == site


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "A site is needed"),
        ("   ", "A site is needed"),
        ("https://", "is not the name of a host"),
        ("ftp://na.myconnectwise.net", "starts with https://"),
        ("file:///etc/passwd", "starts with https://"),
        ("javascript:alert(1)", "port behind the colon"),
        ("user:pass@na.myconnectwise.net", "no user name or password"),
        ("https://na.myconnectwise.net@evil.example/", "no user name or password"),
        ("na.myconnectwise.net?x=1", "no ?, # or backslash"),
        ("na.myconnectwise.net#x", "no ?, # or backslash"),
        ("na.myconnectwise.net\\@evil.example", "no ?, # or backslash"),
        ("na.my connectwise.net", "no blanks"),
        ("na.myconnectwise.net\r\nX: y", "no blanks"),
        ("na.myconnectwise.net\u202e", "no blanks"),
        ("cw.example.com:0", "from 1 to 65535"),
        ("cw.example.com:65536", "from 1 to 65535"),
        ("cw.example.com:٣", "from 1 to 65535"),
        ("cw..example.com", "is not the name of a host"),
        ("-cw.example.com", "is not the name of a host"),
        ("cw%2eexample.com", "is not the name of a host"),
        ("a" * 64 + ".example", "is not the name of a host"),
        ("a." * 127 + "example", "is not the name of a host"),
        ("1.2.3.4.5", "looks like an IP address"),
        ("256.1.1.1", "looks like an IP address"),
        ("cw.example.0x7f", "looks like an IP address"),
        ("[::1", "stands in brackets"),
        ("[::1]x", "stands in brackets"),
        ("[fe80::1%eth0]", "is not an IPv6 address"),
        ("[cw.example.com]", "is not an IPv6 address"),
        ("straße.example", "in its ASCII form"),
        ("\ufffd.example", "is not the name of a host"),
    ],
)
@pytest.mark.rule("C2")
def test_invalid_site_is_refused_with_a_sentence(pasted: str, said: str) -> None:
    with pytest.raises(SiteError, match=said.replace("?", r"\?")) as caught:
        parse_site(pasted, allow_http=True)
    assert str(caught.value).startswith(("A ", "An ", "The ", "Write ", "“"))


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        (
            "https://na.myconnectwise.net/v2024_1/ConnectWise.aspx?locale=en_US#x",
            "na.myconnectwise.net",
        ),
        ("CW.example.com:8443#home", "cw.example.com:8443"),
        ("http://localhost:8001/?x", "http://localhost:8001"),
    ],
)
def test_site_with_extra_parts_suggests_what_to_type(pasted: str, meant: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(pasted, allow_http=True)
    assert str(caught.value) == f"A site holds no ?, # or backslash. Type {meant}."


@pytest.mark.parametrize("pasted", ["?x", "user:1?@cw.example.com", "1.2.3.4.5#x"])
def test_doubtful_site_suggests_no_host(pasted: str) -> None:
    with pytest.raises(SiteError, match="give the host alone"):
        parse_site(pasted, allow_http=True)


def test_http_is_refused_unless_the_installation_allows_it() -> None:
    with pytest.raises(SiteError, match="Plain http would send the keys readable"):
        parse_site("http://cw.example.com", allow_http=False)
    assert parse_site("http://cw.example.com", allow_http=True) == Site("http", "cw.example.com")


@pytest.mark.parametrize(
    ("pasted", "called", "asked_for_company"),
    [
        ("na.myconnectwise.net", "api-na.myconnectwise.net", "na.myconnectwise.net"),
        ("api-eu.myconnectwise.net", "api-eu.myconnectwise.net", "eu.myconnectwise.net"),
        ("au.myconnectwise.net", "api-au.myconnectwise.net", "au.myconnectwise.net"),
        ("aus.myconnectwise.net", "api-aus.myconnectwise.net", "aus.myconnectwise.net"),
        ("za.myconnectwise.net:8443", "api-za.myconnectwise.net:8443", "za.myconnectwise.net:8443"),
        (
            "staging.connectwisedev.com",
            "api-staging.connectwisedev.com",
            "staging.connectwisedev.com",
        ),
        ("api-cw.example.com", "api-cw.example.com", "api-cw.example.com"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
@pytest.mark.rule("C2")
def test_cloud_hosts_are_called_by_their_api_name(
    pasted: str, called: str, asked_for_company: str
) -> None:
    site = parse_site(pasted, allow_http=False)
    assert site.api_url == f"https://{called}/v4_6_release/apis/3.0"
    assert site.company_info_url("a/ü b") == (
        f"https://{asked_for_company}/login/companyinfo/a%2F%C3%BC%20b"
    )


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:a9fe:a9:fe00::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:5601:5601",  # Teredo: the client's bits are inverted
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::7f00:1",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
        "4000::1",
    ],
)
@pytest.mark.rule("C6")
def test_some_addresses_are_never_called_even_when_listed(address: str) -> None:
    with pytest.raises(AddressRefusedError, match="is never called"):
        listing("0.0.0.0/0", "::/0").check(address, scheme="https")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.0.0.0/8"),
        ("64:ff9b::a01:203", "10.0.0.0/8"),
        ("2002:a01:203::", "10.0.0.0/8"),
        ("172.16.0.1", "172.16.0.0/12"),
        ("192.168.0.1", "192.168.0.0/24"),
        ("100.64.0.1", "100.64.0.0/10"),
        ("fc00::1", "fc00::/7"),
        ("198.51.100.1", "198.51.100.0/24"),
    ],
)
@pytest.mark.rule("C6")
def test_private_networks_are_called_only_when_listed(address: str, network: str) -> None:
    with pytest.raises(AddressRefusedError, match="CWEXPORT_ALLOWED_NETWORKS"):
        PUBLIC_ONLY.check(address, scheme="https")
    with pytest.raises(AddressRefusedError, match="CWEXPORT_ALLOWED_NETWORKS"):
        listing("10.255.0.0/16").check(address, scheme="https")
    listing(network).check(address, scheme="https")
    listing(network).check(address, scheme="http")


@pytest.mark.parametrize("address", ["52.1.2.3", "2600:1f18::1", "64:ff9b::3401:203"])
@pytest.mark.rule("C6")
def test_public_addresses_are_called_with_https_only(address: str) -> None:
    PUBLIC_ONLY.check(address, scheme="https")
    with pytest.raises(AddressRefusedError, match="only be called with https"):
        PUBLIC_ONLY.check(address, scheme="http")


@pytest.mark.parametrize(
    "pasted",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "2852039166",
        "127.1",
        "[64:ff9b::a9fe:a9fe]",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[::1]:8443",
    ],
)
def test_forbidden_literal_address_sends_no_packet(pasted: str) -> None:
    site = parse_site(pasted, allow_http=False)
    with pytest.raises(AddressRefusedError):
        PUBLIC_ONLY.check_site(site)


def test_an_address_error_names_the_address() -> None:
    with pytest.raises(AddressRefusedError) as caught:
        PUBLIC_ONLY.check("::ffff:10.1.2.3", scheme="https")
    assert str(caught.value) == (
        "The address ::ffff:10.1.2.3 (that is 10.1.2.3) is not public: it is a private network. "
        "If ConnectWise really stands there, the operator lists its network in "
        "CWEXPORT_ALLOWED_NETWORKS."
    )


def test_named_site_is_judged_after_resolving() -> None:
    PUBLIC_ONLY.check_site(Site("https", "localhost"))


@pytest.mark.parametrize("host", ["na.myconnectwise.net", "api-eu.myconnectwise.net"])
def test_the_cloud_is_called_with_https_alone(host: str) -> None:
    assert parse_site(host, allow_http=True).scheme == "https"
    with pytest.raises(SiteError) as caught:
        parse_site(f"http://{host}/v4_6_release", allow_http=True)
    assert str(caught.value) == (
        f"{host} is the ConnectWise cloud, which is called with https alone: type https://{host}."
    )
