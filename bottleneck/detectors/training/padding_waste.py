"""Much of each batch is padding."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.compiles import Compiles
from ...artifacts.training.padding import Padding, saved_share
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import gain, seconds_saved_by_less_work
from .. import Detector
from .._common import limit_after, location


class PaddingWaste(Detector):
    """Sequences of very different lengths share a batch, and each is padded to the longest, or to a fixed length.

    Why it matters
        The model computes on every position; its results on padding are thrown away.
    How it is measured
        One batch in 16 that the DataLoader returns is inspected: the sum of its attention mask, or the run of one
        value at the end of its rows. The work of those steps against their padded size tells how it grows with size in
        this run; the recorded lengths, sorted and cut into batches again, give the sizes that remain.
    How to fix it
        Pad to the longest sequence of the batch (padding="longest" of a tokenizer). Batch sequences of similar length:
        sort within chunks of a shuffled order, or pack several into a row.
    When to ignore it
        When every batch has to have one shape: compiled models, CUDA graphs, TPUs, a layer over all positions.
    """

    id = "padding-waste"
    title = "Much of each batch is padding"
    stage = "training"
    waste_threshold = 0.30  # of the positions (own)
    min_batches = 5  # looked at after warm-up: fewer do not tell how much is padding ...
    min_rows = 50  # ... unless they have so many sequences
    slope_batches = 12  # fewer give no slope
    assumed = (0.8, 0.3, 1.2)  # exponent of the work and its range, where it cannot be measured (a guess)
    least_exponent = 0.3  # measured, but not surely above 0: less is taken for none
    min_spread = 0.03  # of the padded lengths: all alike is a fixed shape
    full_shape = 0.7  # of a fixed shape, used by the longest sequence of a batch: the shape is what the data need
    chunk_batches = 50  # sorted together by the fix: few enough that the order stays random
    max_exponent = 2.0  # attention's; what seems to grow faster is noise

    def detect(
        self, steps: Steps, padding: Padding, loader: Loader, loading: Loading | None, compiles: Compiles | None
    ) -> Outcome:
        if padding.waste_share < self.waste_threshold:
            return Fine(padding.waste_share, self.waste_threshold, "share", "share of positions that are padding")
        if padding.count < self.min_batches and len(padding.lengths) < self.min_rows:
            return NotMeasured(f"Only {padding.count} batches were looked at.")
        width, bucketed = padding.width.astype(float), padding.bucketed(self.chunk_batches)
        fixed = padding.spread < self.min_spread
        if fixed:
            bucketed = padding.longest.astype(float)
            used = float(bucketed.mean() / width.mean())
            needed = padding.one_length or (compiles is not None and compiles.first)
            if used >= self.full_shape or needed:
                return Fine(used, self.full_shape, "share", "length of the longest sequence: the shape is fixed")
        work = float(steps.work().mean())
        measured = padding.count >= self.slope_batches and not fixed
        found = padding.exponent() if measured else self.assumed
        exponent, low, high = (min(self.max_exponent, max(0.0, value)) for value in found)
        if low <= 0 and exponent < self.least_exponent:
            return NotMeasured("How the work grows with the padded length cannot be told from so few batches.")

        def saved_when(exponent: float) -> float:
            return seconds_saved_by_less_work(steps, loading, work * saved_share(width, bucketed, exponent), 1.0)

        saved = saved_when(exponent)
        whole = float(steps.phase("forward").sum() + steps.phase("backward").sum())
        return self.finding(
            location=location((padding.site if fixed else None) or loader.site),
            evidence=(
                Evidence("share of positions that are padding", padding.waste_share, "share"),
                Evidence("padded length", round(width.mean()), "count"),
                Evidence("mean used length", round(padding.lengths.mean()), "count"),
                Evidence(
                    "longest sequence of a batch" if fixed else "padded length when batched by length",
                    round(bucketed.mean()),
                    "count",
                ),
                Evidence(
                    f"exponent of step work against padded length{'' if measured else ' (assumed)'}", round(exponent, 2)
                ),
                Evidence("batches inspected", padding.count, "count"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"{1 - bucketed.mean() / width.mean():.0%} fewer positions in batches "
                f"{'as long as their longest sequence' if fixed else 'of like length'}; the work of a step grows with "
                f"their power of {exponent:.2f}",
                low_seconds=saved_when(low),
                high_seconds=saved_when(high),
                step_share=saved / max(steps.total_seconds, 1e-9),
                relative_error=0.10,
                confidence=0.8 if measured and low > 0 else 0.4,
            ),
            fix=_TO_LONGEST if fixed else _by_length(self.chunk_batches),
            after=limit_after(steps, loading, saved / max(steps.count, 1), "the remaining work of the step"),
            removes={
                name: saved * float(steps.phase(name).sum()) / max(whole, 1e-9) for name in ("forward", "backward")
            },
        )


_TO_LONGEST = Fix(
    "Pad each batch only to its longest sequence",
    'encoded = tokenizer(texts, padding="longest", truncation=True, return_tensors="pt")  # not "max_length"\n'
    "# or collate_fn=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8)",
    effort=1,
    risk=0.1,  # code that relies on the shape
)


def _by_length(chunk_batches: int) -> Fix:
    return Fix(
        "Batch sequences of similar length",
        "class ByLength(torch.utils.data.Sampler):\n"
        "    def __iter__(self):\n"
        f"        order = torch.randperm(len(lengths)).split({chunk_batches} * batch_size)\n"
        "        parts = [part[lengths[part].argsort()] for part in order]\n"
        "        batches = [b for part in parts for b in part.split(batch_size)]\n"
        "        for i in torch.randperm(len(batches)).tolist():\n"
        "            yield batches[i].tolist()\n"
        "    def __len__(self):\n"
        f"        parts = torch.arange(len(lengths)).split({chunk_batches} * batch_size)\n"
        "        return sum(-(-len(part) // batch_size) for part in parts)\n"
        "# lengths: a tensor with the length of every sample\n"
        "DataLoader(dataset, batch_sampler=ByLength(), collate_fn=...)\n"
        "# a Trainer of transformers does it by itself, with\n"
        '# TrainingArguments(train_sampling_strategy="group_by_length"), before version 5 group_by_length=True',
        effort=2,
        risk=0.1,  # another order
    )
