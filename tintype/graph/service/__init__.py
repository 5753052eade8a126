"""The use cases of the graph slice."""

from tintype.graph.service.graph import Graph
from tintype.graph.service.lists import Lists
from tintype.graph.service.mutuals import Mutuals
from tintype.graph.service.sight import Sight

__all__ = ["Graph", "Lists", "Mutuals", "Sight"]
