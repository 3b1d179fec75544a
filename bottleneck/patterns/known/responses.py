"""Servers: what is done to an answer (or to a request's body) between the handler and the wire."""

import ast

from ..causes import answered, given
from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import handler, known, less, more, over, uses
from ..shapes import all_of, any_of, below, calls, deep, leaf, method
from ..syntax import last_name


def _values_out_of_an_array(hot: Hot) -> bool:
    """``x.tolist()`` alone on its line, or in what json encodes, in a file that uses arrays."""
    made = [each for each in ast.walk(hot.node) if isinstance(each, ast.Call) and _is_tolist(each)]
    if not made or not isinstance(hot.node, ast.Call) or not uses("numpy", "torch", "jax", "tensorflow")(hot):
        return False
    if hot.seen.below:
        return hot.node not in made and deep("json/encoder.py")(hot)
    return hot.node in made and hot.seen.rivals <= {hot.node}


def _is_tolist(call: ast.Call) -> bool:
    return last_name(call.func) == "tolist" and not call.args


def _grows_by_the_token(hot: Hot) -> bool:
    """The argument of ``decode`` is a list that the same loop appends to, whole."""
    given = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    if not isinstance(given, ast.Name):
        return False
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in ("append", "extend")
        and isinstance(each.func.value, ast.Name)
        and each.func.value.id == given.id
        for loop in hot.source.loops(hot.node)
        for each in ast.walk(loop)
    )


# The validator itself is compiled code: the last frame is the one that calls it.
_VALIDATES = any_of(
    leaf("pydantic/type_adapter.py", "validate_python"),
    leaf("fastapi/_compat/v2.py", "validate"),
    leaf("fastapi/_compat.py", "validate"),
)

