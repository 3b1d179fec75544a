"""Loading: samples in files, and how they are stored, opened and decoded."""

import ast

from ..loops import in_loop, loop_names, varies
from ..model import Hot, Pattern, Price
from ..places import cached, draws_at_random, known, less, loading, more, somewhere
from ..shapes import all_of, any_of, below, calls, deep, leaf, matches, subscript
from ..syntax import last_name, mentions

_CUTS = frozenset("isel sel loc to_array transpose interp item values to_numpy head rename stack".split())


_MANY = 16  # samples in a chunk


def _cuts_labelled(hot: Hot) -> bool:
    """A selection, or what is made of one: ``.isel(...)``, ``.to_array()``, ``.values``."""
    node = hot.node.func if isinstance(hot.node, ast.Call) else hot.node
    return isinstance(node, ast.Attribute) and node.attr in _CUTS


# --- decoding ---------------------------------------------------------------------------------------------------------
def _shrinks(hot: Hot) -> bool:
    """Something in the file resizes to a side of at most 320, or to one that it computes: then an image that takes long
    to decode is larger than any model's input."""
    names = ("resize", "Resize", "RandomResizedCrop", "thumbnail", "imresize")
    sides = [
        [
            each.value
            for given in (*call.args[:2], *(keyword.value for keyword in call.keywords))
            for each in ast.walk(given)
            if isinstance(each, ast.Constant) and type(each.value) is int and each.value >= 8
        ]
        for name in names
        for call in hot.source.calls.get(name, [])
    ]
    computed = any(not each for each in sides) and more(seconds_each=0.015)(hot)
    return computed or any(side <= 320 for each in sides for side in each)


def _in_memory(hot: Hot) -> bool:
    """What is parsed was read before: ``np.load(io.BytesIO(data))``."""
    given = hot.node.args[:1] if isinstance(hot.node, ast.Call) else []
    return any(path.endswith("BytesIO()") for each in given for path in hot.source.paths(each))


def _stored_once(hot: Hot) -> bool:
    """The function writes the file itself where it is missing: what it keeps saves more than it costs to read."""
    function = hot.source.function(hot.node)
    return any(
        isinstance(each, ast.Call) and last_name(each.func) in ("exists", "is_file", "isfile")
        for each in (ast.walk(function) if function is not None else ())
    )


def _from_an_archive(hot: Hot) -> bool:
    """``z["x"]`` after ``with np.load(path) as z``: the array is read here, and what is inside is not what takes time."""
    node = hot.node
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and "numpy.load()" in hot.source.paths(node.value)
        and below("numpy/lib/")(hot)
        and not deep("zipfile.py", "_read1")(hot)
    )


_EARLY = {
    "ColorJitter": ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue"),
    "Normalize": ("normalize",),
    "ToTensor": ("to_tensor",),
    "RandomRotation": ("rotate",),
    "GaussianBlur": ("gaussian_blur",),
    "RandomAffine": ("affine",),
    "RandomPerspective": ("perspective",),
}
_SMALLER = ("Resize", "CenterCrop", "RandomCrop", "RandomResizedCrop")


def _works_before_it_shrinks(hot: Hot) -> bool:
    """A ``Compose([...])`` of the file has the transform that is running before one that makes the image smaller."""
    running = {frame.function for frame in hot.seen.below}
    for call in hot.source.calls.get("Compose", []):
        steps = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
        names = [last_name(each.func) if isinstance(each, ast.Call) else "" for each in steps]
        last = max((place for place, name in enumerate(names) if name in _SMALLER), default=-1)
        if any(running & set(_EARLY.get(name, ())) for name in names[: max(last, 0)]):
            return True
    return False


def _cut_after(hot: Hot) -> bool:
    """The result of the call is cut to a part in the same function: ``wave[a:b]`` or ``get_fdata()[..., k]``."""
    function = hot.source.function(hot.node)
    statement = hot.source.statement(hot.node)
    names = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    inside = ast.walk(function) if function is not None else ()
    cuts = [each for each in inside if isinstance(each, ast.Subscript)]
    return any(
        each.value is hot.node or (isinstance(each.value, ast.Name) and each.value.id in names and _is_part(each))
        for each in cuts
    )


def _is_part(node: ast.Subscript) -> bool:
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return any(isinstance(each, ast.Slice) and (each.lower or each.upper) for each in parts)


