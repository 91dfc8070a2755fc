"""Resolves what an environment declares, and makes one of what was resolved: by uv where there is one, else by pip."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

from nbpipe.compute.agent.pythons import find_uv
from nbpipe.compute.agent.refusal import Refusal

_SAID = 400  # characters of the last line of an installer that failed
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


async def resolved(base: str, packages: Sequence[str]) -> list[str]:
    """All that some requirements need, pinned, one line a package, in the order of names.

    Args:
        base: the interpreter for which that is resolved.
        packages: requirements.

    Raises:
        Refusal: there is no such set of packages.
    """
    if not packages:
        return []
    uv = find_uv()
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="nbpipe-lock-")
    try:
        lines = await (_by_pip(base, packages, folder) if uv is None else _by_uv(uv, base, packages, folder))
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)
    return sorted(lines)


async def build(folder: str, base: str, lines: Sequence[str]) -> None:
    """Make a virtual environment of a lock's lines in a new folder.

    Raises:
        Refusal: it cannot be made.
    """
    python, listed, uv = os.path.join(folder, "bin", "python"), os.path.join(folder, "lock.txt"), find_uv()
    if uv is None:
        await run(base, "-m", "venv", folder)
        command = [python, *_PIP, "install", "--quiet", "--no-deps"]
    else:
        await run(uv, "venv", "--quiet", "--python", base, folder)
        command = [uv, "pip", "install", "--quiet", "--python", python, "--no-deps"]
    _write(listed, lines)
    if lines:
        # What has no hash (a repository, an old pip) would be refused among what has one.
        hashed = ["--require-hashes"] if all("--hash=" in line for line in lines) else []
        await run(*command, *hashed, "-r", listed)


async def _by_uv(uv: str, base: str, packages: Sequence[str], folder: str) -> list[str]:
    wanted, found = os.path.join(folder, "wanted.in"), os.path.join(folder, "found.txt")
    _write(wanted, packages)
    quiet = ("--quiet", "--no-header", "--no-annotate", "--generate-hashes")
    await run(uv, "pip", "compile", *quiet, "--python", base, "--output-file", found, wanted)
    with open(found, encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


async def _by_pip(base: str, packages: Sequence[str], folder: str) -> list[str]:
    wanted, report = os.path.join(folder, "wanted.in"), os.path.join(folder, "report.json")
    _write(wanted, packages)
    python = base
    try:
        await run(base, "-m", "pip", "--version")
    except Refusal:  # a new environment has one of its own
        await run(base, "-m", "venv", os.path.join(folder, "venv"))
        python = os.path.join(folder, "venv", "bin", "python")
    told = ("--dry-run", "--ignore-installed", "--report", report)
    try:
        await run(python, *_PIP, "install", "--quiet", *told, "-r", wanted)
    except Refusal as error:
        if "no such option" not in str(error):
            raise
        return await _frozen(base, wanted, os.path.join(folder, "tried"))
    with open(report, encoding="utf-8") as file:
        return [_line(each) for each in json.load(file)["install"]]


async def _frozen(base: str, wanted: str, folder: str) -> list[str]:
    """As a pip before 22.2 does it: install everything, and see what is there."""
    await run(base, "-m", "venv", folder)
    python = os.path.join(folder, "bin", "python")
    await run(python, *_PIP, "install", "--quiet", "-r", wanted)
    listed = await run(python, *_PIP, "freeze", "--local")
    return [line.strip() for line in listed.splitlines() if line.strip() and not line.startswith("#")]


def _line(installed: dict[str, Any]) -> str:
    """The line of a lock for one package of pip's report."""
    name, version = installed["metadata"]["name"], installed["metadata"]["version"]
    source = installed["download_info"]
    sha256 = source.get("archive_info", {}).get("hashes", {}).get("sha256")
    pinned = f"{name} @ {_address(source)}" if installed.get("is_direct") else f"{name}=={version}"
    return f"{pinned} --hash=sha256:{sha256}" if sha256 else pinned


def _address(source: dict[str, Any]) -> str:
    """Where a package lies that is named by its address; of a repository, the commit."""
    vcs = source.get("vcs_info")
    return f"{vcs['vcs']}+{source['url']}@{vcs['commit_id']}" if vcs else str(source["url"])


def _write(path: str, lines: Sequence[str]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


async def run(*command: str) -> str:
    """Run an installer to its end; what it printed.

    Raises:
        Refusal: it failed; says what it said last.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise Refusal("refused", f"{command[0]} cannot be started: {error.strerror}.") from error
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = printed.decode(errors="replace")
    if process.returncode:
        lines = said.strip().splitlines() or ["it said nothing"]
        raise Refusal(
            "refused",
            f"The environment cannot be made: {lines[-1].strip()[:_SAID]}",
            place="\n".join(line[:_SAID] for line in lines[-6:-1]) or None,
            remedy="Look at the packages that the step declares, and at what that machine can reach.",
        )
    return said
