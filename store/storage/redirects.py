"""Where an answer may send a reader: what a server says must not open the reader's own network.

Release pages, Hugging Face and Zenodo answer with the address of another host, so redirects are
followed; but a stranger's server could name the reader's router, or a cloud's metadata service.
"""

from __future__ import annotations

import ipaddress
import socket
import urllib.parse

import urllib3
import urllib3.connection
import urllib3.exceptions

from store.errors import RemoteError

MOST_REDIRECTS = 5
# All else is of one machine, of its neighbours, or not in use (RFC 4291).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Prefix by which IPv6 networks reach IPv4 ones (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


def redirected(url: str, location: str, *, resolve: bool = True) -> str:
    """Address that a redirect leads to.

    Parameters
    ----------
    url : str
        What was asked for.
    location : str
        The header ``Location`` of the answer.
    resolve : bool
        Whether to look up what the host's name stands for; False where a proxy does it.

    Returns
    -------
    str
        An absolute address: of the same host and port; of the same host by https instead of http;
        or of another host by https, by its name, which stands for public addresses alone.

    Raises
    ------
    RemoteError
        It leads anywhere else.
    """
    try:
        target = urllib.parse.urljoin(url, checked(location))
        before, after = _origin(url), _origin(target)
    except ValueError as error:
        raise RemoteError(f"the server redirects to {location!r:.200}: {error}") from error
    if after == before or (before, after) == (("http", before[1], 80), ("https", before[1], 443)):
        return target
    if after[0] != "https":
        raise RemoteError(
            f"the server redirects to {after[1]!r}, port {after[2]}, without encryption. That "
            "is not followed; if it is where you want to read, give that address yourself."
        )
    if _address(after[1]) is not None:
        raise RemoteError(
            f"the server redirects to the address {after[1]}, not to a host by its name. That is "
            "not followed; if it is where you want to read, give that address yourself."
        )
    if resolve:
        _check_public(after[1], after[2])
    return target


def checked(url: str) -> str:
    r"""Give an address that names one host to whoever reads it.

    Of ``http://one\@other/`` some take ``one`` for the host, and others ``other``; a line break is
    skipped by some.

    Raises
    ------
    ValueError
        It holds a backslash, or what cannot be printed.
    """
    if "\\" in url or not url.isprintable():
        raise ValueError("it holds a character that addresses cannot hold")
    return url


def _check_public(host: str, port: int) -> None:
    """Refuse a host whose name stands for a machine of the reader's own network."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port)}
    except (OSError, UnicodeError) as error:
        raise RemoteError(f"the server redirects to {host!r}, which is unknown") from error
    inner = sorted(address for address in found if not is_public(address))
    if inner:
        raise RemoteError(
            f"the server redirects to {host!r}, which is {inner[0]}: a machine of your own "
            "network. That is not followed."
        )


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network.

    Examples
    --------
    >>> [is_public(text) for text in ("93.184.215.14", "10.0.0.1", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    found = _address(address)
    if found is None:
        return False
    inner = _inner(found) if isinstance(found, ipaddress.IPv6Address) else found
    if isinstance(inner, ipaddress.IPv6Address) and inner not in _GLOBAL_UNICAST:
        return False
    return inner.is_global and not inner.is_multicast


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Give the IPv4 address that an IPv6 address leads to, if it does."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an IP address in any way in which systems take one, such as 127.1 or 2130706433."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not an address of the web")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


class _PublicConnection(urllib3.connection.HTTPSConnection):
    """Hangs up before it asks, if what a name stands for has changed since it was looked up."""

    def connect(self) -> None:
        super().connect()
        peer = str(self.sock.getpeername()[0])
        if not is_public(peer):
            self.close()
            raise urllib3.exceptions.LocationValueError(
                f"the server redirects to {self.host!r}, which is {peer} now"
            )


class _PublicPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


# Pools for hosts that a server has named.
PUBLIC_POOLS = {"https": _PublicPool}
