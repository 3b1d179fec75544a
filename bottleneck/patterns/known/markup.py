"""Documents: YAML, XML and HTML parsed in pure Python, parsed again, or searched from the top for each key."""

import ast

from ..fixed import is_changed, same_work, thrown_away, unchanged
from ..loops import in_loop, names_of_pass
from ..model import Hot, Pattern, Price
from ..places import cached, less
from ..scans import scanned, stays
from ..shapes import all_of, any_of, below, calls, comes_from, deep, not_if
from ..syntax import Comprehension, last_name, mentions

_SEARCHES = ("find", "findall", "iterfind", "findtext", "find_all", "select", "select_one", "xpath", "css")


def _searches_one_document(hot: Hot) -> bool:
    """``root.find(f".//item[@id='{key}']")``: the key changes with the pass, the document does not."""
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in _SEARCHES:
        return False
    # A bare tag's name is a short way down from the item; an attribute's value searches all of the document.
    given = [*(each for each in node.args if not isinstance(each, ast.Name)), *(each.value for each in node.keywords)]
    names = names_of_pass(hot, node)
    return any(mentions(each, names) for each in given) and unchanged(hot, node.func.value)


_WALKS = (
    "iter",
    "getiterator",
    "findall",
    "iterfind",
    "find_all",
    "select",
    "xpath",
    "getElementsByTagName",
    "iterdescendants",
)


def _walks_one_document(hot: Hot) -> bool:
    """``for item in root.iter("item"): if item.get("id") == key``: all of the document for one key."""
    items = scanned(hot)
    if not isinstance(items, ast.Call) or not isinstance(items.func, ast.Attribute) or items.func.attr not in _WALKS:
        return False
    document = items.func.value
    return any(comes_from(hot.source, document, each) for each in ("xml", "lxml", "bs4")) and stays(
        hot, document, hot.seen.given
    )


def _few_keys(hot: Hot) -> bool:
    """The loop goes through a few names that the file lists: the fields of each document."""
    loop = next(iter(hot.source.loops(hot.node)), None)
    items = getattr(loop, "iter", None) or (loop.generators[0].iter if isinstance(loop, Comprehension) else None)
    if isinstance(items, ast.Call) and isinstance(items.func, ast.Attribute) and items.func.attr == "items":
        items = items.func.value
    values = [each.value for each in hot.source.bindings(items)] if isinstance(items, ast.Name) else [items]
    return any(isinstance(each, ast.List | ast.Tuple | ast.Dict | ast.Set) and _size(each) for each in values)


def _size(value: ast.List | ast.Tuple | ast.Dict | ast.Set) -> int:
    return len(value.keys if isinstance(value, ast.Dict) else value.elts)


def _each_its_own(hot: Hot) -> bool:
    """What is parsed goes into a collection: each item is one of its own."""
    parent = hot.source.parents.get(hot.node)
    return isinstance(parent, ast.Call) and last_name(parent.func) in ("append", "put", "add", "put_nowait", "submit")


_WRITES = frozenset(
    "run call check_call check_output Popen system save write dump to_csv write_text replace rename".split()
)


def _written_between(hot: Hot) -> bool:
    """The passes run a program, or write a file: the next one may read another text."""
    file = isinstance(hot.node, ast.Call) and last_name(hot.node.func) == "parse"
    inside = (each for loop in hot.source.loops(hot.node) for each in ast.walk(loop))
    return file and any(isinstance(each, ast.Call) and last_name(each.func) in _WRITES | {"sleep"} for each in inside)


def _changes_the_result(hot: Hot) -> bool:
    """Each pass changes what it has parsed, and so needs one of its own."""
    statement = hot.source.statement(hot.node)
    region: ast.AST | None = next(iter(hot.source.loops(hot.node)), None) or hot.source.function(hot.node)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return region is not None and any(
        isinstance(each, ast.Name) and is_changed(hot.source, region, each, rebound=False) for each in targets
    )


