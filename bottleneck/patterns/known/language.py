"""Text in a natural language: words looked up, cut and compared one at a time."""

import ast

from ..fixed import unchanged
from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import cached, known, less
from ..shapes import any_of, below, calls, deep, matches
from ..source import Source
from ..syntax import last_name


def _words_of_a_fixed_list(hot: Hot) -> bool:
    """``stopwords.words("english")``: what it is asked for does not change."""
    return isinstance(hot.node, ast.Call) and unchanged(
        hot, *hot.node.args, *(each.value for each in hot.node.keywords)
    )


def _per_word(hot: Hot) -> bool:
    """``stemmer.stem(word)`` and its kin, one word a call, of words that can repeat and without a cache around it."""
    node = hot.node
    if not isinstance(node, ast.Call) or last_name(node.func) not in ("stem", "lemmatize") or not node.args:
        return False
    if any(path.startswith("functools.") for path in hot.source.paths(node.func)):
        return False
    loop = next(iter(hot.source.loops(node)), None)
    items = [each.iter for each in getattr(loop, "generators", [loop]) if hasattr(each, "iter")]
    distinct = (
        "builtins.set()*",
        "builtins.dict()*",
        "builtins.frozenset()*",
        "collections.Counter()*",
        "*.unique()",
        "*.vocabulary_*",
    )
    return not any(matches(path, *distinct) for each in items for path in hot.source.paths(each))


def _compares_pairs(hot: Hot) -> bool:
    """Two loops, or a loop in a function that a loop calls, compare every pair."""
    loops = hot.source.loops(hot.node)
    generators = sum(len(getattr(each, "generators", [each])) for each in loops)
    if loops and isinstance(hot.node, ast.Call) and _fields_of_a_pair(hot.node):
        return False
    return generators >= 2 or (generators == 1 and (hot.seen.looped or _function_in_loop(hot)))


def _fields_of_a_pair(call: ast.Call) -> bool:
    """``ratio(one[field], other[field])``: what is compared was paired before."""
    keys = [each.slice for each in call.args if isinstance(each, ast.Subscript)]
    return len(keys) >= 2 and len({ast.dump(each) for each in keys}) == 1


def _function_in_loop(hot: Hot) -> bool:
    function = hot.source.function(hot.node)
    return isinstance(function, ast.FunctionDef) and any(
        hot.source.loops(call) for call in hot.source.calls.get(function.name, [])
    )


def _plus_one(value: ast.expr) -> bool:
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and getattr(value.right, "value", None) == 1


def _is_edit_step(source: Source, call: ast.Call) -> bool:
    """``min(above + 1, left + 1, corner + cost)``."""
    given = call.args
    if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
        given = given[0].elts
    sums = [each for each in given if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Add)]
    return (
        len(given) == 3
        and len(sums) >= 2
        and sum(map(_plus_one, sums)) >= 2
        and "builtins.min" in source.paths(call.func)
    )


def _edit_distance(hot: Hot) -> bool:
    """The line stands in the inner one of the two loops that fill the table of an edit distance."""
    loops = [each for each in hot.source.loops(hot.node) if isinstance(each, ast.For)]
    if len(loops) != 2 or hot.seen.below:
        return False
    inside = list(ast.walk(loops[0]))
    steps = [each for each in inside if isinstance(each, ast.Call) and last_name(each.func) == "min"]
    letters = [each for each in inside if isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.Eq | ast.NotEq)]
    return bool(letters) and any(_is_edit_step(hot.source, each) for each in steps)


def _in_pandas_or_loop(hot: Hot) -> bool:
    """The line runs once per row: in a loop, or below a column's ``apply`` or a reader's ``converters``."""
    return in_loop()(hot) or any(frame.is_in("pandas/") for frame in hot.seen.below[:1])


def _evaluates_text(hot: Hot) -> bool:
    """``eval(text)`` of one value per pass, nothing else being called."""
    node = hot.node
    if not isinstance(node, ast.Call) or "builtins.eval" not in hot.source.paths(node.func) or hot.seen.below:
        return False
    if len(node.args) != 1 or node.keywords or "builtins.compile()" in hot.source.paths(node.args[0]):
        return False  # an expression over other values, or compiled once
    return hot.seen.rivals <= {node} and in_loop()(hot) and bool(node.args) and not unchanged(hot, node.args[0])


