"""Loading of a configuration: a YAML file, ``--set key=value`` overrides, and one line per error.

Here: YAML, overrides, paths, and messages. Not here: the keys and their meaning (``foundation.settings``).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from foundation import plain_yaml
from foundation.errors import ConfigurationError, nearest, shown
from foundation.mapping.section import TableMapping
from foundation.settings import Settings
from foundation.store import files
from foundation.tables import EXTERNAL_INPUTS, INPUTS

log = logging.getLogger(__name__)

_PATHS = (
    "inputs.path",
    "inputs.forecast",
    "network.postal_places",
    "warehouse",
    "tracking_uri",
    "decisions.outbox.target",
    "cluster.tls_ca",
    "cluster.tls_cert",
    "cluster.tls_key",
)
_WARNED: set[str] = set()
Model = TypeVar("Model", bound=BaseModel)
_DEEPEST_KEY = 6
_MOST_MISTAKES = 50


def load_settings(
    config: str | Path, overrides: Sequence[str] = (), values: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of ``config`` (a path, or a name in ``configs/``) with ``overrides`` applied.

    ``overrides`` are ``key=value`` with dotted keys and YAML values; ``values`` are overrides as Python values by dotted
    key; the last one wins. A relative path in the file
    (``inputs.path``, ``warehouse``, ``decisions.outbox.target``, the database of a SQLite URL) is relative to the
    file's folder; one given by an override is relative to the working directory. Logs a warning where the warehouse
    does not exist but one does at the same path below the working directory.
    Raises ``ConfigurationError`` with one line per mistake.
    """
    file = files.find_configuration(config)
    keys = _with_current_keys(_parse(files.read_configuration(file), file))
    given = {_current_key(key): value for key, value in (dict(map(_split, overrides)) | dict(values or {})).items()}
    for key, value in given.items():
        _put(keys, key, value)
    settings = _build(keys, file.name, tuple(given))
    _refuse_unknown_tables(settings, file.name)
    resolved = _resolved(settings, file.parent, tuple(given))
    _warn_of_misplaced(settings.warehouse, resolved.warehouse)
    return resolved.reading_from(_options(file, given, resolved))


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every key of a configuration, sections before what they hold."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{prefix}{name}.")


def section(model: type[Model], changes: Sequence[str], source: str) -> Model:
    """Return one section made of ``key=value`` texts (dotted keys, YAML values; the last of a key wins).

    Raises ``ConfigurationError`` with one line per mistake, each naming ``source``.
    """
    values: dict[str, Any] = {}
    for text in changes:
        key, value = _split(text, source)
        _put(values, key, value)
    try:
        return model(**values)
    except ValidationError as error:
        raise ConfigurationError(*(_line(detail, source, model) for detail in error.errors())) from None


def settings_from(values: Mapping[str, Any], source: str) -> Settings:
    """Return settings made of Python values instead of a file.

    Raises ``ConfigurationError`` with one line per mistake, each naming ``source``.
    """
    return _build(dict(values), source, ())


@lru_cache(maxsize=16)
def _document(text: str) -> Any:
    """Return what a configuration holds; a backfill reads the same text for each of its dates."""
    return plain_yaml.parse(text)


def _parse(text: str, file: Path) -> dict[str, Any]:
    try:
        values = deepcopy(_document(text))
    except plain_yaml.YamlError as mistake:
        raise ConfigurationError(f"{_place(file, mistake)}; check indentation, quotes and brackets there") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{file.name}: is not a list of keys and values; write for example `horizon: 28`")
    return values