PATTERNS = (
    Pattern(
        id="jsonable-encoder-walk",
        title="FastAPI's jsonable_encoder visits every value of the answer in Python before it is encoded as JSON",
        replacement="Return a finished Response (orjson.dumps(page)), or declare the return type so that pydantic "
        "serializes the answer directly",
        snippet="return Response(orjson.dumps(page), media_type='application/json')",
        when=(deep("fastapi/encoders.py", "jsonable_encoder"),),
        unless=(known(loading=True),),
        cause=answered(),
        leave="Bodies under 10 KB, or odd types that need the encoder.",
        price=Price("amdahl", (5, 50), besides=0.2),  # json.dumps of the answer
        source="fastapi/fastapi#1224 (6.3 s stall), #2615 (6x), wri/gfw-data-api#170",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="response-validated-again",
        title="The answer is validated again although the handler has built the same models",
        replacement="Return plain dicts with one declared response_model, or response_model=None and a Response made by "
        "TypeAdapter.dump_json; validate requests with model_validate_json",
        snippet="return Response(PAGES.dump_json(items), media_type='application/json')  # PAGES: one TypeAdapter",
        when=(
            any_of(
                all_of(deep("fastapi/routing.py", "serialize_response"), _VALIDATES),
                over("fastapi/routing.py", "serialize_response"),  # a validator of the user's
            ),
        ),
        cause=answered(),
        leave="Untrusted or filtered output, and small models.",
        price=Price("amdahl", (2, 4)),
        source="fastapi/fastapi#1359, #210 (4x), supabase/supabase-py#1482",
        stages=("serving",),
    ),
    Pattern(
        id="request-validated-by-item",
        title="pydantic validates each item of a large list in the request's body",
        replacement="Take arrays as bytes (np.frombuffer(await request.body(), np.float32)), or validate the bytes at once "
        "with a module-level TypeAdapter.validate_json",
        snippet="rows = np.frombuffer(await request.body(), np.float32).reshape(-1, 64)",
        when=(
            deep("fastapi/dependencies/utils.py", "request_body_to_args"),
            _VALIDATES,
        ),
        cause=given(),
        leave="Small bodies, or input that nobody else checks.",
        price=Price("measure", probe="one body as bytes"),
        source="fastapi/fastapi#1359, #210, supabase/supabase-py#1482 (the same cause in answers)",
        stages=("serving",),
    ),
    Pattern(
        id="arrays-as-json",
        title="Each number of an array becomes a Python object and then JSON text, for each response",
        replacement="Send float32 bytes (a binary body, or base64 of tobytes()), or let orjson read the array: "
        "orjson.dumps(x, option=orjson.OPT_SERIALIZE_NUMPY)",
        snippet="return Response(orjson.dumps(scores, option=orjson.OPT_SERIALIZE_NUMPY))",
        when=(
            handler(),
            any_of(_values_out_of_an_array, method("to_dict", "to_json", of="pandas")),
        ),
        unless=(known(device="cuda"), less(seconds_each=0.001)),
        beats=("json-text-per-response",),
        leave="Under 1,000 numbers; where the contract says JSON text, orjson alone.",
        price=Price("amdahl", (1.4, 3.3)),
        source="ai-dynamo/dynamo#10221, tobocop2/lilbee#601 (785 ms per 1,000 vectors), chroma-core/chroma#2681",
        stages=("serving",),
    ),
    Pattern(
        id="json-text-per-response",
        title="Python's json module encodes the answer value by value, for each response",
        replacement="Encode with orjson.dumps and return the bytes as a finished Response; keep the bytes where an answer "
        "repeats",
        snippet="return Response(orjson.dumps(page), mimetype='application/json')",
        when=(
            handler(),
            any_of(
                calls(
                    "json.dumps", "flask.jsonify", "starlette.responses.JSONResponse", "fastapi.responses.JSONResponse"
                ),
                below("flask/json/"),
            ),
            any_of(deep("json/encoder.py"), deep("json/__init__.py", "dumps"), lambda hot: not hot.seen.below),
        ),
        unless=(less(seconds_each=0.001),),
        leave="Small answers.",
        price=Price("amdahl", (1.25, 2.1), probe="one answer with orjson"),
        source="dwavesystems/dwave-cloud-client#423 (41.6 to 19.6 ms), stac-utils/stac-fastapi-elasticsearch-opensearch#347",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="full-decode-per-token",
        title="The whole text is decoded again for each token that is generated",
        replacement="Decode only the last tokens (a window, or a streamer such as transformers.TextIteratorStreamer)",
        snippet="piece = tokenizer.decode(tokens[-8:])",
        when=(
            any_of(method("decode", of="transformers"), method("decode", of="tokenizers")),
            in_loop(),
            _grows_by_the_token,
        ),
        unless=(less(passes=300), known(growing=False)),
        leave="Under 300 tokens.",
        price=Price("growth"),
        source="ai-dynamo/dynamo#2413 (50-100x of that step), sgl-project/sglang#653",
        stages=("serving",),
    ),
    Pattern(
        id="python-tokenizer",
        title="The slow tokenizer, written in Python, cuts the text",
        replacement="Use the fast class (AutoTokenizer.from_pretrained(name, use_fast=True)) and hand it lists of texts",
        snippet="tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True)\nids = tokenizer(texts)",
        when=(
            deep("transformers/tokenization_utils_base.py"),
            any_of(
                deep("transformers/tokenization_python.py", "_encode_plus", "_batch_encode_plus", "tokenize"),
                deep("transformers/tokenization_utils.py", "_encode_plus", "_batch_encode_plus", "tokenize"),
            ),
        ),
        beats=("tokenise-in-loader",),
        leave="The model has no fast version.",
        price=Price("measure", probe="100 of the texts with the fast class"),
        source="QData/TextAttack#111, huggingface/transformers#5486, huggingface/tokenizers#358",
        stages=("serving", "etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="websocket-messages-deflated",
        title="Each WebSocket message is compressed (permessage-deflate) on the event loop",
        replacement="Switch the compression off: uvicorn --ws-per-message-deflate false, websockets.serve(compression=None), "
        "aiohttp WebSocketResponse(compress=False); compressed images gain nothing from it",
        snippet="uvicorn.run(app, ws_per_message_deflate=False)",
        when=(
            any_of(
                deep("websockets/extensions/permessage_deflate.py", "encode"),
                deep("wsproto/extensions.py", "frame_outbound"),
                deep("aiohttp/_websocket/writer.py", "send_frame", "_send_compressed_frame_sync"),
            ),
            more(share=0.1),
        ),
        leave="Text over a slow network, where bytes cost more than the CPU.",
        price=Price("amdahl", (4, 50)),
        source="websockets documentation, Compression; encode/uvicorn#1318 (ws_per_message_deflate)",
        stages=("serving",),
        effort=1,
        risk=0.1,
    ),
    Pattern(
        id="protobuf-pure-python",
        title="protobuf runs its pure Python implementation",
        replacement="Unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, install a current protobuf wheel, and send arrays as "
        "one bytes field",
        snippet="# environment: no PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python",
        when=(
            any_of(
                deep("google/protobuf/internal/decoder.py"),
                deep("google/protobuf/internal/encoder.py"),
                deep("google/protobuf/internal/python_message.py"),
            ),
        ),
        leave="Tiny messages, or debugging.",
        price=Price("amdahl", (10, 60)),
        source="protocolbuffers/protobuf#4967, #11062, #880, kivy/python-for-android#987",
        stages=("serving", "etl"),
        effort=1,
    ),
)
