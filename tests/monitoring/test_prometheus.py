"""Signals of a run's machine from Prometheus: what is filled in, of which machine, and what is left as it was."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.device.energy import Energy
from bottleneck_profiler.artifacts.device.gpu import Gpu
from bottleneck_profiler.capture.servers.fetch import Http
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.monitoring import NoSamples, fill, prometheus
from bottleneck_profiler.recording.model import Recording
from memory.recordings import SECOND, recording
from monitoring.answering import Scraped, serving
from typed import add

STARTED = 1_790_000_007.0  # not at a scrape
MACHINE = {"cores": 4, "memory_bytes": 32 << 30, "hostname": "node7"}


def run(host: object = None, seconds: float = 600.0, **machine: object) -> Recording:
    """A run of ten minutes that is bare of what monitoring has."""
    made = recording(int(seconds / 0.5), 0.5, host=host, run={"machine": {**MACHINE, **machine}})  # type: ignore[arg-type]
    made.run["started_wall_ns"] = int(STARTED * 1e9)
    return made


def scraped(**options: float) -> Scraped:
    return Scraped(STARTED - 900 - 7, STARTED + 900, **options)  # type: ignore[arg-type]


def filled(made: Recording, server: Scraped, named: str = "", user: str = "") -> Recording:
    with serving(server.respond) as url:
        url = url.replace("//", f"//{user}") + (f"?instance={named}" if named else "")
        found = prometheus.read(url, Http(20.0), made.host_name, STARTED, STARTED + made.wall_seconds)
        return fill(made, found)


def test_a_machine_that_could_not_be_sampled() -> None:
    server = scraped()
    server.node("node7")
    made = filled(run(), server)
    times = made.host["time_ns"]
    assert len(times) == 40 and set(np.diff(times)) == {15 * SECOND}  # one row a scrape, not one a step
    assert times[0] - made.started_ns == 8 * SECOND and times[-1] <= made.ended_ns
    # Of 8 cores, 5.5 are idle; the run may use 4.
    assert np.allclose(made.host["idle_cores"], 4.0) and np.allclose(made.host["iowait_cores"], 0.5)
    assert np.allclose(made.host["memory_available_bytes"], 5e9)
    assert "rss_bytes" not in made.host and "busy_cores" not in made.host  # of the program nothing is known
    (note,) = made.run["notes"]
    assert (
        "node-exporter on 10.0.0.5:9100" in note and "Prometheus at http://127.0.0.1:" in note and "idle cores" in note
    )


def test_what_was_measured_stays() -> None:
    server = scraped()
    server.node("node7", busy=3.0)
    measured = {"idle_cores": lambda done: 1.0, "busy_cores": lambda done: 2.0}
    before = run(host=measured)
    made = filled(before, server)
    assert np.array_equal(made.host["idle_cores"], before.host["idle_cores"])
    assert np.array_equal(made.host["time_ns"], before.host["time_ns"])
    known = ~np.isnan(made.host["memory_available_bytes"])
    assert known.mean() > 0.9 and (made.host["memory_available_bytes"][known] == 5e9).all()
    assert np.nanmedian(made.host["other_cores"]) == pytest.approx(1.0)  # 3 are busy, of which 2 with this program
    assert "idle cores" not in made.run["notes"][0] and "other programs' cores" in made.run["notes"][0]


def test_gpus_that_nvml_could_not_see() -> None:
    server = scraped()
    server.gpu(0, 0.4)
    server.gpu(1, 0.6)
    bare = run()
    add(bare.facts, "accelerator", name="cuda")
    bare.facts.processes.append(type(bare.facts.processes[0])(1, 78))
    add(bare.facts, "accelerator", process=1, name="cuda")
    made = filled(bare, server)
    artifacts = Artifacts(made)
    gpu, energy = artifacts.get(Gpu), artifacts.get(Energy)
    assert gpu.utilization == (pytest.approx(0.4), pytest.approx(0.6)) and gpu.names == ("NVIDIA H100", "NVIDIA H100")
    assert made.gpu["memory_total_bytes"][0] == 4 << 30
    assert energy.basis == "counter" and energy.joules == pytest.approx(2 * 250 * energy.seconds)
    diagnosis = diagnose(made)
    assert diagnosis.run.gpus == ("NVIDIA H100", "NVIDIA H100")
    assert any("dcgm-exporter on node7" in note and "of the GPUs" in note for note in diagnosis.run.notes)


def test_the_gpus_of_a_pod_are_those_with_its_name() -> None:
    server = scraped()
    server.gpu(0, 0.4, pod="train-abc")
    server.gpu(1, 0.6, pod="somebody-else")
    made = filled(run(hostname="train-abc"), server)
    assert set(made.gpu["index"]) == {0} and np.allclose(made.gpu["utilization"], 0.4)


def test_rare_scrapes_are_too_few_to_judge_and_not_more_than_they_are() -> None:
    server = scraped(every=60.0)
    server.gpu(0, 0.4)
    made = filled(run(), server)
    assert len(made.gpu["time_ns"]) == 10
    with pytest.raises(Missing, match="too rarely"):
        Artifacts(made).get(Gpu)


def several() -> Scraped:
    server = scraped()
    server.node("node7", busy=2.0)
    server.node("node8", busy=7.0, address="node8:9100")
    return server


def test_the_machine_of_the_run_among_several() -> None:
    assert np.allclose(filled(run(), several()).host["idle_cores"], 4.0)  # by the name that the kernel says
    assert np.allclose(filled(run(hostname="node8"), several()).host["idle_cores"], 0.5)
    assert np.allclose(filled(run(hostname="container"), several(), "node8").host["idle_cores"], 0.5)
    with pytest.raises(NoSamples, match=r"watches 2 machines, and none is called container: .*URL\?instance=10"):
        filled(run(hostname="container"), several())
    with pytest.raises(NoSamples, match="watches no machine called node9"):
        filled(run(), several(), "node9")
    only = scraped()
    only.node("node7")
    assert "idle_cores" in filled(run(hostname="container"), only).host


def test_secrets_in_the_address_are_not_shown() -> None:
    server = scraped()
    server.node("node7")
    assert not any("secret" in note for note in filled(run(), server, user="ada:secret@").run["notes"])


def told(respond: object, seconds: float = 600.0) -> str:
    made = run(seconds=seconds)
    with serving(respond) as url, pytest.raises(NoSamples) as error:  # type: ignore[arg-type]
        fill(made, prometheus.read(url, Http(20.0), "node7", STARTED, STARTED + made.wall_seconds))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_no_prometheus_is_said_in_one_line() -> None:
    assert "answers HTTP 503" in told(lambda path: (503, "down"))
    assert "does not answer as Prometheus does: no JSON" in told(lambda path: (200, "<html>"))
    for body in ("{}", "[]", '{"status":"error"}', '{"status":"success","data":{"resultType":"vector","result":[]}}',
                 '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1]]}]}}',
                 '{"status":"success","data":{"resultType":"matrix","result":[3]}}'):  # fmt: skip
        assert "does not answer as Prometheus does" in told(lambda path, body=body: (200, body))
    assert "has no sample of node-exporter or dcgm-exporter" in told(scraped().respond)
    with pytest.raises(NoSamples, match="cannot be reached: Connection refused"):
        prometheus.read("http://127.0.0.1:9", Http(20.0), "node7", STARTED, STARTED + 1)


def test_a_run_between_two_scrapes() -> None:
    server = scraped()
    server.node("node7")
    assert "no sample from its time" in told(server.respond, seconds=4.0)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x:y", "a b", "http://[::1", "http://x:0"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(NoSamples, match="is not an address"):
        prometheus.address(url)


def test_addresses() -> None:
    assert prometheus.address("prom:9090") == ("http://prom:9090/api/v1/query_range", "")
    assert prometheus.address("https://x/prom/api/v1/?instance=n7") == ("https://x/prom/api/v1/query_range", "n7")
