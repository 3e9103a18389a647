"""The axes of the matrix: which architectures and number formats each method is tried on."""

ARCHITECTURES = (
    *("llama", "mistral", "qwen3", "gemma3", "phi3", "gpt2", "neox", "opt", "bloom", "bert", "t5"),
)
FORMATS = ("fp32", "bf16", "nf4", "int8")
