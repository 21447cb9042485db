"""Reading a configuration: one YAML file, ``--set key=value`` overrides, one clear line per mistake.

Here: YAML, overrides, resolving paths, saying what is wrong. Not here: which keys there are and
what they mean (``foundation.settings``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from foundation.errors import ConfigurationError, nearest
from foundation.settings import Settings
from foundation.store import files

Model = TypeVar("Model", bound=BaseModel)


def load_settings(config: str | Path, overrides: Sequence[str] = ()) -> Settings:
    """Return the settings of ``config`` (a path, or a name in ``configs/``) with ``overrides`` applied.

    ``overrides`` are ``key=value`` with dotted keys and YAML values; the last one wins. A relative
    ``inputs.path`` is looked up from the configuration's folder, then from the working directory
    (the other way round when an override gives it); ``warehouse`` from the working directory.
    Raises ``ConfigurationError`` with one line per mistake.
    """
    file = files.find_configuration(config)
    values = _parse(files.read_configuration(file), file)
    given = dict(_split(text) for text in overrides)
    for key, value in given.items():
        _put(values, key, value)
    settings = _build(values, file.name, tuple(given))
    bases = (Path.cwd(), file.parent) if "inputs.path" in given or "inputs" in given else (file.parent, Path.cwd())
    return _resolved(settings, bases)


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


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: ``10:30``, ``2016-05-23`` and ``NO`` stay text, double keys are errors."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), [*_first, ""])


def _parse(text: str, file: Path) -> dict[str, Any]:
    try:
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader, narrowed)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{_place(file, error)}; check indentation, quotes and brackets there") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{file.name}: is not a list of keys and values; write for example `horizon: 28`")
    return values


def _place(file: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{file.name}{f', line {mark.line + 1}, column {mark.column + 1}' if mark else ''}: {problem}"


def _split(text: str, option: str = "--set") -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"{option} {text!r}: write key=value, for example forecast.seed=3")
    try:
        return key.strip(), yaml.load(value, Loader=_Loader)  # noqa: S506 (a SafeLoader, narrowed)
    except yaml.YAMLError:
        raise ConfigurationError(f"{option} {text!r}: the value is not YAML; quote it") from None


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
        lines = (_line(detail, _source(detail, source, overridden)) for detail in error.errors())
        raise ConfigurationError(*lines) from None
    except ConfigurationError as error:
        place = f"{source} or --set" if overridden else source
        raise ConfigurationError(*(f"{line} (in {place})" for line in error.lines)) from None


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
    message = detail["msg"].removeprefix("Value error, ")
    given = repr(detail["input"])
    said = "" if not path or len(given) > 60 else f", not {given}"
    return f"{path}: {message}{said} (in {source})" if path else f"{message} (in {source})"


def _nearest_key(path: str, model: type[BaseModel]) -> str:
    """Look in the same section first, then everywhere, so that a key in the wrong section is found too.

    A section in a list (``what_if.0.closed_hub``) is looked up by its own keys.
    """
    if listed := re.search(r"^(.*)\.\d+\.(\w+)$", path):
        path, model = listed[2], _section_in_list(listed[1], model)
    keys = list(known_keys(model))
    section, _, name = path.rpartition(".")
    siblings = {key.rpartition(".")[2]: key for key in keys if key.rpartition(".")[0] == section}
    anywhere = {key.rpartition(".")[2]: key for key in reversed(keys)}
    for known in (siblings, anywhere):
        if found := re.search(r"'(.*)'", nearest(name, list(known))):
            return f" (did you mean {known[found[1]]!r}?)"
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


def _resolved(settings: Settings, bases: tuple[Path, Path]) -> Settings:
    inputs = settings.inputs.model_copy(update={"path": files.resolve_folder(settings.inputs.path, *bases)})
    warehouse = files.resolve_folder(settings.warehouse, Path.cwd())
    return settings.model_copy(update={"inputs": inputs, "warehouse": warehouse})
