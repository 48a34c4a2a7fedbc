"""Digital filters: `filter_series` for a series, `FilterStream` for one that comes in chunks."""

from .filters import FilteredSeries, filter_series
from .options import FilterOptions
from .stream import FilterStream

__all__ = ["FilterOptions", "FilterStream", "FilteredSeries", "filter_series"]
