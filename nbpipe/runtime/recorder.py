"""What a script leaves with its run: metrics, pictures, files, tags, properties, models."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from nbpipe.errors import UsageError
from nbpipe.runtime import metrics
from nbpipe.runtime.spool import Source, Spool


class RegisteredModel:
    """What `Run.register_model` answers.

    Attributes:
        name: the model's name.
        file: where it is among the run's files.
        tags, properties: as given.
    """

    def __init__(self, name: str, file: str, tags: dict[str, Any], properties: dict[str, Any]) -> None:
        self.name = name
        self.file = file
        self.tags = tags
        self.properties = properties


class Recorder:
    """The writing half of a run: every call is one record in the spool, every file a copy of it.

    Args:
        spool: where they go.
        role: whose they are, "step" or "parent" (the run of the whole pipeline).
    """

    def __init__(self, spool: Spool, role: str) -> None:
        self._spool = spool
        self._role = role

    def _append(self, record: str, **fields: Any) -> None:
        self._spool.append(record, run=self._role, **fields)

    def log(self, name: str, value: object, description: str = "", step: int | None = None) -> None:
        """Log one value; a name logged again becomes a list.

        Args:
            name: the metric's.
            value: a number, a text or a bool, also numpy's.
            description: what it is.
            step: where on the axis it belongs (an epoch), if not simply next.

        Raises:
            UsageError: the value is of another kind.
        """
        self._metric("scalar", name, metrics.scalar(name, value), description, step)

    def log_list(self, name: str, value: Iterable[object], description: str = "") -> None:
        """Log several values at once; see `log`."""
        self._metric("list", name, metrics.values(name, value), description)

    def log_row(self, name: str, description: str | None = None, **kwargs: object) -> None:
        """Log one row of a table, a value a column: `run.log_row("loss", epoch=1, train=0.4)`."""
        row = {column: metrics.scalar(name, value) for column, value in kwargs.items()}
        self._metric("row", name, row, description)

    def log_table(self, name: str, value: dict[str, object], description: str = "") -> None:
        """Log a table: a dict of columns, each a value or a list."""
        self._metric("table", name, metrics.columns(name, value), description)

    def log_image(self, name: str, path: str | None = None, plot: Any = None, description: str = "") -> None:
        """Keep a picture: a file, or whatever has `savefig` (a figure, `matplotlib.pyplot`).

        Raises:
            UsageError: neither or both were given, or there is no such file.
        """
        if (path is None) == (plot is None):
            raise UsageError(f"log_image({name!r}) takes either a path or a plot.")
        stem = re.sub(r"[^\w.-]+", "_", name).strip(".") or "image"
        if path is not None:
            file = self._spool.keep(self._fresh(stem, os.path.splitext(path)[1]), path)
        else:
            import io

            picture = io.BytesIO()
            plot.savefig(picture, format="png")
            picture.seek(0)
            file = self._spool.keep(self._fresh(stem, ".png"), picture)
        self._append("image", name=name, file=file, description=description)

    def _fresh(self, stem: str, suffix: str) -> str:
        """A name no file has: `roc.png`, then `roc_2.png`."""
        taken = set(self._spool.names())
        name, count = stem.removesuffix(suffix) + suffix, 1
        while name in taken:
            count += 1
            name = f"{stem.removesuffix(suffix)}_{count}{suffix}"
        return name

    def log_accuracy_table(self, name: str, value: object, description: str = "") -> None:
        """Keep an accuracy table in v1's JSON."""
        self._metric("document", name, metrics.document(name, value), description)

    def log_confusion_matrix(self, name: str, value: object, description: str = "") -> None:
        """Keep a confusion matrix in v1's JSON."""
        self._metric("document", name, metrics.document(name, value), description)

    def log_residuals(self, name: str, value: object, description: str = "") -> None:
        """Keep residuals in v1's JSON."""
        self._metric("document", name, metrics.document(name, value), description)

    def log_predictions(self, name: str, value: object, description: str = "") -> None:
        """Keep predictions in v1's JSON."""
        self._metric("document", name, metrics.document(name, value), description)

    def get_metrics(self, name: str | None = None, **_ignored: object) -> dict[str, Any]:
        """What this try has logged so far, by name; with `name`, that one alone (or nothing)."""
        logged = metrics.fold(self._spool.records(), self._role)
        return logged if name is None else {key: value for key, value in logged.items() if key == name}

    def _metric(
        self, kind: str, name: str, value: object, description: str | None, step: int | None = None
    ) -> None:
        if not isinstance(name, str) or not name:
            raise UsageError(f"A metric needs a name; it was given {name!r}.")
        extra = {} if step is None else {"step": metrics.scalar("step", step)}
        self._append("metric", kind=kind, name=name, value=value, description=description or "", **extra)

    # Files.

    def upload_file(self, name: str, path_or_stream: Source, **_ignored: object) -> None:
        """Keep a copy of a file with the run.

        Args:
            name: where it goes among the run's files, `outputs/model.pkl`.
            path_or_stream: the file, or something with `read()`.

        Raises:
            UsageError: there is no such file, or the name leads out of the run's folder.
        """
        self._append("file", name=self._spool.keep(name, path_or_stream))

    def upload_files(self, names: Iterable[str], paths: Iterable[str], **_ignored: object) -> None:
        """Keep copies of several files; the first name is the first path's."""
        names, paths = list(names), list(paths)
        if len(names) != len(paths):
            raise UsageError(
                f"upload_files takes as many names as paths; it was given {len(names)} and {len(paths)}."
            )
        for name, path in zip(names, paths):
            self.upload_file(name, path)

    def upload_folder(self, name: str, path: str, **_ignored: object) -> None:
        """Keep copies of everything in a folder, below `name`."""
        if not os.path.isdir(path):
            raise UsageError(f"No folder {path}.", place=f"It was looked for from {os.getcwd()}.")
        for folder, _, files in os.walk(path):
            for file in sorted(files):
                source = os.path.join(folder, file)
                self.upload_file(f"{name}/{os.path.relpath(source, path)}", source)

    def get_file_names(self) -> list[str]:
        """The names of the files kept so far."""
        return self._spool.names()

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        **_ignored: object,
    ) -> RegisteredModel:
        """Keep a model with the run, under a name.

        Args:
            model_name: the model's name.
            model_path: a file or folder, or the name of a file that was uploaded; by default `model_name`.
            tags, properties: what to remember about it.
            model_framework, model_framework_version, description: the same.

        Raises:
            UsageError: there is no such file.
        """
        path = model_path or model_name
        name = f"models/{model_name}/{os.path.basename(os.path.normpath(path))}"
        if path in self._spool.names():
            name = path
        elif os.path.isdir(path):
            self.upload_folder(name, path)
        else:
            self.upload_file(name, path)
        model = RegisteredModel(model_name, name, dict(tags or {}), dict(properties or {}))
        self._append(
            "model",
            name=model_name,
            file=name,
            tags=model.tags,
            properties=model.properties,
            framework=model_framework,
            framework_version=model_framework_version,
            description=description or "",
        )
        return model

    # Tags and properties.

    def tag(self, key: str, value: object = None) -> None:
        """Set a tag."""
        self._append("tag", name=str(key), value=metrics.scalar(key, value))

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Set several tags."""
        for key, value in tags.items():
            self.tag(key, value)

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        """Take tags away."""
        for key in [tags] if isinstance(tags, str) else tags:
            self._append("tag", name=str(key), removed=True)

    def get_tags(self) -> dict[str, Any]:
        """The tags set here, by name."""
        return metrics.latest(self._spool.records(), "tag", self._role)

    @property
    def tags(self) -> dict[str, Any]:
        """The tags set here, by name."""
        return self.get_tags()

    def add_properties(self, properties: dict[str, Any]) -> None:
        """Set properties, which cannot be changed afterwards.

        Raises:
            UsageError: one is set already, to another value.
        """
        known = self.get_properties()
        for key, value in properties.items():
            plain = metrics.scalar(key, value)
            if key in known and known[key] != plain:
                raise UsageError(
                    f"The property {key!r} is {known[key]!r} and cannot change.",
                    remedy="A tag can:  run.tag(...)",
                )
            self._append("property", name=str(key), value=plain)

    def get_properties(self) -> dict[str, Any]:
        """The properties set here, by name."""
        return metrics.latest(self._spool.records(), "property", self._role)

    @property
    def properties(self) -> dict[str, Any]:
        """The properties set here, by name."""
        return self.get_properties()
