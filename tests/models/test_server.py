"""Managed servers: started, watched, restarted once, and ended for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.models.server import ManagedServer, ServerFailed
from evalsuite.models.server_command import COMMANDS, Wish, command_of
from evalsuite.types import Message, Request, Sampling

FAKE = str(Path(__file__).with_name("fake_server.py"))


def manage(mode: str, tmp_path: Path, **settings: Any) -> ManagedServer:
    return ManagedServer(
        "some/model",
        command=[sys.executable, FAKE, "{port}", mode],
        log=str(tmp_path / "server.log"),
        **{"start_timeout": 20.0, "client": {"retry": 6, "backoff": 0.1}, **settings},
    )


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def requests(count: int) -> list[Request]:
    return [Request(str(at), (Message("user", f"m{at}"),), Sampling(max_out_len=9)) for at in range(count)]


def test_answers_come_from_the_server_with_the_dicts_own_system(tmp_path: Path) -> None:
    model = manage("ok", tmp_path, system="be brief", generation_kwargs={"max_new_tokens": 5})
    try:
        answers = {answer.key: answer for answer in model.generate(iter(requests(5)))}
        assert {key: answer.text for key, answer in answers.items()} == {
            str(at): f"m{at}|9|2" for at in range(5)
        }
        assert model.facts().details["starts"] == 1
    finally:
        model.close()
    assert "listening" in (tmp_path / "server.log").read_text()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed) as caught:
        manage("broken", tmp_path)
    assert "status 7" in str(caught.value)
    assert "no such weights" in str(caught.value)


def test_a_missing_program_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="cannot start no-such-server-program"):
        ManagedServer("m", command=["no-such-server-program"], log=str(tmp_path / "log"))


def test_the_timeout_names_the_phase(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="warming up"):
        manage("never-healthy", tmp_path, start_timeout=1.0)
    with pytest.raises(ServerFailed, match="nothing listens"):
        ManagedServer("m", command=["sleep", "60"], log=str(tmp_path / "log"), start_timeout=0.3)


def test_a_server_that_dies_is_started_again_once(tmp_path: Path) -> None:
    model = manage(f"die-once:{tmp_path / 'died'}", tmp_path)
    try:
        answers = list(model.generate(iter(requests(4))))
        assert sorted(answer.text for answer in answers) == [f"m{at}|9|1" for at in range(4)]
        assert model.facts().details["starts"] == 2
    finally:
        model.close()


def test_a_server_that_keeps_dying_ends_the_stream_with_its_log(tmp_path: Path) -> None:
    model = manage("die-always", tmp_path)
    try:
        with pytest.raises(ServerFailed, match="status 4"):
            list(model.generate(iter(requests(2))))
    finally:
        model.close()


def test_close_ends_helpers_in_sessions_of_their_own(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    model = manage(f"helper:{note}", tmp_path)
    helper = int(note.read_text())
    assert not Path(f"/proc/{helper}").exists() or "sleep" in Path(f"/proc/{helper}/cmdline").read_text()
    model.close()
    assert gone(helper)


def test_a_killed_owner_takes_its_server_along(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import sys, time\n"
        "from evalsuite.models.server import ManagedServer\n"
        f"m = ManagedServer('m', command=[sys.executable, {FAKE!r}, '{{port}}', 'helper:{note}'],"
        f" log={str(tmp_path / 'log')!r})\n"
        "print('ready', m.server._wish.port, flush=True)\n"
        "time.sleep(300)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline().startswith("ready")
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert gone(int(note.read_text()))


def test_each_engines_command_carries_path_port_and_window() -> None:
    for engine in COMMANDS.keys() - {"llama.cpp"}:
        window = None if engine == "transformers" else 4096
        wish = Wish("org/model", "127.0.0.1", 1234, "model", window=window, args=("--extra", "1"))
        words = command_of(engine, wish, None)
        assert "org/model" in words
        assert "1234" in words
        assert words.count("4096") == (window is not None)
        assert words[-2:] == ["--extra", "1"]
    with pytest.raises(UserError, match="did you mean 'vllm'"):
        command_of("vlm", wish, None)


def test_each_slot_of_llama_cpp_has_the_whole_window() -> None:
    words = command_of("llama.cpp", Wish("m.gguf", "127.0.0.1", 1, "m", window=1024, args=("-t", "2")), None)
    assert "-np 4 -c 4096" in " ".join(words)
    assert words[-2:] == ["-t", "2"]
    words = command_of("llama.cpp", Wish("m.gguf", "127.0.0.1", 1, "m"), None)
    assert "-np 1" in " ".join(words)
    assert "-c" not in words


@pytest.mark.parametrize(
    ("engine", "given", "told"),
    [
        ("sglang", {"adapter": "a"}, "takes no peft_path; expected the adapter merged"),
        ("lmdeploy", {"seed": 1}, "takes no seed"),
        ("lmdeploy", {"template": "t.jinja"}, "takes no chat_template"),
        ("lmdeploy", {"dtype": "float32"}, "computes in no float32"),
        ("llama.cpp", {"gpus": 2}, "takes no tensor_parallel_size"),
        ("transformers", {"window": 64}, "takes no max_seq_len"),
        ("transformers", {"template": "t.jinja"}, "takes no chat_template"),
    ],
)
def test_what_an_engine_has_no_flag_for_is_refused(engine: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        command_of(engine, Wish("m", "127.0.0.1", 1, "m", **given), None)


def test_sampling_settings_of_a_checkpoint_stay_out_of_every_request() -> None:
    wish = Wish("m", "127.0.0.1", 1, "m")
    told = {engine: " ".join(command_of(engine, wish, None)) for engine in COMMANDS}
    assert "--generation-config vllm" in told["vllm"]
    assert "--sampling-defaults openai" in told["sglang"]
    assert "--generation-config lmdeploy" in told["lmdeploy"]
    assert "--top-k 0 --top-p 1.0 --min-p 0.0" in told["llama.cpp"]


def test_a_program_in_another_environment_is_named() -> None:
    wish = Wish("m.gguf", "127.0.0.1", 1, "m", python="/opt/llama/llama-server")
    assert command_of("llama.cpp", wish, None)[0] == "/opt/llama/llama-server"
    assert command_of("vllm", wish, None)[:2] == ["/opt/llama/llama-server", "-m"]


def test_a_template_goes_to_the_server_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "given.jinja"
    file.write_text("{{ messages }}")
    log = tmp_path / "run" / "server.log"
    for given, read in (("{{ messages[0] }}", "{{ messages[0] }}"), (str(file), "{{ messages }}")):
        with pytest.raises(ServerFailed):
            ManagedServer("m", python="no-such-python", chat_template=given, log=str(log))
        words = log.read_text().splitlines()[-2].split()
        assert Path(words[words.index("--chat-template") + 1]).read_text() == read
    with pytest.raises(UserError, match="did you mean 'qwen2_5'"):
        ManagedServer("m", chat_template="qwen25", log=str(log))


def test_a_named_format_needs_a_server_that_adds_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected engine='vllm'"):
        ManagedServer("m", engine="sglang", chat_template="qwen2_5", log=str(tmp_path / "log"))
