"""Model files of the Hugging Face hub as local paths: from the cache, else by one short try at the network."""

import re
from pathlib import Path

from unlossy.core.errors import UsageError
from unlossy.core.tools import require

PROBE_TIMEOUT_S = 5.0
"""How long one question to the hub may take before we say that it cannot be reached."""

_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def hub_folder(repo_id: str, patterns: list[str], needed: str) -> Path:
    """The local folder of a repository with the files that fit `patterns`, among them one that fits `needed`.

    Nothing is asked of the network when the cache holds such a file, or when HF_HUB_OFFLINE is set.

    Raises:
        UsageError: no such repository or no such file, or the hub cannot be reached.
        MissingDependency: huggingface_hub is not installed.
    """
    hub = require("huggingface_hub", "hf", f"the model {repo_id!r} of the hub")
    if not _ID.fullmatch(repo_id):
        raise UsageError(f"{repo_id!r} is neither a folder here nor an id of the Hugging Face hub (OWNER/NAME)")
    try:
        folder = Path(hub.snapshot_download(repo_id, allow_patterns=patterns, local_files_only=True))
        if any(folder.glob(needed)):
            return folder
    except Exception:  # noqa: BLE001, S110 (whatever the cache says, it does not have it)
        pass
    return _downloaded(repo_id, patterns, needed)


def _downloaded(repo_id: str, patterns: list[str], needed: str) -> Path:
    hub = require("huggingface_hub", "hf", f"the model {repo_id!r} of the hub")
    remedy = "Give the path of a folder or file, check the id, or connect to the network once to fill the cache"
    if hub.constants.HF_HUB_OFFLINE:
        raise UsageError(
            f"{repo_id!r} is no folder here and not in the hub's cache, and HF_HUB_OFFLINE is set. {remedy}"
        )
    try:
        hub.HfApi().model_info(repo_id, timeout=PROBE_TIMEOUT_S)
        folder = Path(hub.snapshot_download(repo_id, allow_patterns=patterns, etag_timeout=PROBE_TIMEOUT_S))
    except Exception as error:
        finding = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"{repo_id!r} is no folder here and the Hugging Face hub did not give it: {finding}. {remedy}"
        ) from error
    if not any(folder.glob(needed)):
        raise UsageError(
            f"{repo_id!r} on the hub has no {needed}: weights are only read from safetensors, never unpickled"
        )
    return folder
