"""Quantised bases: frozen linear layers held in 4 or 8 bits, computed with in full precision."""

from studio.training.quantized.linear import QuantizedLinear
from studio.training.quantized.models import dequantize, hold, is_quantized, quantize

__all__ = ["QuantizedLinear", "dequantize", "hold", "is_quantized", "quantize"]