def _with_current_keys(keys: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a file with former keys under their current names; one given under both stays for its error."""
    for section, values in list(keys.items()):
        for name in list(values) if isinstance(values, Mapping) else ():
            path = f"{section}.{name}"
            *_, inner, current = (key := _replacement(path)).split(".")
            if key != path and current not in (values.get(inner) or {}):
                _put(keys, _current_key(path), values[name])
                del keys[section][name]
    return keys


def _current_key(key: str) -> str:
    """Return the key that replaced ``key``, with a warning that names it; ``key`` itself where none did."""
    if (current := _replacement(key)) != key:
        log.warning("%s is deprecated; write %s", key, current)
    return current


def _replacement(key: str) -> str:
    section, _, name = key.partition(".")
    field = Settings.model_fields.get(section)
    inner, current = getattr(field and field.annotation, "moved", {}).get(name, ("", ""))
    return f"{section}.{inner}.{current}" if inner else key


def _place(file: Path, mistake: plain_yaml.YamlError) -> str:
    where = f", line {mistake.line}, column {mistake.column}" if mistake.line else ""
    return f"{file.name}{where}: {mistake.problem}"


def _split(text: str, option: str = "--set") -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    given = shown(text)
    if not equals or not key.strip():
        raise ConfigurationError(f"{option} {given!r}: write key=value, for example forecast.seed=3")
    if key.count(".") >= _DEEPEST_KEY:
        raise ConfigurationError(f"{option} {given!r}: there is no key of more than {_DEEPEST_KEY} parts; correct it")
    try:
        return key.strip(), plain_yaml.parse(value)
    except plain_yaml.YamlError as mistake:
        raise ConfigurationError(
            f"{option} {given!r}: the value is not YAML; quote it or correct it ({mistake.problem})"
        ) from None


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        inner = values.get(section)
        values[section] = dict(inner) if isinstance(inner, Mapping) else {}
        values = values[section]
    values[last] = value


def _build(values: dict[str, Any], source: str, overridden: Sequence[str]) -> Settings:
    try:
        return Settings(**{str(key): value for key, value in values.items()})
    except ValidationError as error:
        details = error.errors()
        lines = [_line(detail, _source(detail, source, overridden)) for detail in details[:_MOST_MISTAKES]]
        place = f"{source} or --set" if overridden else source
        more = [f"{len(details) - _MOST_MISTAKES} more mistakes (in {place})"] if len(details) > _MOST_MISTAKES else []
        raise ConfigurationError(*lines, *more) from None
    except ConfigurationError as error:
        place = f"{source} or --set" if overridden else source
        raise ConfigurationError(*(f"{line} (in {place})" for line in error.lines)) from None


# What a value must be, by pydantic's type of error.
_EXPECTED = {
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a section of keys and values"),
    "tuple_type": "must be a list",
    "string_type": "must be text",
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    "finite_number": "must be a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "literal_error": "must be {expected}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
}


def _source(detail: ErrorDetails, file: str, overridden: Sequence[str]) -> str:
    """Return where what is wrong was written: the file, ``--set`` for one of the keys ``overridden``, or one of the two."""
    path = ".".join(str(part) for part in detail["loc"])
    if any(path == key or path.startswith(f"{key}.") for key in overridden):
        return "--set"
    if any(
        not path or key.startswith(f"{path}.") for key in overridden
    ):  # a rule of a whole section, or an unknown one
        return "--set" if detail["type"] == "extra_forbidden" else f"{file} or --set"
    return file


def _line(detail: ErrorDetails, source: str, model: type[BaseModel] = Settings) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{path}: unknown key{_nearest_key(path, model)} (in {source})"
    message = _EXPECTED.get(detail["type"], "").format(**detail.get("ctx", {})) or detail["msg"].removeprefix(
        "Value error, "
    )
    given = repr(detail["input"])
    parts = "" if not path or len(given) > 60 else f", not {given}"
    return f"{path}: {message}{parts} (in {source})" if path else f"{message} (in {source})"


def _nearest_key(path: str, model: type[BaseModel]) -> str:
    """Look in the same section first, then everywhere, so that a key in the wrong section is found too.

    A section in a list (``what_if.0.closed_hub``) is looked up by its own keys.
    """
    if listed := re.search(r"^(.*)\.\d+\.(\w+)$", path) or re.search(r"^(inputs\.tables)\.\w+\.([^.]+)$", path):
        path, model = listed[2], _section_in_list(listed[1], model)
    keys = list(known_keys(model))
    section, _, name = path.rpartition(".")
    siblings = {key.rpartition(".")[2]: key for key in keys if key.rpartition(".")[0] == section}
    anywhere = {key.rpartition(".")[2]: key for key in reversed(keys)}
    for known in (siblings, anywhere):
        if result := re.search(r"'(.*)'", nearest(name, list(known))):
            return f" (did you mean {known[result[1]]!r}?)"
    return f"; known here: {', '.join(siblings or anywhere)}"


def _section_in_list(path: str, model: type[BaseModel]) -> type[BaseModel]:
    """Return the section whose list stands at the dotted ``path``."""
    for name in path.split("."):
        kind = model.model_fields[name].annotation
        inner = next(
            (part for part in (kind, *get_args(kind)) if isinstance(part, type) and issubclass(part, BaseModel)), None
        )
        model = inner or model
    return model


def _resolved(settings: Settings, folder: Path, overridden: Sequence[str]) -> Settings:
    """Return the settings with absolute paths: from ``folder``, or from the working directory where ``overridden``."""
    changed: dict[str, Any] = settings.model_dump()
    for path in _PATHS:
        *sections, last = path.split(".")
        section = changed
        for name in sections:
            section = section[name]
        is_overridden = any(path == key or path.startswith(f"{key}.") for key in overridden)
        base = (
            Path.cwd()
            if is_overridden
            else folder
            if path.startswith(("inputs.", "network.", "cluster."))
            else files.output_base(folder)
        )
        if section[last] is not None:
            section[last] = files.resolve_place(section[last], base, is_folder=path != "tracking_uri")
    files.refuse_unwritable_name(changed["warehouse"], "warehouse")
    tables = {name: _placed(mapping, folder) for name, mapping in settings.inputs.tables.items()}
    places = {name: changed["inputs"][name] for name in ("path", "forecast")}
    inputs = settings.inputs.model_copy(update={**places, "tables": tables})
    outbox = settings.decisions.outbox.model_copy(update={"target": changed["decisions"]["outbox"]["target"]})
    decisions = settings.decisions.model_copy(update={"outbox": outbox})
    network = settings.network
    if network.postal_places is not None:
        network = network.model_copy(update={"postal_places": changed["network"]["postal_places"]})
    certificates = {name: changed["cluster"][name] for name in ("tls_ca", "tls_cert", "tls_key")}
    cluster = settings.cluster.model_copy(update=certificates)
    places = {name: changed[name] for name in ("warehouse", "tracking_uri")}
    changes = {**places, "inputs": inputs, "network": network, "cluster": cluster, "decisions": decisions}
    return settings.model_copy(update=changes)


def _placed(mapping: TableMapping, folder: Path) -> TableMapping:
    """Return a mapping with absolute places of its file and its database."""
    places = {
        name: files.resolve_place(value, folder)
        for name in ("file", "database")
        if (value := getattr(mapping, name)) is not None
    }
    return mapping.model_copy(update=places)


def _refuse_unknown_tables(settings: Settings, source: str) -> None:
    known = [*INPUTS, *EXTERNAL_INPUTS]
    unknown = [name for name in settings.inputs.tables if name not in known]
    if unknown:
        lines = (f"inputs.tables.{shown(name)}: no such table{nearest(name, known)} (in {source})" for name in unknown)
        raise ConfigurationError(*lines)


def _options(file: Path, given: Mapping[str, Any], resolved: Settings) -> tuple[str, ...]:
    """Return the options that name the configuration and the places that were overridden, for a command from anywhere.

    Other overrides are left out: how many processes work must not change a page.
    """
    result = ["--config", files.configuration_name(file)]
    values = resolved.model_dump()
    for key in given:
        if key.split(".")[0] in ("inputs", "warehouse", "tracking_uri", "decisions"):
            value = values
            for part in key.split("."):
                value = value[part]
            result += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return tuple(result)


def _warn_of_misplaced(given: str, place: str) -> None:
    """Log once where a run would begin an empty warehouse although there is one below the working directory."""
    before = Path.cwd() / given
    if files.is_url(place) or place in _WARNED or files.exists(place) or not files.exists(str(before / "decision")):
        return
    _WARNED.add(place)
    log.warning(
        "warning: the warehouse %s does not exist, but %s does: relative paths start at the configuration's folder. "
        "Move that folder there, or go on with it by --set warehouse=%s",
        place,
        before,
        given,
    )


def defaults_in(text: str, settings: Settings) -> dict[str, Any]:
    """Return the dotted keys in a text that the configuration does not set, with their values."""
    mentioned = set(re.findall(r"\b[a-z_]+(?:\.[a-z_]+)+\b", text))
    result = {}
    for key in known_keys():
        if key in mentioned and not _is_set(key, settings):
            value: Any = settings
            for part in key.split("."):
                value = getattr(value, part)
            if not isinstance(value, BaseModel):
                result[key] = value
    return result


def default_lines(texts: Iterable[str], settings: Settings) -> list[str]:
    """Return one line for each key in ``texts`` that is at its default.

    >>> default_lines(["more than inputs.quarantine_rate 0.50%"], Settings())
    ['inputs.quarantine_rate is not in the configuration; its default is 0.005']
    """
    keys = defaults_in("\n".join(texts), settings)
    return [f"{key} is not in the configuration; its default is {_shown(value)}" for key, value in keys.items()]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _is_set(key: str, settings: Settings) -> bool:
    model: BaseModel = settings
    for part in key.split("."):
        if part not in model.model_fields_set:
            return False
        model = getattr(model, part)
    return True
