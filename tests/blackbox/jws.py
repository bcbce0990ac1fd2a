"""Signed tokens of any shape, made with the openssl command."""

import base64
import hashlib
import hmac
import json
import subprocess


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    """Header and claims."""
    header, claims, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(claims))


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


def es256(data, key):
    """Raw r and s, 32 bytes each (RFC 7518 section 3.4)."""
    der = openssl("dgst", "-sha256", "-sign", key, data=data)
    assert der[0] == 0x30 and der[1] == len(der) - 2
    at, numbers = 2, b""
    for _ in range(2):
        assert der[at] == 0x02
        size = der[at + 1]
        numbers += int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(32, "big")
        at += 2 + size
    return numbers


def sign(header, claims, key):
    """`header` and `claims` are objects, or bytes taken as they are."""
    texts = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in (header, claims)]
    text = ".".join(map(encode, texts))
    return text + "." + encode(es256(text.encode(), key))


def hs256(header, claims, secret):
    text = ".".join(encode(json.dumps(value).encode()) for value in (header, claims))
    return text + "." + encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())
