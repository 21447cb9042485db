"""Who has access, in which role: the access file with people and API clients.

Passwords are stored as scrypt hashes and tokens as SHA-256 hashes, so the file contains no secret that opens the workspace.
Not here: sessions and headers of proxies (``identity``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from foundation.errors import ConfigurationError

Role = Literal["viewer", "planner", "releaser"]
ROLES: tuple[Role, ...] = ("viewer", "planner", "releaser")
_COST, _BLOCK, _PARALLEL = 2**15, 8, 1
_MEMORY = 64 * 1024 * 1024
_SHORTEST_PASSWORD = 10
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Grant:
    """Access of a person or an API client.

    Attributes
    ----------
    name
        Name in decisions; a client's name begins with ``client:``.
    role
        ``viewer`` reads, ``planner`` also decides, ``releaser`` also releases.
    is_client
        Whether a token of the REST API identifies it.
    """

    name: str
    role: Role
    is_client: bool = False

    def may(self, role: Role) -> bool:
        """Return whether this role includes ``role``."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Access:
    """The content of the access file.

    Attributes
    ----------
    people
        Role and password hash by name; the hash is empty for people whom a proxy identifies.
    clients
        Role and token hash by name.
    """

    people: Mapping[str, tuple[Role, str]] = field(default_factory=dict)
    clients: Mapping[str, tuple[Role, str]] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str, place: str) -> Access:
        """Return the access that a file's text grants; raises ``ConfigurationError`` for any other text."""
        try:
            parts = json.loads(text)
            groups = [_group(parts, "people", "password"), _group(parts, "clients", "token")]
        except KeyError as error:
            raise ConfigurationError(
                f"{place} is not an access file (no {error.args[0]}); write it with forestock grant"
            ) from None
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigurationError(
                f"{place} is not an access file ({error}); write it with forestock grant"
            ) from None
        return cls(*groups)

    def to_text(self) -> str:
        """Return the text of the file."""
        people = {name: {"role": role, "password": kept} for name, (role, kept) in sorted(self.people.items())}
        clients = {name: {"role": role, "token": kept} for name, (role, kept) in sorted(self.clients.items())}
        return json.dumps({"people": people, "clients": clients}, indent=2) + "\n"

    def with_person(self, name: str, role: Role, password: str | None) -> Access:
        """Return this access with a person added or changed; without a password, only a proxy can identify the person."""
        _refuse_name(name)
        if password is not None and len(password) < _SHORTEST_PASSWORD:
            raise ConfigurationError(f"the password is too short; use {_SHORTEST_PASSWORD} characters or more")
        kept = hashed_password(password) if password is not None else ""
        return Access({**self.people, name: (role, kept)}, self.clients)

    def with_client(self, name: str, role: Role) -> tuple[Access, str]:
        """Return this access with an API client added or renewed, and its token, which is stored nowhere."""
        _refuse_name(name)
        token = f"fs_{secrets.token_urlsafe(32)}"
        return Access(self.people, {**self.clients, name: (role, _token_hash(token))}), token

    def without(self, name: str) -> Access:
        """Return this access without a person and client; raises ``ConfigurationError`` if neither exists."""
        if name not in self.people and name not in self.clients:
            raise ConfigurationError(f"{name!r} has no access")
        return Access(
            *({key: one for key, one in group.items() if key != name} for group in (self.people, self.clients))
        )

    def by_password(self, name: str, password: str) -> Grant | None:
        """Return the person with this name and password; None if one is wrong. Both cases take the same time."""
        role, kept = self.people.get(name, ("viewer", ""))
        is_right = is_password(password, kept or _NO_PASSWORD)
        return Grant(name, role) if is_right and kept else None

    def by_token(self, token: str) -> Grant | None:
        """Return the client with this token; None if there is none."""
        requested = _token_hash(token)
        for name, (role, kept) in self.clients.items():
            if hmac.compare_digest(requested, kept):
                return Grant(f"client:{name}", role, is_client=True)
        return None

    def by_proxy(self, name: str, default: Role | None) -> Grant | None:
        """Return the person whom a trusted proxy names, with the file's role or ``default``."""
        role = self.people[name][0] if name in self.people else default
        return Grant(name, role) if role is not None and is_name(name) else None


def is_name(name: str) -> bool:
    """Return whether ``name`` can be a person's or client's name: 1 to 64 printable characters, not beginning with ``client:``."""
    return (
        0 < len(name) <= _LONGEST_NAME
        and name.isprintable()
        and name == name.strip()
        and not name.startswith("client:")
    )


def hashed_password(password: str, cost: int = _COST) -> str:
    """Return ``scrypt$cost$block$parallel$salt$hash`` of a password."""
    salt = secrets.token_bytes(16)
    return f"scrypt${cost}${_BLOCK}${_PARALLEL}${salt.hex()}${_scrypt(password, salt, cost, _BLOCK, _PARALLEL).hex()}"


def is_password(password: str, kept: str) -> bool:
    """Return whether ``kept`` is a hash of ``password``."""
    try:
        method, cost, block, parallel, salt, expected = kept.split("$")
        numbers = int(cost), int(block), int(parallel)
        if method != "scrypt" or max(numbers) > _COST:
            return False
        return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt), *numbers).hex(), expected)
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    text = password.encode()[:1024]
    return hashlib.scrypt(text, salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY, dklen=32)


_NO_PASSWORD = f"scrypt${_COST}${_BLOCK}${_PARALLEL}${'00' * 16}${'00' * 32}"


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _refuse_name(name: str) -> None:
    if not is_name(name):
        raise ConfigurationError(f"{name!r} cannot be a name; use 1 to {_LONGEST_NAME} printable characters")


def _group(parts: dict, group: str, secret: str) -> dict[str, tuple[Role, str]]:
    result: dict[str, tuple[Role, str]] = {}
    for name, one in parts.get(group, {}).items():
        if one["role"] not in ROLES:
            raise ValueError(f"{name}: the role is one of {', '.join(ROLES)}")
        result[str(name)] = (one["role"], str(one.get(secret, "")))
    return result
