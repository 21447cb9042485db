"""Small files: configurations, pages, and model texts. A file is written completely or not at all.

Paths are local folders or fsspec URLs. Not here: tables (``warehouse``, ``snapshot``).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import fsspec

from foundation.errors import ConfigurationError, StageError

_LONGEST_CONFIGURATION = 1_000_000
_LEAST_ROOM = 50_000_000
_MISREAD = re.compile(r"%[0-9A-Fa-f]{2}|[?\[\]^|\\]")

# the URL of a database file with a relative path: three slashes; four begin an absolute one
_DATABASE_FILE = re.compile(
    r"(?P<scheme>(?:\w+\+)?(?:sqlite|duckdb)(?:\+\w+)?:///)(?P<path>[^/?:][^?]*)(?P<query>\?.*)?$"
)


def is_url(path: str) -> bool:
    """Return whether ``path`` is a URL (``s3://…``, ``sqlite:///…``) and not a folder or file of this machine."""
    return "://" in path


def without_password(path: str) -> str:
    """Return ``path`` fit for a message: a URL without its password and query."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        return path
    login, index, place = rest.rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}{':***' * (':' in login)}{index}{place.partition('?')[0]}"


def joined(root: str, *parts: str) -> str:
    """Return ``root/part/…``; raises ``ValueError`` if a part would leave ``root``."""
    for part in parts:
        if part.startswith(("/", "~")) or ".." in Path(part).parts or is_url(part):
            raise ValueError(f"{part!r} leaves its folder")
    return "/".join([root.rstrip("/"), *parts])


def filesystem(path: str) -> tuple[Any, str]:
    """Return the fsspec file system of ``path`` and the path as that file system writes it."""
    return fsspec.core.url_to_fs(path)


def write_bytes(path: str, content: bytes | memoryview) -> str:
    """Write ``content`` to ``path`` atomically, making its folder, and return ``path``.

    A reader sees the old bytes or the new ones, never a part: locally by a temporary file and a
    rename, on an object store because a put is atomic. Raises ``StageError`` if the disk refuses.
    """
    try:
        if is_url(path):
            system, inner = filesystem(path)
            system.pipe_file(inner, bytes(content))
        else:
            _replace(Path(path), content)
    except OSError as error:
        raise StageError("write", f"{path}: {error.strerror or error}") from error
    return path


def write_text(path: str, text: str) -> str:
    """Write ``text`` as UTF-8 like ``write_bytes``."""
    return write_bytes(path, text.encode())


def write_private(path: str, text: str) -> str:
    """Write ``text`` like ``write_text`` to a file that only its owner can read; raises ``StageError`` for a URL."""
    if is_url(path):
        raise StageError("write", f"{path} is not a file of this machine")
    try:
        _replace(Path(path), text.encode(), 0o600)
    except OSError as error:
        raise StageError("write", f"{path}: {error.strerror or error}") from error
    return path


def read_bytes(path: str) -> bytes:
    """Return the bytes at ``path``; raises ``StageError`` if there is no such file."""
    system, inner = filesystem(path)
    try:
        return bytes(system.cat_file(inner))
    except OSError as error:
        raise StageError("read", f"{path}: {error.strerror or error}") from error


def read_text(path: str) -> str:
    """Return the UTF-8 text at ``path``; raises ``StageError`` if there is no such file."""
    return read_bytes(path).decode()


def make_folder(path: str) -> str:
    """Make the folder ``path`` and those above it where they are not there, and return ``path``.

    Raises ``StageError`` if the disk refuses.
    """
    system, inner = filesystem(path)
    try:
        system.makedirs(inner, exist_ok=True)
    except OSError as error:
        raise StageError("write", f"{path}: {error.strerror or error}") from error
    return path


def require_room(folder: str) -> None:
    """Raise ``StageError`` where the disk of the local ``folder`` has less than 50 MB free: no run would end well."""
    if is_url(folder):
        return
    place = next(parent for parent in (Path(folder), *Path(folder).parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < _LEAST_ROOM:
        room = f"{free / 1e6:,.0f} MB are free, a run needs at least {_LEAST_ROOM / 1e6:,.0f} MB"
        raise StageError("start", f"the disk of {folder} is nearly full: {room}; free some space and run again")


def remove(path: str) -> None:
    """Remove the file at ``path`` where there is one; raises ``StageError`` if the disk refuses."""
    system, inner = filesystem(path)
    try:
        system.rm_file(inner)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StageError("remove", f"{path}: {error.strerror or error}") from error


def remove_older(folder: str, days: int) -> None:
    """Remove the files right in ``folder`` last written more than ``days`` ago; nothing where there is no folder.

    A store that does not say when a file was written keeps all. Raises ``StageError`` if the disk refuses.
    """
    system, inner = filesystem(folder)
    moment = datetime.now(UTC) - timedelta(days=days)
    try:
        for path in system.ls(inner, detail=False) if system.exists(inner) else []:
            if system.isfile(path) and system.modified(path) < moment:
                system.rm_file(path)
    except (
        FileNotFoundError,
        NotImplementedError,
    ):  # another process removes the same ones; the store has no such times
        return
    except OSError as error:
        raise StageError("remove", f"{folder}: {error.strerror or error}") from error


def exists(path: str) -> bool:
    """Return whether there is a file or folder at ``path``."""
    system, inner = filesystem(path)
    return bool(system.exists(inner))


def is_folder(path: str) -> bool:
    """Return whether there is a folder at ``path``."""
    system, inner = filesystem(path)
    return bool(system.isdir(inner))


def size(path: str) -> int:
    """Return the length in bytes of the file at ``path``; -1 if there is none."""
    system, inner = filesystem(path)
    try:
        return int(system.size(inner))
    except OSError:
        return -1


def find_configuration(config: str | Path) -> Path:
    """Return the file ``config`` names: a path, or a name in this checkout's ``configs/``.

    A path that exists wins. Raises ``ConfigurationError`` that lists the bundled names.
    """
    try:
        given = Path(config).expanduser()
        if given.is_file():
            return given.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long a name, no rights, a loop of links, an unknown user
        raise ConfigurationError(f"configuration {_brief(config)!r} cannot be opened ({_first_line(error)})") from None
    bundled = bundled_folder("configs")
    for name in (given.name, f"{given.name}.yaml", f"{given.name}.yml"):
        if given.parent == Path() and (bundled / name).is_file():
            return bundled / name
    names = ", ".join(sorted(file.stem for file in bundled.glob("*.y*ml")))
    raise ConfigurationError(f"configuration {_brief(config)!r} is not a file; bundled ones are {names}")


def configuration_name(file: Path) -> str:
    """Return what ``--config`` may say for a configuration's file from any folder: a bundled one's name, else its path."""
    return file.name if file.parent == bundled_folder("configs") else str(file)


def bundled_folder(name: str) -> Path:
    """Return the folder ``configs``, ``samples`` or ``automations``: of this checkout, else of the installed wheel."""
    checkout = Path(__file__).resolve().parents[2] / name
    return checkout if checkout.is_dir() else Path(str(resources.files("forestock"))) / "_bundled" / name


def output_base(folder: Path) -> Path:
    """Return where relative output paths of a configuration in ``folder`` start: ``folder``, but never inside a wheel.

    For a configuration of the installed wheel it is ``configs`` below the working directory, so that
    ``../warehouse/demo`` is ``warehouse/demo`` there.
    """
    return Path.cwd() / "configs" if folder.parent.name == "_bundled" else folder


def read_configuration(path: Path) -> str:
    """Return a configuration's text; raises ``ConfigurationError`` if it is not UTF-8 text of at most 1 MB."""
    try:
        if path.stat().st_size > _LONGEST_CONFIGURATION:
            raise ConfigurationError(f"{path}: is larger than 1 MB; that is no configuration, name another file")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as UTF-8 text ({error})") from error


def _brief(path: str | Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"


def _first_line(error: Exception) -> str:
    return next(iter((getattr(error, "strerror", None) or str(error)).splitlines()), type(error).__name__)


def resolve_place(place: str, base: Path, is_folder: bool = True) -> str:
    """Return a folder, or the database file of a SQLite or DuckDB URL, as an absolute path from ``base``; other URLs stay.

    With ``is_folder`` false anything but such a URL stays.
    """
    if result := _DATABASE_FILE.match(place):
        return f"{result['scheme']}{(base / result['path']).resolve()}{result['query'] or ''}"
    return resolve_folder(place, base) if is_folder else place


def resolve_folder(path: str, *bases: Path) -> str:
    """Return ``path`` as an absolute folder: below the first of ``bases`` where it exists, else below the first.

    A ``file://`` URL becomes the folder it names; other URLs are returned as they are. Raises ``ConfigurationError``
    for a path the system cannot look up: a loop of links, too long a name, the home of an unknown user.
    """
    if is_url(path) and not path.startswith("file://"):
        return path
    plain = _local_path(path)
    try:
        result = [base / Path(plain).expanduser() for base in bases]
        return str(next((candidate for candidate in result if candidate.exists()), result[0]).resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"the path {_brief(path)!r} cannot be used ({_first_line(error)}); correct it"
        ) from None


def refuse_unwritable_name(path: str, key: str) -> None:
    """Raise ``ConfigurationError`` where the local folder ``path`` of the setting ``key`` has a name stores misread.

    Delta and MLflow pass paths as URLs: there ``%20`` is a blank and ``?`` begins a query, so that files would be
    written to, or looked for in, another folder.
    """
    if not is_url(path) and (result := _MISREAD.search(path)):
        raise ConfigurationError(
            f"{key}: {path!r} has {result[0]!r} in its name, which Delta and MLflow read as part of a URL; "
            "use a folder without it"
        )


def is_misread(path: str) -> bool:
    """Return whether Delta would look for the local folder ``path`` elsewhere, because of signs that mean something in URLs."""
    return not is_url(path) and bool(_MISREAD.search(path))


def _local_path(path: str) -> str:
    """Return the path of a ``file://`` URL; one that is there as it is written wins over its decoded form."""
    if not path.startswith("file://"):
        return path
    plain = path.removeprefix("file://").removeprefix("localhost") or "/"
    if not plain.startswith("/"):
        raise ConfigurationError(f"{_brief(path)!r} names another machine; write file:///folder")
    return plain if Path(plain).exists() else unquote(plain)


def _replace(path: Path, content: bytes | memoryview, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def scratch_folder() -> Iterator[str]:
    """Give a temporary local folder that is gone afterwards, for libraries that only write to one."""
    with tempfile.TemporaryDirectory(prefix="forestock-") as folder:
        yield folder


def write_and_remove(place: str) -> str:
    """Write a small file to a folder or fsspec URL and delete it; return what went wrong, an empty text if nothing did.

    Folders that did not exist before are removed again.
    """
    name = f".forestock-doctor-{uuid4().hex}"
    created = [] if is_url(place) else [one for one in (Path(place), *Path(place).parents) if not one.exists()]
    try:
        path = write_bytes(joined(place, name), b"forestock doctor")
        if read_bytes(path) != b"forestock doctor":
            return "what was written is not what is read"
        remove(path)
    except Exception as error:  # every file system and its driver has its own exceptions
        text = next(iter(str(error).splitlines()), type(error).__name__)
        return text.partition(" failed: ")[2][:200] if isinstance(error, StageError) else text[:200]
    finally:
        for folder in created:
            with suppress(OSError):
                folder.rmdir()
    return ""
