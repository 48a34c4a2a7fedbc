"""How Sphinx builds the documentation site; `make docs` runs it, once for each language.

The source directory is the repository itself, so that a link means the same on a code host and on the site.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]  # our extensions; the bundled plugins, as `plugins.*`

project = "platform_base"
author = "The platform_base authors"
project_copyright = "the platform_base authors, MIT licence"
release = version = importlib.metadata.version("platform-base")
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "titled_blocks",
    "site_map",
    "translations",
    "two_languages",
]
include_patterns = ["README*.md", "*.md", "docs/**/*.md", "plugins/README.md", "plugins/*/README.md"]
include_patterns += ["examples/data/README.md"]
exclude_patterns = [".*", "build", "out", "dist", "src", "tests", "benchmarks", "**/_[es]*", "**/__pycache__"]

myst_heading_anchors = 4
myst_links_external_new_tab = False
default_role = "literal"  # docstrings write `names` in single backticks
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the texts give dtypes and shapes, shorter

html_theme = "furo"
html_title = f"platform_base {release}"
html_static_path = ["_static"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e72", "color-brand-content": "#0b6e72"},
    "dark_css_variables": {"color-brand-primary": "#5cc8c4", "color-brand-content": "#5cc8c4"},
}
html_css_files = ["site.css"]
templates_path = ["_templates"]
html_show_sphinx = False
html_copy_source = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/languages.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

gettext_compact = False  # a catalogue for each page
gettext_location = False
written_in_portuguese = ["README.pt-BR", *(f"plugins/{name}README" for name in ("", "custom_filters/", "template/"))]
