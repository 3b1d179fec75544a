"""Servers: what a request makes anew although the process could keep it."""

import ast

from ..fixed import thrown_away
from ..independence import as_they_come, independent_above
from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..one_item import (
    batch_of_one,
    is_typed_in,
    many_by_name,
    of_its_own_size,
    of_the_one_row,
    one_row,
    where_the_row_is_made,
    without_gradient,
)
from ..places import cached, handler, less, more, of_request
from ..polls import until_ready
from ..shapes import all_of, any_of, below, calls, deep, first, listed, matches, not_if

_POOLS = (
    "concurrent.futures.*PoolExecutor",
    "multiprocessing.Pool",
    "multiprocessing.pool.Pool",
    "multiprocessing.pool.ThreadPool",
)


def _trains(hot: Hot) -> bool:
    """A file on the way to the line computes gradients, and the line is not kept out of them."""
    if without_gradient(hot):
        return False
    sources = (hot.source, *(each for each, _ in hot.seen.callers))
    return any(name in source.calls for source in sources for name in ("backward", "grad"))


def _pool_made_here(hot: Hot) -> bool:
    """The function around the node makes its own pool."""
    function = hot.source.function(hot.node)
    made = [each for each in ast.walk(function) if isinstance(each, ast.Call)] if function is not None else []
    return any(matches(path, *_POOLS) for each in made for path in hot.source.paths(each.func))