def _told_a_part(hot: Hot) -> bool:
    told = {"frame_offset", "num_frames", "offset", "duration", "start", "stop", "frames", "mmap_mode", "mmap"}
    return isinstance(hot.node, ast.Call) and any(each.arg in told for each in hot.node.keywords)


# --- HDF5 -------------------------------------------------------------------------------------------------------------
def _one_item(hot: Hot) -> bool:
    """The index is one number, of the sample or of the pass."""
    node = hot.node
    parts = (
        node.slice.elts
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)
        else [getattr(node, "slice", None)]
    )
    return isinstance(parts[0], ast.Name | ast.BinOp | ast.Call)


def _shuffled(hot: Hot) -> bool:
    """A loader of the file draws in random order, or its own code does from chunks of many samples."""
    return (_drawn(hot) and _many_in_a_chunk(hot)) or any(
        each.arg in ("sampler", "batch_sampler")
        or (each.arg == "shuffle" and getattr(each.value, "value", True) is not False)
        for call in hot.source.calls.get("DataLoader", [])
        for each in call.keywords
    )


def _drawn(hot: Hot) -> bool:
    """The index is a random draw, here or where the user's code takes the sample: ``store[int(rng.integers(n))]``."""
    callers = [(source, node) for source, line in hot.seen.callers[:1] for node in source.by_line.get(line, [])]
    return any(
        path.startswith(("numpy.random.", "random."))
        for source, node in [(hot.source, hot.node), *callers]
        if isinstance(node, ast.Subscript)
        for each in ast.walk(node.slice)
        if isinstance(each, ast.Name | ast.Call)
        for path in source.paths(each)
    )


def _many_in_a_chunk(hot: Hot) -> bool:
    """The file itself writes the data with many samples a chunk."""
    told = (
        each.value
        for call in hot.source.calls.get("create_dataset", [])
        for each in call.keywords
        if each.arg == "chunks"
    )
    first = [getattr(each.elts[0], "value", None) for each in told if isinstance(each, ast.Tuple) and each.elts]
    return any(isinstance(each, int) and each >= _MANY for each in first)


def _stored_by_sample(hot: Hot) -> bool:
    """The file itself writes the data with one sample a chunk."""
    return any(
        each.arg == "chunks"
        and isinstance(each.value, ast.Tuple)
        and each.value.elts
        and getattr(each.value.elts[0], "value", 0) == 1
        for call in hot.source.calls.get("create_dataset", [])
        for each in call.keywords
    )


def _stored_whole(hot: Hot) -> bool:
    """The file itself writes the data without chunks, which only some options of HDF5 ask for."""
    made = hot.source.calls.get("create_dataset", [])
    plain = {"name", "data", "shape", "dtype"}
    return bool(made) and all(each.arg in plain for call in made for each in call.keywords)


def _many_indices(hot: Hot) -> bool:
    """The index is a list, a mask or an array."""
    node = hot.node
    index = node.slice if isinstance(node, ast.Subscript) else None
    if isinstance(index, ast.List | ast.ListComp | ast.Compare):
        return True
    return index is not None and any(
        matches(path, "numpy.*", "builtins.sorted()", "builtins.list()") for path in (hot.seen.source.paths(index))
    )


def _goes_through_the_archive(hot: Hot) -> bool:
    """The loop takes the members as they stand, and skips some: all of it is unpacked once."""
    return any(
        path.startswith(("tarfile.open()", "tarfile.TarFile()"))
        for loop in hot.source.loops(hot.node)
        if isinstance(loop, ast.For)
        for path in hot.source.paths(loop.iter)
    )


