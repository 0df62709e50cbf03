"""The rules of the source tree, read off the files under any root: each returns what breaks it, one line per place."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_OURS = ("adapters", "gateway", "tests")
_MOST_LINES = 400
_VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base"}

# "sage" alone is also the end of "message" and "usage".
_VENDOR_NAMES = re.compile(
    r"billing[ _-]?platform|kashflow|smallinvoice|intacct|(?<![a-z])sage(?![a-z])", re.IGNORECASE
)
_OUR_TEXTS = {".py", ".html", ".graphql", ".toml", ".md"}
_THIRD_PARTY_FOLDER = "vendored"

_DOWNLOADS = re.compile(
    rb"pypi\.org|files\.pythonhosted|registry\.npmjs|registry\.yarnpkg|crates\.io|https?://[^\s\"'<>]+/simple\b"
)
_NOT_IN_THE_REPOSITORY = re.compile(r"\.git|\.venv.*|\..*_cache|\.hypothesis|__pycache__|node_modules|.*\.egg-info")


def vendors(root: Path) -> set[str]:
    """Names the packages directly under ``adapters``."""
    return {found.parent.name for found in root.glob("adapters/*/__init__.py")}


def adapters_importing_gateway(root: Path) -> list[str]:
    """Finds the places where imports point up."""
    return [place for place, target in _imports(root, "adapters") if _within(target, "gateway")]


def imports_into_a_vendor(root: Path) -> list[str]:
    """Finds imports of a vendor's package from outside it: from the gateway, a shared module or another vendor."""
    return [
        place
        for folder in ("gateway", "adapters")
        for place, target in _imports(root, folder)
        for vendor in vendors(root)
        if _within(target, f"adapters.{vendor}") and not place.startswith(f"adapters/{vendor}/")
    ]


def sandboxes_not_alone(root: Path) -> list[str]:
    """Finds what an emulator takes from our own reading of a page: it may import nothing of ours but ``sandbox*``."""
    found = []
    for place, target in _imports(root, "adapters"):
        sandbox = re.match(r"adapters/(\w+/)?sandbox", place)
        if sandbox and _within(target, "adapters"):
            own = f"adapters.{(sandbox[1] or '').replace('/', '.')}sandbox"
            found += [] if target.startswith(("adapters.sandbox", own)) else [place]
    return found


def vendors_named_in_the_gateway(root: Path) -> list[str]:
    """Finds lines and file names in ``gateway`` that name a vendor; third parties' assets aside."""
    found = []
    for path in _files(root, "gateway"):
        if _THIRD_PARTY_FOLDER in path.parts or path.suffix not in _OUR_TEXTS:
            continue
        name = path.relative_to(root).as_posix()
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [f"{name}: its name"] * bool(_VENDOR_NAMES.search(name))
        found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if _VENDOR_NAMES.search(line)]
    return found


def vague_names(root: Path) -> list[str]:
    """Finds files that are named, or lie in a folder that is named, for nothing they know."""
    names = [path.relative_to(root) for folder in _OURS for path in _files(root, folder)]
    return [name.as_posix() for name in names if _VAGUE_NAMES.intersection(part.split(".")[0] for part in name.parts)]


def long_modules(root: Path) -> list[str]:
    """Finds Python files of more than 400 lines."""
    modules = [path for folder in _OURS for path in _files(root, folder) if path.suffix == ".py"]
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    return [f"{path.relative_to(root)}: {count} lines" for path, count in counts.items() if count > _MOST_LINES]


def download_addresses(root: Path) -> list[str]:
    """Finds the hosts of package registries, in any file that is not ignored by git."""
    return [path.relative_to(root).as_posix() for path in _files(root, ".") if _DOWNLOADS.search(path.read_bytes())]


def _files(root: Path, folder: str) -> Iterator[Path]:
    for path in sorted((root / folder).iterdir()) if (root / folder).is_dir() else []:
        if _NOT_IN_THE_REPOSITORY.fullmatch(path.name):
            continue
        if path.is_dir():
            yield from _files(root, path.relative_to(root).as_posix())
        elif path.is_file():
            yield path


def _imports(root: Path, folder: str) -> Iterator[tuple[str, str]]:
    """Yields every import below a folder: its place (``file:line``), and the full dotted name of what is imported."""
    for path in _files(root, folder):
        if path.suffix != ".py":
            continue
        name = path.relative_to(root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(name))):
            place = f"{name.as_posix()}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                yield from ((place, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = name.parts[: len(name.parts) - node.level] if node.level else ()
                module = ".".join((*above, *filter(None, [node.module])))
                yield from ((place, f"{module}.{alias.name}") for alias in node.names)


def _within(target: str, package: str) -> bool:
    return target == package or target.startswith(f"{package}.")
