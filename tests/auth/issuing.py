"""An issuer of tokens: keys of several kinds, a JWKS that can be away, and tokens as they should and should not be."""

import json
import time
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateway.auth.claims import Claims
from gateway.auth.issuer_keys import IssuerKeys
from gateway.auth.tokens import TokenRules, Tokens
from gateway.connecting import utc_now

ISSUER, AUDIENCE = "https://login.example.com/", "postroom"
RULES = TokenRules(issuer=ISSUER, audience=AUDIENCE, algorithms=("RS256", "ES256"))


class Issuer:
    """Signs, and publishes its keys."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {}
        self.published: list[dict[str, Any]] = []
        self.fetched = 0
        self.answer: httpx.Response | Exception | None = None
        self.passed = 0.0
        self.rotate("first")

    def rotate(self, kid: str, *, kind: str = "EC") -> None:
        """Signs with a new key from now on, and publishes it alone."""
        key: Any = (
            ec.generate_private_key(ec.SECP256R1())
            if kind == "EC"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        algorithm: Any = ECAlgorithm if kind == "EC" else RSAAlgorithm
        public = json.loads(algorithm.to_jwk(key.public_key()))
        self.private[kid] = key
        self.published = [public | {"kid": kid, "use": "sig"}]

    def token(
        self,
        *,
        kid: str | None = "first",
        algorithm: str = "ES256",
        key: Any = None,
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token with these claims over what is usual; one that is None is left out."""
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + 300, "nbf": now - 10, "scope": "read send"}
        payload = {name: value for name, value in {**usual, "backends": ["a"], **claims}.items() if value is not None}
        named = {} if kid is None else {"kid": kid}
        signing = key if key is not None else self.private[kid or "first"]
        return jwt.encode(payload, signing, algorithm=algorithm, headers={**named, **(headers or {})})

    def keys(self) -> IssuerKeys:
        """What fetches the JWKS."""
        return IssuerKeys(f"{ISSUER}jwks", httpx.MockTransport(self._answered), lambda: self.passed)

    def tokens(self, claims: Claims | None = None, rules: TokenRules = RULES) -> Tokens:
        """What knows the tokens."""
        return Tokens(rules, self.keys(), claims or Claims(), utc_now)

    def _answered(self, _: httpx.Request) -> httpx.Response:
        self.fetched += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or httpx.Response(200, json={"keys": self.published})
