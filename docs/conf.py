"""The site: ``python -m sphinx -W -b html docs docs/_build`` (extra ``docs``).

The pages are Markdown that a code host shows as well; the API's are made of the docstrings, and the
tutorial of its notebook. Nothing that a page loads is on another server: MathJax and its fonts are
copied beside it.
"""

import json
import re
import shutil
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.ext.napoleon import Config, GoogleDocstring

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]

project = PROJECT["name"]
author = project_copyright = PROJECT["authors"][0]["name"]
version = release = PROJECT["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}  # see as_markdown
exclude_patterns = ["_build", "_templates", "figures", "live"]
nitpicky = True
python_maximum_signature_line_length = 88  # else a line a parameter

# --- Markdown -----------------------------------------------------------------------------------

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # of the names that a code host gives headings

# --- Docstrings ---------------------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
GOOGLE = Config(
    napoleon_custom_sections=["Shape"],
    napoleon_use_rtype=False,
    napoleon_attr_annotations=False,  # a class's signature has them
)
# What other packages' pages would explain, which lie on other servers.
nitpick_ignore_regex = [
    ("py:.*", r"(collections|numpy|np|os|pathlib|PIL|torch|nn|safetensors)\..*"),
    ("py:.*", r"Module|Optimizer|Tensor|Path|lenet1998\.weights\.Network"),
]


def sections(app, what, name, thing, options, lines) -> None:
    """Args, Shape and Raises as reST. In what is no function, a colon ends no type."""
    kind = "method" if what in ("data", "attribute", "property") else what
    lines[:] = GoogleDocstring(lines, GOOGLE, app, kind, name, thing, options).lines()


def leave_out_fields_without_words(app, what, name, thing, skip, options) -> bool | None:
    """Fields of a named tuple, of which only Python says something; its signature has them."""
    return True if (getattr(thing, "__doc__", None) or "").startswith("Alias for field") else None


# --- The pages' looks ---------------------------------------------------------------------------

html_theme = "furo"
html_title = "lenet1998"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["normal.js", "sidebar.js"]
html_search_scorer = str(HERE / "_static" / "scorer.js")
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/live.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_show_sourcelink = False
html_copy_source = False

PICTURE = re.compile(r'<img alt="[^"]*"( class="[^"]*")? src="([^"]+)"[^>]*>')
CODE = re.compile(r'(?<=<span class="pre">)[^<]+')
TEXT = re.compile(r"<pre>.*?</pre>|(?<=>)(?!\s*\\[(\[])[^<>]+", re.DOTALL)  # no formulas
WORD_END = re.compile(r"(?<=\w\w)[._/=-](?=[A-Za-z]\w{3})")
WHOLE = re.compile(
    r"[\d.,]+ (?:± [\d.]+(?: %)?|%)|\b[np] (?:=|&lt;) [\d.,e-]*\d|\b\d[\d.]*e-\d+(?: to\b)?"
    r"|\b(?:p\.)?\d+-\d+\b|\b(?:[Ee]qs?|Fig)\. \d+|\b[IVX]+-[A-E]\b|LeNet-5"
    r"|(?:[\d-] ){8}[\d-]"  # the codes of a string
)

LIVE = HERE / "live"
FOLDER_LINK = re.compile(r"\[([^]]*)\]\((\.\./[^)#]*)\)")


def copy_live_page(app, exception) -> None:
    """The live page stands beside the others as it is."""
    if exception is None:
        shutil.copytree(LIVE, Path(app.outdir) / LIVE.name, dirs_exist_ok=True)


def as_markdown(app, name, source) -> None:
    """Markdown of a notebook, whose code is a block a cell."""
    file = Path(app.env.doc2path(name))
    if file.suffix == ".ipynb":
        forms = {"markdown": "{}", "code": "```python\n{}\n```"}
        cells = json.loads(source[0])["cells"]
        texts = [forms[cell["cell_type"]].format("".join(cell["source"])) for cell in cells]
        texts.insert(1, f"{{download}}`The notebook of this page <{file.name}>`")
        source[0] = "\n\n".join(texts)


def leave_out_folder_links(app, name, source) -> None:
    """Links to folders are for code hosts."""
    here = Path(app.env.doc2path(name)).parent
    source[0] = FOLDER_LINK.sub(lambda m: m[1] if (here / m[2]).is_dir() else m[0], source[0])


def choose_by_theme(app, doctree) -> None:
    """A picture with a dark one beside it: the page's theme chooses between the two."""
    here = Path(app.env.doc2path(app.env.docname)).parent
    for light in list(doctree.findall(nodes.image)):
        file = Path(light["uri"])
        file = file.with_stem(f"{file.stem}-dark")
        if (here / file).is_file():
            dark = light.deepcopy()
            dark["uri"] = file.as_posix()
            for image, theme in ((light, "only-light"), (dark, "only-dark")):
                image["classes"].append(theme)
            light.parent.insert(light.parent.index(light) + 1, dark)


def finish(app, name, template, context, doctree) -> None:
    """Pictures lead to their files. Long names break between words, and numbers do not break."""

    def lines(text: re.Match) -> str:
        if text[0].startswith("<pre>"):
            return text[0]
        return WORD_END.sub(r"\g<0><wbr>", WHOLE.sub(r'<span class="whole">\g<0></span>', text[0]))

    body = PICTURE.sub(r'<a\1 href="\2">\g<0></a>', context.get("body", ""))
    apart = r'\g<0></span><wbr><span class="pre">'
    body = CODE.sub(lambda code: WORD_END.sub(apart, code[0]), body)
    context["body"] = TEXT.sub(lines, body)


def setup(app) -> None:
    app.connect("autodoc-process-docstring", sections)
    app.connect("autodoc-skip-member", leave_out_fields_without_words)
    app.connect("source-read", as_markdown)
    app.connect("source-read", leave_out_folder_links)
    app.connect("doctree-read", choose_by_theme, priority=400)  # before images are copied
    app.connect("html-page-context", finish)
    app.connect("build-finished", copy_live_page)
