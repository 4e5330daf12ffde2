"""The bus: kombu for turns, events and control; Celery for jobs. RabbitMQ and Redis by URL alone."""

from services.common.bus.connection import Bus
from services.common.bus.consumer import Consumer, Delivery, start_all
from services.common.bus.events import Event, EventPublisher
from services.common.bus.messages import TurnMessage

__all__ = ["Bus", "Consumer", "Delivery", "Event", "EventPublisher", "TurnMessage", "start_all"]