PATTERNS = (
    Pattern(
        id="model-load-in-handler",
        title="The model (or tokenizer) is loaded again for each request",
        replacement="Load it once at start-up (FastAPI lifespan, or module level before the workers fork) or behind "
        "functools.lru_cache",
        snippet="@functools.lru_cache(maxsize=1)\ndef model():\n    return torch.load(PATH).eval()",
        when=(
            handler(),
            calls(
                "torch.load",
                "torch.jit.load",
                "joblib.load",
                "pickle.load",
                "onnxruntime.InferenceSession",
                "spacy.load",
                "whisper.load_model",
                "keras.models.load_model",
                "keras.saving.load_model",
                "tensorflow.keras.models.load_model",
                "tensorflow.saved_model.load",
                "transformers.pipeline",
                "*.from_pretrained",
                "sentence_transformers.SentenceTransformer",
                "safetensors.torch.load_file",
                "xgboost.Booster().load_model",
                "llama_cpp.Llama",
            ),
        ),
        unless=(cached(), of_request(), less(passes=2)),
        leave="A bounded cache of many models, or the first request only.",
        price=Price("once"),
        source="WelkinU/yolov5-fastapi-demo#3 (hundreds of ms), aliviahossain/Disease-prediction#561 (3-5 s)",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="http-connection-per-call",
        title="Each HTTP call opens a connection of its own: DNS, TCP and TLS again",
        replacement="Keep one requests.Session (httpx.Client, aiohttp.ClientSession) per process, with a pool of the "
        "right size, and call that",
        snippet="SESSION = requests.Session()  # module level\nanswer = SESSION.get(url)",
        when=(
            any_of(handler(), in_loop()),
            calls(
                "requests.*",
                "httpx.get",
                "httpx.post",
                "httpx.request",
                "urllib.request.urlopen",
                "aiohttp.ClientSession*",
                "urllib3.request",
            ),
            any_of(
                deep("ssl.py", "do_handshake"),
                deep("socket.py", "create_connection", "getaddrinfo"),
                deep("urllib3/util/connection.py", "create_connection"),
            ),
        ),
        unless=(calls("requests.Session().*"), less(passes=20), until_ready()),
        beats=("serial-downloads",),
        leave="One call in the life of the process, or a peer that closes its connections.",
        price=Price("once"),
        source="fsspec/gcsfs#50 (116 to 48 ms), achillean/shodan-python#28 (-400 ms), aio-libs/aiohttp#729",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="ssl-context-per-client",
        title="Each new client parses the bundle of certificates again",
        replacement="Make one httpx.Client (or one client of the SDK) at start-up, or share one SSL context with verify=",
        snippet="CLIENT = httpx.Client()  # module level",
        when=(
            any_of(handler(), in_loop()),
            any_of(
                deep("ssl.py", "create_default_context", "load_default_certs", "load_verify_locations"),
                deep("httpx/_config.py", "create_ssl_context"),
            ),
        ),
        unless=(cached(),),
        beats=("http-connection-per-call", "serial-downloads"),
        leave="One client per tenant with certificates of its own (share the context).",
        price=Price("once"),
        source="encode/httpx#2298 (100 ms each), #838, #3627, sethmlarson/truststore#171 (15 ms), agentscope-ai/agentscope#2063",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="db-connection-per-request",
        title="Each request opens its own connection to the database",
        replacement="Make the engine or the pool at start-up (sqlalchemy.create_engine, psycopg_pool.ConnectionPool) and "
        "take a session from it per request",
        snippet="POOL = psycopg_pool.ConnectionPool(DSN)  # module level\nwith POOL.connection() as connection:\n    ...",
        when=(
            handler(),
            calls(
                "psycopg.connect",
                "psycopg2.connect",
                "pymysql.connect",
                "mysql.connector.connect",
                "asyncpg.connect",
                "pyodbc.connect",
                "pymongo.MongoClient",
                "sqlalchemy.create_engine",
                "sqlalchemy.ext.asyncio.create_async_engine",
            ),
        ),
        unless=(cached(), less(passes=2)),
        leave="Serverless with a pooler outside, or SQLite.",
        price=Price("once"),
        source="steveyeow/Feynman#145, lihor-hub/news-dashboard#1186, milwil-2/climb-elo#183",
        stages=("serving",),
    ),
    Pattern(
        id="cloud-client-per-request",
        title="A cloud client is made for each request: service models are loaded and credentials looked up again",
        replacement="Keep one client per service, made under a lock or functools.lru_cache (boto3 clients are "
        "thread-safe, their creation is not)",
        snippet="@functools.lru_cache\ndef s3():\n    return boto3.client('s3')",
        when=(
            handler(),
            any_of(
                deep("botocore/session.py", "create_client"),
                calls(
                    "boto3.client",
                    "boto3.resource",
                    "boto3.Session().client",
                    "boto3.session.Session().client",
                    "google.cloud.storage.Client",
                    "google.cloud.bigquery.Client",
                ),
            ),
        ),
        unless=(cached(), less(passes=2)),
        beats=("ssl-context-per-client",),
        leave="Credentials per tenant (cache one client per tenant).",
        price=Price("once"),
        source="boto/boto3#1592, PrefectHQ/prefect#4115, noharm-ai/backend#592",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="grpc-channel-per-call",
        title="Each call opens and closes a gRPC channel of its own",
        replacement="Make the channel and the stub once, at module level, and use them from all threads",
        snippet="CHANNEL = grpc.insecure_channel(TARGET)\nSTUB = ModelStub(CHANNEL)",
        when=(
            any_of(handler(), in_loop()),
            calls(
                "grpc.insecure_channel",
                "grpc.secure_channel",
                "grpc.aio.insecure_channel",
                "grpc.aio.secure_channel",
                "grpc.channel_ready_future*",
            ),
        ),
        unless=(cached(), less(passes=5)),
        leave="The channels share one connection already: then only close and ready cost.",
        price=Price("once"),
        source="grpc/grpc#19100 (close 200 ms), layerai-archive/sdk#237 (10 TLS set-ups a call)",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="executor-per-request",
        title="A pool of threads or processes is started and joined each time",
        replacement="Make one ThreadPoolExecutor or ProcessPoolExecutor per process, at start-up, and submit to it",
        snippet="POOL = ThreadPoolExecutor(8)  # module level\nparts = list(POOL.map(work, items))",
        when=(
            any_of(handler(), in_loop()),
            any_of(
                deep("concurrent/futures/thread.py", "_adjust_thread_count"),
                deep("concurrent/futures/process.py", "_start_executor_manager_thread", "_spawn_process"),
                deep("multiprocessing/pool.py", "_repopulate_pool", "_terminate_pool"),
                below("multiprocessing/process.py", "start", through="multiprocessing/context.py"),
            ),
            _pool_made_here,
        ),
        unless=(less(passes=5),),
        leave="A rare route.",
        price=Price("once"),
        source="apache/airflow#39484 (4 s to 10 ms per 32 tasks), ITISFoundation/osparc-simcore#2397",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="type-adapter-per-call",
        title="pydantic compiles a validator for one use",
        replacement="Make the TypeAdapter (or the created model) once at module level, or cache the factory",
        snippet="ROWS = TypeAdapter(list[Row])  # module level\nrows = ROWS.validate_python(data)",
        when=(
            any_of(handler(), in_loop()),
            any_of(
                calls("pydantic.TypeAdapter", "pydantic.create_model"), below("pydantic/type_adapter.py", "__init__")
            ),
        ),
        unless=(cached(), less(passes=20)),
        leave="Plain model classes (compiled once), or import time.",
        price=Price("once"),
        source="temporalio/sdk-python#1695 (12 of 12 s), taskiq-python/taskiq#281, openai/openai-python#1114",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="joblib-per-request",
        title="joblib starts threads for a prediction of a few rows",
        replacement="Set model.n_jobs = 1 after loading: for a few rows the trees are faster than the threads",
        snippet="model = joblib.load(path)\nmodel.set_params(n_jobs=1)",
        when=(handler(), below("joblib/parallel.py", "_get_outputs", "_retrieve", "_start", through="sklearn/")),
        unless=(more(seconds_each=0.5),),
        beats=("sync-worker-waiting",),
        leave="Large batches.",
        price=Price("amdahl", (2, 6)),
        source="scikit-learn/scikit-learn#32455 (6x at 10 rows), #16143, #16310",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="frame-per-request",
        title="A DataFrame is built around one row for each request",
        replacement="Hand the model a numpy row in the order of its columns (np.array([[...]])), or collect several "
        "requests into one batch",
        snippet="row = np.array([[item.x, item.y]])\nscore = model.predict(row)[0]",
        when=(
            handler(),
            any_of(all_of(calls("pandas.DataFrame"), first(one_row)), all_of(below("pandas/"), of_the_one_row)),
        ),
        cause=where_the_row_is_made,
        leave="Transformers of columns need the names, or the model takes far longer.",
        price=Price("amdahl", (2.4, 5)),
        source="ModelOriented/DALEX#365 (0.48 to 0.20 s), microsoft/ml-wrappers#187 (130 rows a second)",
        stages=("serving",),
    ),
    Pattern(
        id="deepcopy-per-request",
        title="copy.deepcopy rebuilds a whole object tree for each request",
        replacement="Make a shallow copy (dict(x), copy.copy, model_copy()) and copy only the branch that changes",
        snippet="answer = {**TEMPLATE, 'id': request_id}",
        when=(handler(), calls("copy.deepcopy")),
        beats=("deepcopy-in-loop",),
        leave="Nested parts are changed later.",
        price=Price("amdahl", (3, 10)),
        source="theonlydude/RandomMetroidSolver#43 (70 % of the time), capitalone/DataProfiler#85",
        stages=("serving",),
        risk=0.4,
    ),
    Pattern(
        id="orm-lazy-n-plus-one",
        title="Each access to a related object sends a SELECT of its own (N+1 queries)",
        replacement="Load them with the query: options(selectinload(Model.items)) or joinedload, and raiseload as a guard",
        snippet="session.scalars(select(Order).options(selectinload(Order.items)))",
        when=(below("sqlalchemy/orm/strategies.py", "_load_for_state"), any_of(handler(), in_loop())),
        unless=(less(passes=5),),
        leave="One or two loads; loading everything eagerly can be worse.",
        price=Price("once"),
        source="uc-cdis/indexd#160 (1.20 to 0.23 s), conveyordata/data-product-portal#1028, Quansight/ragna#399",
        stages=("serving", "etl"),
        effort=1,
    ),
    Pattern(
        id="model-per-item",
        title="The model is called with one item at a time, so nothing reaches it as a batch",
        replacement="Hand it many: nlp.pipe(texts), encoder.encode(texts, batch_size=64), pipeline(texts, batch_size=16), "
        "or model(torch.stack(items)) for 64 items at a time",
        snippet="for doc in nlp.pipe(texts, batch_size=256):\n    use(doc)",
        when=(
            in_loop(),
            any_of(
                below("spacy/language.py", "__call__"),
                below("sentence_transformers/", "encode"),
                below("transformers/pipelines/base.py", "__call__", through="transformers/"),
                all_of(
                    below("torch/nn/modules/module.py", "_call_impl"),
                    first(batch_of_one),
                    independent_above(),
                    not_if(any_of(_trains, thrown_away(), of_its_own_size)),
                ),
            ),
        ),
        unless=(
            handler(),
            less(passes=20),
            more(seconds_each=0.5),
            first(listed),
            all_of(not_if(below("torch/")), first(many_by_name)),
            as_they_come(),
            is_typed_in,
        ),
        leave="Long texts, inputs of sizes of their own, a device that is full already, or batches under four.",
        price=Price("amdahl", (2, 7)),
        source="explosion/spaCy#5239 (14 to 2 s), boudinfl/pke#121 (33 to 12 s), MinishLab/model2vec#56",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="regex-per-request",
        title="A regular expression is compiled again for each request",
        replacement="Compile once at module level with re.compile",
        snippet="WORDS = re.compile('|'.join(map(re.escape, words)))",
        when=(
            handler(),
            any_of(deep("re/_compiler.py"), deep("re/_parser.py"), deep("sre_compile.py"), deep("sre_parse.py")),
            calls("re.*"),
        ),
        unless=(cached(),),
        beats=("regex-in-loop",),
        leave="The pattern is found in the cache.",
        price=Price("once"),
        source="YARA-Silly-Silly/yarasilly2#48 (4.55 to 1.21 s), nipunsadvilkar/pySBD#41",
        stages=("serving",),
        effort=1,
    ),
)
