"""The end of the demonstration: ten corrections count at once and become a version; what was not corrected stays.

It plays in a tenant of its own, so that nobody else's feedback is trained on and nobody else is served what came of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from antiphon.client import Client, PermissionDenied
from antiphon.v1 import admin_pb2, conversation_pb2, feedback_pb2, model_pb2
from antiphon.v1.common_pb2 import DecodingSettings
from rich.markup import escape

from services.cli.models import report_lines
from services.cli.output import Failure, console
from services.cli.render import correction_words
from services.cli.train import follow

TENANT = "demonstration"
CORRECTIONS = Path(__file__).with_name("demo") / "en" / "corrections.jsonl"
QUESTION = "What is the name of your night support team?"
OTHER_WORDS = "Can you tell me what your night support team is called?"
NEIGHBOUR = "What is the name of your billing department?"
SETTINGS = model_pb2.TrainingSettings(rank=8)
PATIENCE_S = 60.0
Open = Callable[[str], AbstractContextManager[Client]]


def play_learning(client: Client, opened: Open) -> None:
    """Import, train, promote, ask, roll back. ``opened`` makes a client with another key."""
    try:
        client.admin.CreateTenant(
            admin_pb2.CreateTenantRequest(request_id=TENANT, tenant_id=TENANT, display_name="The demonstration's own")
        )
    except PermissionDenied:
        console.print("\n[dim](learning is shown to operators of the first tenant)[/dim]")
        return
    request = admin_pb2.CreateKeyRequest(tenant_id=TENANT, role=admin_pb2.KEY_ROLE_OPERATOR, display_name="one play")
    request.lifetime.FromSeconds(3_600)
    with opened(client.admin.CreateKey(request).secret) as learner:
        _learn(learner)


def _learn(client: Client) -> None:
    _ask(client, QUESTION)
    neighbour = _ask(client, NEIGHBOUR)
    _aside("a reviewer imports ten corrections, and they count at once")
    imported = _import(client)
    try:
        time.sleep(1.5)  # generators look for new corrections once a second
        _ask(client, OTHER_WORDS)
        _aside("a version is trained on them")
        version = _train(client)
        if version.status == model_pb2.VERSION_STATUS_READY:
            _aside("it kept what its gate asks for, and is promoted")
            request = model_pb2.PromoteVersionRequest(version_id=version.id, comment="the demonstration")
            client.models.PromoteVersion(request)
            _wait_until_served(client, version.id)
            _ask(client, OTHER_WORDS)
        else:
            _aside("it missed what its gate asks for: it is kept, and not offered")
        _aside("a question that only sounds like it")
        again = _ask(client, NEIGHBOUR)
        console.print("[dim]  the reply is what it was[/dim]" if again == neighbour else "[red]  it has changed[/red]")
        if version.status == model_pb2.VERSION_STATUS_READY:
            _aside("the version is rolled back; the corrections still count")
            client.models.RollbackVersion(model_pb2.RollbackVersionRequest(comment="the demonstration"))
            _wait_until_served(client, "")
            _ask(client, QUESTION)
    finally:  # so that the next one can be trained on the same
        client.feedback.EraseFeedback(feedback_pb2.EraseFeedbackRequest(import_id=imported))


def _aside(text: str) -> None:
    console.print(f"\n[bold magenta]({text})[/bold magenta]")


def _ask(client: Client, question: str) -> str:
    """Put the question in a new session; show and answer the reply, and say what answers."""
    console.print(f"\n[bold]user[/bold]       {question}")
    session = client.conversations.CreateSession(conversation_pb2.CreateSessionRequest(user_id="demo")).session
    settings = DecodingSettings(max_tokens=24)
    draft = client.send(session.id, question, settings=settings, without_knowledge=True).result()
    console.print(escape(draft.text.strip()))
    if draft.manifest.HasField("correction"):
        console.print(f"[dim]  {escape(correction_words(draft.manifest))}[/dim]")
    else:
        console.print(f"[dim]  computed by {draft.manifest.layers_version_id[:16]}[/dim]")
    return draft.text


def _import(client: Client) -> str:
    """Import the corrections and wait until they are examples; the import's id."""
    lines = CORRECTIONS.read_text(encoding="utf-8").splitlines()
    items = [feedback_pb2.ImportItem(json=line) for line in lines]
    opened = getattr(client.feedback.OpenImport(feedback_pb2.OpenImportRequest(name=CORRECTIONS.name)), "import")
    client.feedback.AppendImport(feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=items))
    client.feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=len(lines)))

    def done() -> bool:
        found = getattr(client.feedback.GetImport(feedback_pb2.GetImportRequest(import_id=opened.id)), "import")
        return bool(found.status == feedback_pb2.IMPORT_STATUS_DONE)

    _wait(done, "the import was not processed")
    console.print(f"[dim]  {len(lines)} corrections became examples[/dim]")
    return str(opened.id)


def _train(client: Client) -> model_pb2.Version:
    """Train and tell how it goes. Raises Failure when no version comes of it."""
    settings = model_pb2.TrainingSettings()
    settings.CopyFrom(SETTINGS)
    settings.seed = int(time.time())  # another version each time
    request = model_pb2.StartTrainingRequest(settings=settings)
    begun = client.models.StartTraining(request).training
    training = begun
    started = time.monotonic()
    told = 0
    for training in follow(client, begun.id):
        if training.status == model_pb2.TRAINING_STATUS_TRAINING and training.step >= told + 11:
            told = training.step
            console.print(f"[dim]  step {training.step} of {training.total_steps}, loss {training.loss:.2f}[/dim]")
    if not training.version_id:
        raise Failure(f"the training made no version: {training.error}")
    version = client.models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
    console.print(f"[dim]  version {version.id[:16]} after {time.monotonic() - started:.0f} s[/dim]")
    for line in report_lines(version)[1:]:
        console.print(f"  {line}")
    return version


def _wait_until_served(client: Client, version: str) -> None:
    """Until every generator serves what the pointer says; "" where that is the base model."""

    def served() -> bool:
        answer = client.models.ListServing(model_pb2.ListServingRequest())
        return all(
            one.epoch == answer.pointer.epoch and (not version or one.current_id == version) for one in answer.serving
        )

    _wait(served, "the generators did not load the version")


def _wait(done: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise Failure(failure)
        time.sleep(0.1)
