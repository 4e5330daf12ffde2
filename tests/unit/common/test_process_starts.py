"""A process begins with what it needs: a command without servers' clients, a service without torch (200 MB)."""

import json
import subprocess
import sys

STARTS = """
import json, sys
import services.finetune.app, services.finetune.batches, services.finetune.maintenance, services.finetune.tasks
import services.gateway.app, services.generator.app, services.knowledge.app, services.tracker.app
from services.common.work_budget import WorkBudget
from services.generator.settings import GeneratorSettings
from services.generator.turns.loading import load_model
from services.knowledge.encoders import Encoders
from services.knowledge.settings import KnowledgeSettings
from services.tracker.app import build_fallback, build_tracker
from services.tracker.settings import TrackerSettings

load_model(GeneratorSettings(engine="echo"), "worker")
build_tracker(TrackerSettings(tracker="rules"))
build_fallback(TrackerSettings(), WorkBudget(1.0))
encoders = Encoders(KnowledgeSettings())
heavy = {"torch", "transformers", "safetensors"}
at_start = sorted(heavy & set(sys.modules))
width = encoders.encode(["a text"]).shape[1]
named = encoders.texts().name == encoders.name
print(json.dumps([at_start, "torch" in sys.modules, width == encoders.dimensions, named]))
"""


def test_torch_comes_with_the_first_text_that_a_model_reads() -> None:
    process = subprocess.run([sys.executable, "-c", STARTS], capture_output=True, text=True, check=True)
    assert json.loads(process.stdout.splitlines()[-1]) == [[], True, True, True]


def test_a_command_begins_without_the_clients_of_servers() -> None:
    clients = "{'pymongo', 'redis', 'kombu'}"
    start = f"import json, sys, services.cli.app; print(json.dumps(sorted({clients} & set(sys.modules))))"
    process = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True)
    assert json.loads(process.stdout) == []
