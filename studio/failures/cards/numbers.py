"""Numbers that leave all bounds."""

from studio.failures.card import Card, Remedy, slower

CARDS = (
    Card(
        "not_finite",
        "The numbers broke down",
        "The loss became infinite or no number at all. The steps were too large for this model and "
        "data, or 16-bit numbers too coarse.",
        Remedy(
            "Try again, learning ten times slower",
            "The learning rate is divided by ten and 32-bit numbers are used.",
            "change",
            slower,
        ),
        frozenset({"not_finite"}),
        r"loss is (nan|inf)|(nan|inf) (values|gradients)|FloatingPointError",
    ),
    Card(
        "token_beyond_vocabulary",
        "A token is not in the model's vocabulary",
        "The tokenizer knows more words than the model has rows for: the two belong to different models, "
        "or a word was added to one of them only.",
        Remedy(
            "Choose the model again",
            "Take a folder whose tokenizer and weights come from the same place.",
            "open",
            page="/",
        ),
        pattern=r"index out of range in self|device-side assert triggered|srcIndex < srcSelectDimSize",
    ),
)