PATTERNS = (
    Pattern(
        id="full-size-decode",
        title="Images are decoded at full size and then made small, in every epoch",
        replacement="Let the JPEG decoder scale (Image.draft, cv2.IMREAD_REDUCED_COLOR_2), or store the images once at "
        "about 1.15 times the target size",
        snippet="image = Image.open(path)\nimage.draft('RGB', (256, 256))\nimage = image.convert('RGB').resize((224, 224))",
        when=(
            loading(),
            any_of(
                below("PIL/ImageFile.py", "load"),
                all_of(below("PIL/Image.py", "resize", "thumbnail", "copy"), somewhere("PIL.Image.open")),
                calls(
                    "cv2.imread",
                    "cv2.imdecode",
                    "torchvision.io.decode_image",
                    "torchvision.io.read_image",
                    "torchvision.io.decode_jpeg",
                ),
            ),
            more(seconds_each=0.008),
            _shrinks,
        ),
        unless=(somewhere("*.draft", "?.draft"),),
        leave="The source is at most 1.5 times the target, crops need the detail, or one epoch is all.",
        whole_line=True,
        price=Price("loader", (2, 8), probe="50 of the files with draft"),  # 2 for a half, 8 for an eighth of the side
        source="open-mmlab/mmcv#214 (2x), mattmcclean/sagemaker-reinvent-chalktalk-2018#2 (3x), mila-iqia/fuel#370, roboflow/rf-detr#1391",
        stages=("loading",),
    ),
    Pattern(
        id="file-per-sample",
        title="Each sample is a small file of its own that is opened and parsed",
        replacement="Store a split as one array (np.load(path, mmap_mode='r')), as shards (tar, Arrow, LMDB), or load it "
        "into memory once",
        snippet="self.samples = np.load('train.npy', mmap_mode='r')  # in __init__",
        when=(
            loading(),
            less(seconds_each=0.005),
            more(share=0.15),
            any_of(calls("torch.load", "pickle.load", "numpy.load", "json.load", "scipy.io.loadmat"), _from_an_archive),
            any_of(varies(), lambda hot: mentions(hot.source.statement(hot.node), loop_names(hot.source, hot.node))),
        ),
        unless=(_told_a_part, _in_memory, _stored_once, cached()),
        needs=("seconds_each",),
        leave="Files above 1 MB, or a loader that keeps ahead of the training.",
        price=Price("loader", (1.5, 10), probe="a memmap of 1,000 samples"),
        source="pytorch/pytorch#108955 (11,909 loads, 3,160 s), Fangyh09/Image2LMDB#6 (1.5x), hitorilabs/papers#5 (10x)",
        stages=("loading",),
        effort=4,
    ),
    Pattern(
        id="audio-features-in-loader",
        title="Audio is resampled or turned into spectrograms again in every epoch",
        replacement="Resample the files once and store the features, or compute them per batch on the device with torchaudio",
        snippet="features = torch.from_numpy(np.load(path.with_suffix('.mel.npy'), mmap_mode='r'))",
        when=(
            loading(),
            any_of(
                below("librosa/core/audio.py", "resample"),
                below("librosa/core/audio.py", "load"),
                below("librosa/feature/"),
                below("torchaudio/transforms/"),
                below("torchaudio/functional/"),
            ),
        ),
        unless=(draws_at_random(),),
        leave="The waveform is changed at random first.",
        price=Price("loader", (2, 30)),
        source="Rudrabha/Wav2Lip#447 (0.3 to 10 iterations a second), descriptinc/melgan-neurips#19 (2x), mozilla/TTS#405",
        stages=("loading",),
    ),
    Pattern(
        id="transform-before-shrink",
        title="Costly transforms work on pixels that a later crop or resize throws away",
        replacement="Put the Resize or the crop first in Compose, stay uint8 until then, and Normalize last",
        snippet="T.Compose([T.RandomResizedCrop(224), T.ColorJitter(0.4), T.ToTensor(), T.Normalize(MEAN, STD)])",
        when=(loading(), below("torchvision/transforms/"), _works_before_it_shrinks),
        leave="A rotation needs margins, or a resize fixes the shape of the crop.",
        price=Price("loader", (2, 5)),
        source="anilsathyan7/Portrait-Segmentation#33 (epoch to a fifth), torchgeo/torchgeo#3539, Project-MONAI/tutorials#842",
        stages=("loading",),
        effort=1,
    ),
    Pattern(
        id="chunk-mismatch",
        title="Samples drawn at random unpack whole compressed chunks of the HDF5 file",
        replacement="Rewrite the file with a layout that fits: one sample a chunk (create_dataset(chunks=(1, ...), "
        "compression='lzf')), or shuffle chunks and then the samples inside them",
        snippet="store.create_dataset('x', data=x, chunks=(1, *x.shape[1:]), compression='lzf')",
        when=(
            loading(),
            subscript(of="h5py"),
            leaf("h5py/_hl/dataset.py", "__getitem__"),
            _one_item,
            _shuffled,
        ),
        unless=(_stored_by_sample, _stored_whole, known(off_cpu=True), less(seconds_each=0.0005)),
        leave="A chunk is a sample already (see dataset.chunks), or other readers need the old layout.",
        price=Price("loader", (4, 40), confidence=0.3, probe="200 MB rewritten"),
        source="AllenInstitute/ophys_etl_pipelines#459 (9.2 to 0.21 s), openclimatefix/ocf-data-sampler#254 (3.5 to 0.12 s), h5py/h5py#2568",
        stages=("loading",),
        effort=4,
        risk=0.3,
    ),
    Pattern(
        id="hdf5-fancy-index",
        title="HDF5 builds a selection per index of a list or a mask, and reads chunks again",
        replacement="Read slices or the whole block (dataset[a:b], dataset[()]) and index in memory; sort and group the "
        "indices by chunk",
        snippet="block = dataset[low : high + 1]\nrows = block[indices - low]",
        when=(below("h5py/_hl/"), any_of(deep("h5py/_hl/selections.py"), all_of(subscript(of="h5py"), _many_indices))),
        leave="Under 1,000 indices of huge rows.",
        price=Price("amdahl", (3, 12)),
        source="h5py/h5py#2536 (more than an hour), #1832, #293 (64 to 5.5 s)",
        stages=("etl", "loading"),
    ),
    Pattern(
        id="decode-more-than-used",
        title="The whole file is decoded for a small part of it",
        replacement="Read only the part: soundfile.read(start=, stop=), torchaudio.load(frame_offset=, num_frames=), "
        "librosa.load(offset=, duration=); plain .npy or .nii by memmap",
        snippet="wave, rate = soundfile.read(path, start=begin, stop=begin + length)",
        when=(
            loading(),
            calls(
                "soundfile.read", "torchaudio.load", "librosa.load", "scipy.io.wavfile.read", "nibabel.load().get_fdata"
            ),
            _cut_after,
        ),
        unless=(_told_a_part,),
        beats=("audio-features-in-loader",),
        leave="Short files, files that are used whole, or compressed audio (an offset costs there, too).",
        price=Price("loader"),
        source="MIC-DKFZ/nnUNet#566, kaiko-ai/eva#705, kitzeslab/opensoundscape#403, meta-pytorch/torchcodec#703",
        stages=("loading",),
        effort=1,
    ),
    Pattern(
        id="compressed-file-sought",
        title="A compressed file is read out of order: each step back unpacks it from its beginning again",
        replacement="Unpack the archive once (extract it, or keep an uncompressed tar, or a zip, whose members are packed "
        "one by one), or read its members in the order in which they stand",
        snippet="with tarfile.open('patches.tar.gz') as archive:\n    archive.extractall(folder)  # once; then open the files",
        when=(
            any_of(deep("_compression.py", "seek"), deep("compression/_common/_streams.py", "seek")),
            any_of(below("tarfile.py"), below("gzip.py"), below("bz2.py"), below("lzma.py"), below("zipfile.py")),
        ),
        unless=(deep("tarfile.py", "next"), _goes_through_the_archive),
        leave="One pass over a few members.",
        price=Price("once"),
        source="python/cpython#62944 (60x), thammegowda/mtdata#78, fsspec/filesystem_spec#297",
        stages=("loading", "etl"),
        effort=2,
    ),
    Pattern(
        id="labelled-array-per-sample",
        title="Each sample is cut out of a labelled array (xarray), which builds indexes and coordinates for every cut",
        replacement="Take the plain numpy values once (array = dataset['t'].to_numpy(), or .load().values) and cut those; "
        "select many samples with one vectorised isel",
        snippet="values = dataset.to_array().values  # once\nwindow = values[:, hour - 24:hour, station]",
        when=(below("xarray/"), _cuts_labelled, any_of(in_loop(), loading())),
        unless=(deep("xarray/backends/"), deep("dask/"), less(passes=50)),
        leave="Few and large cuts, or a dask-backed array that does not fit in memory.",
        price=Price("amdahl", (2, 30)),
        source="pydata/xarray#2799 (1,000x for small cuts), #2227, flexcompute/tidy3d#1464",
        stages=("loading", "etl"),
        effort=2,
    ),
)