PATTERNS = (
    Pattern(
        id="yaml-python-loader",
        title="PyYAML reads (or writes) the document with its pure Python code",
        replacement="Use the C code of libyaml: yaml.load(text, Loader=yaml.CSafeLoader), yaml.dump(data, Dumper=yaml.CSafeDumper); "
        "JSON for large data of your own",
        snippet="data = yaml.load(file, Loader=yaml.CSafeLoader)",
        when=(
            any_of(
                below("yaml/scanner.py"), below("yaml/reader.py"), below("yaml/parser.py"), below("yaml/emitter.py")
            ),
        ),
        unless=(deep("ruamel/yaml/"),),
        leave="PyYAML was built without libyaml, or a loader class of your own is needed.",
        price=Price("amdahl", (6, 12), probe="one document with CSafeLoader"),
        source="OpenJobDescription/openjd-model-for-python#219 (9-11x), kxr/o-must-gather#33 (6.8 to 0.5 s), y-scope/clp#1402",
        stages=("etl", "serving"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="xml-dom-in-python",
        title="xml.dom.minidom builds a tree of Python objects for the whole document",
        replacement="Go through it with xml.etree.ElementTree.iterparse (or lxml.etree.iterparse) and clear each element when it is done",
        snippet="for _, item in ElementTree.iterparse(path):\n    if item.tag == 'record':\n        use(item)\n        item.clear()",
        when=(below("xml/dom/expatbuilder.py"),),
        leave="Small documents, or a tree that is changed and written again.",
        price=Price("amdahl", (4, 15), probe="one document with ElementTree"),
        source="rfk/dexml#4 (124 s of 130), XKNX/xknxproject#54, TranslatorSRI/pubmed2db#25 (10.7 to 1.3 s, 2.07 to 0.02 GiB)",
        stages=("etl",),
    ),
    Pattern(
        id="soup-python-parser",
        title="BeautifulSoup parses HTML with a parser that is written in Python",
        replacement="Parse with selectolax or lxml.html where a few tags are read; at least give BeautifulSoup(html, 'lxml') and a "
        "SoupStrainer (parse_only=) for the part that is used",
        snippet="tree = LexborHTMLParser(html)\ntitles = [node.text() for node in tree.css('h2')]",
        when=(
            below("bs4/"),
            any_of(
                deep("html/parser.py"),
                deep("bs4/builder/_htmlparser.py"),
                deep("html5lib/"),
                deep("bs4/builder/_html5lib.py"),
            ),
        ),
        unless=(less(passes=5),),
        leave="A few pages, or broken pages that only html5lib reads as browsers do.",
        price=Price("amdahl", (1.5, 20), probe="10 of the pages with lxml and selectolax"),
        source="mediacloud/metadata-lib#16, pesu-dev/auth#43 (20-30x), incubateur-ademe/quefairedemesobjets#1009 (10-20x)",
        stages=("etl", "serving"),
    ),
    Pattern(
        id="document-parsed-again",
        title="The same text is parsed again in each pass",
        replacement="Parse it once before the loop, and look things up in the result",
        snippet="soup = BeautifulSoup(page, 'lxml')  # once\nfor key in keys:\n    use(soup, key)",
        when=(
            calls(
                "bs4.BeautifulSoup",
                "lxml.html.fromstring",
                "lxml.etree.fromstring",
                "lxml.etree.parse",
                "xml.etree.ElementTree.fromstring",
                "xml.etree.ElementTree.parse",
                "xml.dom.minidom.parseString",
                "xml.dom.minidom.parse",
                "json.loads",
                "yaml.safe_load",
            ),
            in_loop(),
            same_work(),
            not_if(any_of(thrown_away(), _each_its_own)),
        ),
        unless=(cached(), _changes_the_result, _written_between, less(passes=2)),
        beats=("soup-python-parser", "json-line-loop", "file-loaded-again", "yaml-python-loader", "xml-dom-in-python"),
        leave="The passes change what they have parsed, and each needs a fresh one.",
        price=Price("once"),
        source="hedyorg/hedy#932, saltstack/salt#16407 (the same cause with YAML)",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="document-searched-per-key",
        title="The whole document is searched from its top once per key",
        replacement="Go through it once and keep a dict from key to element: by_id = {each.get('id'): each for each in root.iter('item')}",
        snippet="by_id = {each.get('id'): each for each in root.iter('item')}  # once\nitem = by_id[key]",
        when=(
            in_loop(),
            any_of(
                _walks_one_document,
                all_of(
                    _searches_one_document,
                    any_of(
                        below("xml/etree/ElementPath.py", through="xml/"),
                        below("bs4/"),
                        calls(
                            "lxml.*.xpath",
                            "lxml.*.find*",
                            "lxml.*.iterfind",
                            "xml.etree.*.find*",
                            "xml.etree.*.iterfind",
                        ),
                    ),
                ),
            ),
        ),
        unless=(less(passes=20), _few_keys),
        beats=("rows-matched-by-scan",),
        leave="A few keys, or a search that changes its form with the key.",
        price=Price("once"),
        source="CISecurity/OVALRepo#1820 (205 s of 384 in getElementById), OCR-D/core#482 (261 min to 2 s), objectionary/eo#8077",
        stages=("etl",),
    ),
)
