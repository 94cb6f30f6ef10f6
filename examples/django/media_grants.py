"""Signs for the media server. Needs the package cryptography; nothing of Django."""

import base64
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

COOKIE_NAMES = (
    "CloudFront-Policy",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",  # says SHA256; without it a signature is taken for SHA-1
)


class MediaSigner:
    """One private key, P-256 or RSA, in PEM without passphrase. It never leaves the server."""

    def __init__(self, key_pair_id: str, private_pem: bytes):
        self.key_pair_id = key_pair_id
        self._key = serialization.load_pem_private_key(private_pem, password=None)

    def cookies(self, resource: str, seconds: int) -> dict[str, str]:
        """The cookies that open a resource, such as https://media.example.com/members/*."""
        policy, signature = self._sign(resource, seconds)
        return dict(zip(COOKIE_NAMES, (policy, signature, self.key_pair_id, "SHA256")))

    def url(self, url: str, seconds: int) -> str:
        """A URL that opens one file for a while, for who can send no cookies."""
        # In a resource a bare ? is a wildcard.
        policy, signature = self._sign(url.replace("?", "\\?"), seconds)
        first = "&" if "?" in url else "?"
        return (
            f"{url}{first}Policy={policy}&Signature={signature}"
            f"&Key-Pair-Id={self.key_pair_id}&Hash-Algorithm=SHA256"
        )

    def _sign(self, resource: str, seconds: int) -> tuple[str, str]:
        condition = {"DateLessThan": {"AWS:EpochTime": int(time.time()) + seconds}}
        statement = {"Resource": resource, "Condition": condition}
        policy = json.dumps({"Statement": [statement]}, separators=(",", ":")).encode()
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            signature = self._key.sign(policy, ec.ECDSA(hashes.SHA256()))
        else:
            signature = self._key.sign(policy, padding.PKCS1v15(), hashes.SHA256())
        return _cloudfront_base64(policy), _cloudfront_base64(signature)


def _cloudfront_base64(data: bytes) -> str:
    """It is not base64url, whose - and _ mean other things."""
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))
