"""A server for tests: `fake_server.py PORT MODE` listens soon, answers chats, and misbehaves by MODE."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODE = sys.argv[2]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        return

    def reply(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.reply(503 if MODE == "never-healthy" else 200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if MODE.startswith("die-once:") and not Path(MODE[9:]).exists():
            Path(MODE[9:]).touch()
            os._exit(3)
        if MODE == "die-always":
            os._exit(4)
        text = f"{body['messages'][-1]['content']}|{body['max_tokens']}|{len(body['messages'])}"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        self.reply(200, {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})


if MODE == "broken":
    print("RuntimeError: no such weights", flush=True)
    sys.exit(7)
if MODE.startswith("helper:"):
    # A helper in a session of its own, as engines start them; it must end with the server.
    helper = subprocess.Popen(["sleep", "300"], start_new_session=True)
    Path(MODE[7:]).write_text(str(helper.pid))
time.sleep(0.2)
print("listening", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