PATTERNS = (
    Pattern(
        id="stopwords-reread",
        title="nltk reads its list of stop words from disk again for each word or text",
        replacement="Read it once into a set: STOP = frozenset(stopwords.words('english')), and test word in STOP",
        snippet="STOP = frozenset(stopwords.words('english'))  # once\nwords = [word for word in words if word not in STOP]",
        when=(
            calls("nltk.corpus.*.words"),
            any_of(in_loop(), known(handler=True)),
            _words_of_a_fixed_list,
            below("nltk/corpus/"),
        ),
        unless=(cached(), less(passes=10)),
        leave="A few calls.",
        price=Price("amdahl", (10, 500)),
        source="StackOverflow 19560498 (stop words read once), gunthercox/ChatterBot#1499",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="tagger-loaded-per-call",
        title="nltk loads its tagger from disk again for each call of pos_tag",
        replacement="Tag many sentences with one call, nltk.pos_tag_sents(sentences), or make one PerceptronTagger() and call its tag",
        snippet="TAGGER = nltk.PerceptronTagger()  # once\ntagged = [TAGGER.tag(words) for words in sentences]",
        when=(
            in_loop(),
            calls("nltk.pos_tag", "nltk.tag.pos_tag", "nltk.PerceptronTagger", "nltk.tag.PerceptronTagger"),
            deep("nltk/tag/perceptron.py", "load", "load_from_json", "__init__"),
        ),
        unless=(cached(), less(passes=5)),
        leave="A few calls.",
        price=Price("once"),
        source="dreyco676/nlp_spark#2, nltk/nltk#1222, #3300 (nltk 3.8.2 loads it at each call)",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="word-form-per-token",
        title="The same words are stemmed or lemmatised again and again, each in pure Python",
        replacement="Keep the form of each distinct word: functools.cache around the stem or lemmatize call, or a dict over the vocabulary",
        snippet="@functools.cache\ndef stem(word):\n    return STEMMER.stem(word)",
        when=(
            _per_word,
            in_loop(),
            any_of(
                below("nltk/stem/", through="nltk/"),
                below("nltk/corpus/reader/wordnet.py", through="nltk/"),
            ),
        ),
        unless=(cached(), less(passes=1000)),
        leave="The texts have few words in common.",
        price=Price("amdahl", (3, 30), probe="the distinct words of 1,000 texts against all of them"),
        source="GSA/srt-fbo-scraper#221 (150 to 14 s), neulab/compare-mt#133 (-70 %)",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="fuzzy-every-pair",
        title="Every pair of texts is scored by a call of its own",
        replacement="Score whole blocks in C++ with rapidfuzz.process.cdist(left, right, scorer=..., score_cutoff=..., workers=-1), "
        "and compare only within groups that share a key (postcode, first letters)",
        snippet="scores = process.cdist(left, right, scorer=fuzz.ratio, score_cutoff=90, workers=-1)\npairs = np.argwhere(scores)",
        when=(
            any_of(
                calls(
                    "fuzzywuzzy.*",
                    "thefuzz.*",
                    "rapidfuzz.fuzz.*",
                    "rapidfuzz.distance.*",
                    "Levenshtein.*",
                    "jellyfish.*",
                ),
                below("fuzzywuzzy/"),
                below("thefuzz/"),
            ),
            any_of(_compares_pairs, deep("fuzzywuzzy/process.py"), deep("thefuzz/process.py")),
            in_loop(),
        ),
        unless=(calls("rapidfuzz.process.*"), less(passes=100)),
        beats=("difflib-every-pair",),
        leave="A few pairs.",
        price=Price("amdahl", (4, 100), probe="1,000 pairs with cdist"),
        source="seatgeek/thefuzz#10, DemocracyClub/UK-Polling-Stations#2690 (5-100x), ThioJoe/YT-Spammer-Purge#752 (3.83 to 0.12 s)",
        stages=("etl",),
    ),
    Pattern(
        id="edit-distance-by-hand",
        title="An edit distance is computed letter by letter in Python",
        replacement="Use rapidfuzz.distance.Levenshtein.distance(a, b, score_cutoff=...), or rapidfuzz.process.cdist for many pairs",
        snippet="from rapidfuzz.distance import Levenshtein\nfar = Levenshtein.distance(a, b, score_cutoff=3)",
        when=(_edit_distance,),
        leave="The costs of the steps differ in a way that no library knows.",
        price=Price("amdahl", (50, 1000)),
        source="seatgeek/fuzzywuzzy#101 (42 s pure, 2.2 s in C), ThioJoe/YT-Spammer-Purge#752 (another 30x with rapidfuzz)",
        whole_loop=True,
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="literal-eval-per-row",
        title="Text that looks like Python is parsed by ast.literal_eval (or eval) for each value",
        replacement="Store the column with its type (a list column in Parquet, or JSON) and read that; "
        "until then json.loads (orjson.loads) where the text is JSON as well",
        snippet="frame['tags'] = [json.loads(text) for text in frame['tags']]  # once\nframe.to_parquet('tags.parquet')",
        when=(
            any_of(
                below("ast.py", "literal_eval"), below("ast.py", "literal_eval", through="pandas/"), _evaluates_text
            ),
            _in_pandas_or_loop,
        ),
        unless=(less(passes=1000),),
        leave="A few values.",
        price=Price("amdahl", (5, 40), probe="1,000 of the values with json.loads"),
        source="PnX-SI/GeoNature#1513 (about 10x), BerriAI/litellm#7545, StackOverflow 21223392",
        stages=("etl",),
    ),
)
