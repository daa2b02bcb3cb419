"""What looks like a secret, by its name or by what is in it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_NAMES = (
    *(".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".htpasswd"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.asc", "*.gpg"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".git-credentials", "credentials", "credentials.*"),
    *("secrets", "secrets.*", "*.secret", "*.secrets", "*.tfstate", "kubeconfig"),
)
_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".git", ".docker", ".kube", ".azure", ".gcloud"})
_SHAPES: tuple[tuple[str, bytes], ...] = (
    ("a private key", rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"),
    ("a token of GitHub", rb"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22}"),
    ("a token of GitLab", rb"\bglpat-[A-Za-z0-9_-]{20}"),
    ("a key of AWS", rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a key of Google", rb"\bAIza[A-Za-z0-9_-]{35}"),
    ("a token of Slack", rb"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
    ("a key of Stripe", rb"\b[rs]k_live_[A-Za-z0-9]{16}"),
    ("a key of a model's API", rb"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{32}"),
    ("a token of a package registry", rb"\bnpm_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{50}"),
    ("a JSON web token", rb"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10}"),
    ("credentials in an address", rb"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{1,100}:[^\s/:@\"']{3,200}@"),
)
_ANY = re.compile(b"|".join(b"(" + shape + b")" for _, shape in _SHAPES))
_LONGEST = 4500
"""No shape is longer, so that many bytes of the chunk before are enough to see one that two chunks share."""


def secret_name(path: str) -> str:
    """Returns what of the path names a secret; empty when nothing does."""
    *folders, name = path.lower().split("/")
    hidden = next((folder for folder in folders if folder in _FOLDERS), "")
    return hidden or next((name for shape in _NAMES if fnmatchcase(name, shape)), "")


class SecretScan:
    """Looks at a file's bytes as they go by."""

    def __init__(self) -> None:
        self._before = b""

    def look(self, chunk: bytes) -> str:
        """Returns what secret the bytes so far hold, in words; empty when they hold none."""
        window = self._before + chunk
        self._before = window[-_LONGEST:]
        found = _ANY.search(window)
        return _SHAPES[found.lastindex - 1][0] if found and found.lastindex else ""
