"""A whole stack on each broker, shared by all fault stories and made whole again before each."""

from collections.abc import Generator, Iterator

import pytest

from deploy.local.mongo import MongoServer
from tests.support.brokers import KINDS, Brokers
from tests.support.stack import Stack, Story

_STACK = pytest.StashKey[Stack]()


@pytest.fixture(scope="session", params=KINDS)
def stack(
    request: pytest.FixtureRequest,
    mongo_server: MongoServer,
    brokers: Brokers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """Gateways, tracker and knowledge on RabbitMQ, then on Redis: one story, two brokers."""
    broker = brokers.get(request.param)
    running = Stack(tmp_path_factory.mktemp(f"faults-{request.param}"), mongo_server, broker)
    yield running
    running.close()
    brokers.release(broker)


@pytest.fixture
def story(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Story]:
    """Everything up but generators; a tenant of the story's own."""
    request.node.stash[_STACK] = stack
    stack.whole()
    told = Story(stack)
    yield told
    told.close()
    request.node.user_properties.extend(("seconds", figure) for figure in told.figures)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of the services' logs under a failed story."""
    report = yield
    stack = item.stash.get(_STACK, None)
    if stack is not None and report.failed:
        report.sections.append(("services", stack.services.report(tail=25)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The times measured in the stories, also those of a run's several workers."""
    reports = terminalreporter.stats.get("", []) + terminalreporter.stats.get("error", [])
    ended = [report for report in reports if report.when == "teardown"]
    figures = [tuple(figure) for report in ended for name, figure in report.user_properties if name == "seconds"]
    if figures:
        terminalreporter.section("fault stories: seconds measured")
        for what, kind, figure in sorted(figures):
            terminalreporter.line(f"{what:60} {kind:9} {figure:8.3f}")
