"""The loggers a run can write to besides its own metrics file, one file each; this folder is their registry."""

from studio.loggers.logger import About, Logger, LoggerSettings, Sink
from studio.registry import discover

LOGGERS: dict[str, Logger] = discover("studio.loggers", "LOGGER", Logger)

__all__ = ["LOGGERS", "About", "Logger", "LoggerSettings", "Sink"]
