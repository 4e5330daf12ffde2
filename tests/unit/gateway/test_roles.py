"""Which key may call what: the contract's words on roles, checked over every RPC."""

from antiphon.v1 import admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2, state_pb2

from services.gateway.auth import needed_role

METHODS = {
    f"/{service.full_name}/{method.name}"
    for module in (admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2, state_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def called(service: str, *names: str) -> set[str]:
    return {f"/antiphon.v1.{service}Service/{name}" for name in names}


def with_role(role: str) -> set[str]:
    return {method for method in METHODS if needed_role(method) == role}


def test_a_caller_talks_reads_states_gives_feedback_and_searches() -> None:
    talk = {method for method in METHODS if "ConversationService" in method}
    reading = called("State", "GetSchema", "ListSchemas", "GetState")
    knowledge = called("Knowledge", "Search", "GetIngestion", "WatchIngestion", "ListFacts", "FactHistory")
    assert with_role("caller") == talk | reading | knowledge | called("Feedback", "SubmitFeedback")


def test_models_and_administration_are_an_operators() -> None:
    assert with_role("operator") == {m for m in METHODS if "ModelService" in m or "AdminService" in m}


def test_whoever_is_not_named_needs_a_reviewers_key() -> None:
    assert called("State", "PutSchema", "CorrectState") <= with_role("reviewer")
    assert called("Knowledge", "TeachFact", "IngestDocument", "ConfirmCandidate") <= with_role("reviewer")
    assert with_role("") == set(), "no RPC of the contract is open"


def test_health_and_reflection_need_no_key_and_nothing_else_is_open() -> None:
    assert needed_role("/grpc.health.v1.Health/Check") == ""
    assert needed_role("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo") == ""
    assert needed_role("/grpc.something.Else/Call") == "operator"
