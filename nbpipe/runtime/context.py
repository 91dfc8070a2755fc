"""What a script sees around its run: the experiment, the workspace, the datasets of the step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nbpipe.errors import UnknownName


class RunWorkspace:
    """The workspace as a script sees it.

    Attributes:
        name, subscription_id, resource_group: v1's three keys, as given in its `config.json`, else made up.
        root: path of its folder, or an empty string where it is out of reach.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.name = variables.get("AZUREML_ARM_WORKSPACE_NAME", "")
        self.subscription_id = variables.get("AZUREML_ARM_SUBSCRIPTION", "")
        self.resource_group = variables.get("AZUREML_ARM_RESOURCEGROUP", "")
        self.root = variables.get("NBPIPE_WORKSPACE", "")


class RunExperiment:
    """The experiment as a script sees it.

    Attributes:
        name: its name.
        workspace: the workspace it belongs to.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.name = variables.get("AZUREML_ARM_PROJECT_NAME", "")
        self.workspace = RunWorkspace(variables)


class Datasets(dict[str, str]):
    """Paths by name; a name that is not there says which are.

    Example:
        >>> Datasets("input", {"raw": "/data/penguins.csv"})["raw"]
        '/data/penguins.csv'
    """

    def __init__(self, kind: str, paths: Mapping[str, str]) -> None:
        super().__init__(paths)
        self._kind = kind

    def __missing__(self, name: str) -> str:
        known = ", ".join(sorted(self)) or "none"
        raise UnknownName(f"This step has no {self._kind} dataset {name}.", remedy=f"It has: {known}")


def input_datasets(variables: Mapping[str, str]) -> Datasets:
    """Path of each dataset a step reads, by name; for one in direct mode, its id."""
    modes = variables.get("AZUREML_DATASET_ENVIRONMENT_VARS", "")
    return Datasets("input", _paths(variables, [entry.partition(":")[0] for entry in modes.split(",")]))


def output_datasets(variables: Mapping[str, str]) -> Datasets:
    """Path of each dataset a step writes, by name."""
    return Datasets("output", _paths(variables, variables.get("AZUREML_DATASET_FILE_OUTPUTS", "").split(";")))


def _paths(variables: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    reference = "AZUREML_DATAREFERENCE_"
    # The bare name is v1's too, but another variable may have had it before (HOME).
    return {name: variables.get(reference + name) or variables.get(name, "") for name in names if name}
