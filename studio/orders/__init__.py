"""Orders: a checked spec becomes a queued job. Pages and commands enqueue only through here."""

from studio.orders.desk import Orders
from studio.orders.views import RunView

__all__ = ["Orders", "RunView"]
