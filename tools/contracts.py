"""The import contract that import-linter does not ship: slices are entered by the front door."""

from typing import TYPE_CHECKING, cast

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph


class FacadeContract(Contract):
    """From outside a slice, only the slice itself and its public modules may be imported.

    Every child package of ``container`` is a slice unless ``machinery`` names it, so that a new
    slice is guarded from the day it exists.

    Options:
        container: the package whose children are the slices.
        machinery: children that are no slices and may be entered anywhere.
        public: names of the modules that a slice shows beside its front door.
        assemblers: modules that may enter anywhere, because putting the parts together is their
            whole work.
    """

    type_name = "facade"

    container = fields.StringField()
    machinery = fields.ListField(subfield=fields.StringField())
    public = fields.ListField(subfield=fields.StringField())
    assemblers = fields.ListField(subfield=fields.StringField())

    def check(self, graph: "ImportGraph", verbose: bool) -> ContractCheck:  # noqa: FBT001 (the signature is import-linter's)
        """Report every import that passes a slice's front door by."""
        del verbose
        container = cast("str", self.container)
        machinery = {f"{container}.{name}" for name in cast("list[str]", self.machinery)}
        assemblers = cast("list[str]", self.assemblers)
        broken: list[tuple[str, str]] = []
        for slice_ in graph.find_children(container) - machinery:
            doors = {f"{slice_}.{name}" for name in cast("list[str]", self.public)}
            for inner in graph.find_descendants(slice_) - doors:
                broken.extend(
                    (importer, inner)
                    for importer in graph.find_modules_that_directly_import(inner)
                    if not _is_inside(importer, slice_, *assemblers)
                )
        return ContractCheck(kept=not broken, metadata={"broken": sorted(broken)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Say which import is wrong and what to do about it."""
        for importer, inner in cast("list[tuple[str, str]]", check.metadata["broken"]):
            output.print_error(
                f"{importer} reaches into {inner}; "
                "import the slice, or ask it to export what you need.",
                bold=False,
            )


def _is_inside(module: str, *packages: str) -> bool:
    """Tell whether ``module`` is one of the packages or lies below one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)
