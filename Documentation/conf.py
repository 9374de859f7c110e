# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx configuration of the HTML pages; tools/html calls Sphinx with it."""
import re

from docutils import nodes
from sphinx import addnodes

project = 'ipcshm'
author = copyright = 'the ipcshm authors'
extensions = ['sphinx.ext.graphviz']
graphviz_output_format = 'svg'
graphviz_dot_args = ['-Grankdir=LR', '-Gfontname=sans-serif', '-Gfontsize=11', '-Nshape=box', '-Nfontname=sans-serif',
                     '-Nfontsize=11', '-Efontname=sans-serif', '-Efontsize=10']
highlight_language = 'none'
smartquotes = False
nitpicky = False

html_theme = 'furo'
html_title = 'ipcshm'
html_copy_source = False
html_show_sphinx = False
html_theme_options = {'navigation_with_keys': True}
html_static_path = ['static']
html_css_files = ['ipcshm.css']

PAGE = re.compile(r'([a-z/-]+)\.rst')
CALL = re.compile(r'(ipcshm_[a-z_]+)(?:\(\)|\(3\))?')
MANUAL = re.compile(r'(ipcshm(?:-run)?)\(([147])\)')


def link(node, document, name, titled=False):
    reference = addnodes.pending_xref('', refdomain='std', reftype='doc', reftarget='/' + name,
                                      refexplicit=not titled, refwarn=True, refdoc=document)
    node.replace_self(reference)
    reference += node


def link_literals(app, doctree):
    """Make links of pages, library calls and manual pages that a text names as literals."""
    document = app.env.docname
    for node in list(doctree.findall(nodes.literal)):
        if isinstance(node.parent, (nodes.reference, addnodes.pending_xref)):
            continue
        text = node.astext()
        page, call, manual = PAGE.fullmatch(text), CALL.fullmatch(text), MANUAL.fullmatch(text)
        if page:
            link(node, document, page.group(1), titled=True)
        elif call and f'manual/{call.group(1)}.3' in app.env.found_docs:
            link(node, document, f'manual/{call.group(1)}.3')
        elif manual and '.'.join(('manual/' + manual.group(1), manual.group(2))) in app.env.found_docs:
            link(node, document, '.'.join(('manual/' + manual.group(1), manual.group(2))))


def setup(app):
    app.connect('doctree-read', link_literals)
